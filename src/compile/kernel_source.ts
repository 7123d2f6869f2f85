/**
 * WGSL text of generated kernels.
 *
 * @module
 */
import type { Index } from "../ir/index_expression.ts";
import { addIndex, scaleIndex, variableIndex } from "../ir/index_expression.ts";
import { type Expressions, type KernelSize, LANE, type SourceBinding } from "./expression.ts";
import { UNROLLED } from "./index_text.ts";
import { registerType, type Width } from "./wgsl_values.ts";
import type { DType } from "../ir/aval.ts";
import type { DeviceTraits } from "../ir/lowering.ts";

/** Invocations of a workgroup of a generated kernel. */
export const WORKGROUP = 64;

/** What a kernel computes whose invocations do not work together: it can be a part of another one. */
export interface KernelPart<B> {
  /** Bindings in the order of their numbers. */
  readonly bindings: readonly SourceBinding<B>[];
  /** Numbers read at run time. */
  readonly sizes: readonly KernelSize[];
  /** WGSL helper functions by name. */
  readonly helpers: ReadonlyMap<string, string>;
  /** Statements of invocation `q`. */
  readonly body: readonly string[];
  /** Number of invocations. */
  readonly threads: number;
}

/** A dispatch of a generated kernel. */
export interface GeneratedKernel<B> {
  /** WGSL. */
  readonly code: string;
  /** Values of the members of its `struct Sizes`. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Memory of each binding. */
  readonly memory: readonly B[];
  /** Whether the kernel writes each binding, all of it; otherwise it only reads it. */
  readonly writes: readonly boolean[];
  /** Workgroups along x, y, z. */
  readonly workgroups: readonly [number, number, number];
  /** What it computes, where that can be a part of another kernel. */
  readonly part?: KernelPart<B>;
}

/** Position `4 * variable + lane` at width 4, `variable` at width 1. */
export function flatPosition(variable: string, count: number, width: Width): Index {
  const index = variableIndex(variable, count);
  return width === 1 ? index : addIndex(scaleIndex(index, 4), variableIndex(LANE, 4));
}

/** Expression of the number of iterations of a loop. */
export function loopBound<B>(expressions: Expressions<B>, count: number): string {
  return count <= UNROLLED ? `${count}u` : expressions.size(count);
}

/** Spreads workgroups over a grid whose axes have at most `most` of them. */
function gridOf(groups: number, most: number): [number, number, number] {
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

/** A variable of a workgroup: an array of as many elements of a WGSL type as it has invocations. */
export interface WorkgroupArray {
  /** WGSL name. */
  readonly name: string;
  /** WGSL type of an element. */
  readonly element: string;
}

/** Workgroups whose invocations work together. */
interface SharedWork {
  /** Invocations of a workgroup; {@linkcode WORKGROUP} unless told. */
  readonly invocations?: number;
  /** Its variables; none unless told. */
  readonly arrays?: readonly WorkgroupArray[];
}

/**
 * The dispatch of a kernel whose invocations work together: statements find the number of their workgroup in `group`
 * and their own number in it in `member`.
 */
export function groupKernel<B>(
  { bindings, helpers, sizes: own }: Pick<KernelPart<B>, "bindings" | "helpers" | "sizes">,
  body: readonly string[],
  { groups, traits, ...shared }: { groups: number; traits: DeviceTraits } & SharedWork,
): GeneratedKernel<B> {
  const workgroups = gridOf(groups, traits.maxWorkgroupsPerDimension);
  const rows: readonly KernelSize[] = workgroups[1] === 1 ? [] : [
    { name: "groups", type: "u32", value: groups },
    { name: "row", type: "u32", value: workgroups[0] },
  ];
  const begin = rows.length === 0
    ? [`let group = workgroup.x;`]
    : [`let group = workgroup.x + workgroup.y * row;`, `if (group >= groups) { return; }`];
  return kernelOf({ bindings, helpers, sizes: [...rows, ...own] }, {
    parameters:
      "@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) member: u32",
    body: [...begin, ...body],
    workgroups,
    ...shared,
  });
}

/** The dispatch of the kernel whose statements are `body`, one invocation for each of `threads`. */
export function generatedKernel<B>(
  { bindings, helpers, sizes: own }: Pick<KernelPart<B>, "bindings" | "helpers" | "sizes">,
  body: readonly string[],
  { threads, traits }: { threads: number; traits: DeviceTraits },
): GeneratedKernel<B> {
  const workgroups = gridOf(Math.ceil(threads / WORKGROUP), traits.maxWorkgroupsPerDimension);
  // Where workgroups are full, no invocation has to find out whether it is one too many.
  const full = workgroups[0] * WORKGROUP === threads;
  const sizes: readonly KernelSize[] = full ? own : [
    { name: "threads", type: "u32", value: threads },
    { name: "row", type: "u32", value: workgroups[0] * WORKGROUP },
    ...own,
  ];
  const begin = full
    ? [`let q = id.x;`]
    : [`let q = id.x + id.y * row;`, `if (q >= threads) { return; }`];
  const kernel = kernelOf({ bindings, helpers, sizes }, {
    parameters: "@builtin(global_invocation_id) id: vec3<u32>",
    body: [...begin, ...body],
    workgroups,
  });
  return { ...kernel, part: { bindings, helpers, sizes: own, body, threads } };
}

/** Whether a dispatch of the kernel binds no more buffers than the adapter allows. */
export function fitsBuffers<B>(kernel: GeneratedKernel<B>, traits: DeviceTraits): boolean {
  return kernel.memory.length <= traits.maxStorageBuffers;
}

/** Declarations and entry point around the body of a kernel. */
function kernelOf<B>(
  { bindings, helpers, sizes }: Pick<KernelPart<B>, "bindings" | "helpers" | "sizes">,
  { parameters, body, workgroups, invocations = WORKGROUP, arrays = [] }: {
    readonly parameters: string;
    readonly body: readonly string[];
    readonly workgroups: GeneratedKernel<B>["workgroups"];
  } & SharedWork,
): GeneratedKernel<B> {
  const buffers = bindings.map(({ name, element, writes }, k) =>
    `@group(0) @binding(${k}) var<storage, ${
      writes ? "read_write" : "read"
    }> ${name}: array<${element}>;`
  );
  const code = [
    ...sizes.length === 0 ? buffers : [
      `struct Sizes { ${sizes.map(({ name, type }) => `${name}: ${type}`).join(", ")} }`,
      ...buffers,
      `@group(0) @binding(${buffers.length}) var<uniform> sizes: Sizes;`,
    ],
    ...arrays.map(({ name, element }) =>
      `var<workgroup> ${name}: array<${element}, ${invocations}>;`
    ),
    ...helpers.values(),
    `@compute @workgroup_size(${invocations})`,
    `fn main(${parameters}) {`,
    ...sizes.map(({ name }) => `  let ${name} = sizes.${name};`),
    ...body.map((line) => `  ${line}`),
    `}`,
    ``,
  ].join("\n");
  return {
    code,
    sizes: Object.fromEntries(sizes.map(({ name, value }) => [name, value])),
    memory: bindings.map(({ memory }) => memory),
    writes: bindings.map(({ writes }) => writes),
    workgroups,
  };
}
