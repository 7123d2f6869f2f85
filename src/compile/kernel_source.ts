/**
 * WGSL text of generated kernels.
 *
 * @module
 */
import type { Index } from "../ir/index_expression.ts";
import { addIndex, scaleIndex, variableIndex } from "../ir/index_expression.ts";
import { type Expressions, LANE, registerType, type Width } from "./expression.ts";
import type { DType } from "../ir/aval.ts";
import type { DeviceTraits } from "../ir/lowering.ts";

/** Invocations of a workgroup of a generated kernel. */
export const WORKGROUP = 64;

/** A dispatch of a generated kernel. */
export interface GeneratedKernel<B> {
  /** WGSL. */
  readonly code: string;
  /** Memory of each binding. */
  readonly memory: readonly B[];
  /** Whether the kernel writes each binding, all of it; otherwise it only reads it. */
  readonly writes: readonly boolean[];
  /** Workgroups along x, y, z. */
  readonly workgroups: readonly [number, number, number];
}

/** Position `4 * variable + lane` at width 4, `variable` at width 1. */
export function flatPosition(variable: string, count: number, width: Width): Index {
  const index = variableIndex(variable, count);
  return width === 1 ? index : addIndex(scaleIndex(index, 4), variableIndex(LANE, 4));
}

/** Spreads `threads` invocations over a grid whose axes have at most `most` workgroups. */
function gridOf(threads: number, most: number): [number, number, number] {
  const groups = Math.ceil(threads / WORKGROUP);
  if (groups <= most) return [groups, 1, 1];
  const rows = Math.ceil(groups / most);
  return [Math.ceil(groups / rows), rows, 1];
}

/** Statement that stores `value` (in a register) at `position` of a binding. */
export function storeStatement(
  binding: string,
  position: string,
  { value, dtype, width }: { value: string; dtype: DType; width: Width },
): string {
  if (dtype !== "bool") return `${binding}[${position}] = ${value};`;
  const type = registerType("u32", width);
  return `${binding}[${position}] = select(${type}(0u), ${type}(1u), ${value});`;
}

/** The dispatch of the kernel whose statements are `body`, one invocation for each of `threads`. */
export function generatedKernel<B>(
  expressions: Expressions<B>,
  body: readonly string[],
  { threads, traits }: { threads: number; traits: DeviceTraits },
): GeneratedKernel<B> {
  const grid = gridOf(threads, traits.maxWorkgroupsPerDimension);
  return {
    code: kernelText(expressions, body, { threads, grid }),
    memory: expressions.bindings.map(({ memory }) => memory),
    writes: expressions.bindings.map(({ writes }) => writes),
    workgroups: grid,
  };
}

/** Whether a dispatch of the kernel binds no more buffers than the adapter allows. */
export function fitsBuffers<B>(kernel: GeneratedKernel<B>, traits: DeviceTraits): boolean {
  return kernel.memory.length <= traits.maxStorageBuffers;
}

/** Declarations and entry point around the body of a kernel with `threads` invocations. */
function kernelText<B>(
  expressions: Expressions<B>,
  body: readonly string[],
  { threads, grid }: { threads: number; grid: readonly [number, number, number] },
): string {
  const bindings = expressions.bindings.map(({ name, element, writes }, k) =>
    `@group(0) @binding(${k}) var<storage, ${
      writes ? "read_write" : "read"
    }> ${name}: array<${element}>;`
  );
  const id = grid[1] === 1 ? "id.x" : `id.x + id.y * ${grid[0] * WORKGROUP}u`;
  return [
    ...bindings,
    ...expressions.helpers.values(),
    `@compute @workgroup_size(${WORKGROUP})`,
    `fn main(@builtin(global_invocation_id) id: vec3<u32>) {`,
    `  let q = ${id};`,
    `  if (q >= ${threads}u) { return; }`,
    ...body.map((line) => `  ${line}`),
    `}`,
    ``,
  ].join("\n");
}
