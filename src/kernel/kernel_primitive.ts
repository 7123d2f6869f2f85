/**
 * Primitives with WGSL of their own, from outside of the package.
 *
 * @module
 */
import { requireArguments } from "../ir/options.ts";
import * as is from "../ir/kinds.ts";
import { describe } from "../ir/describe.ts";
import { readWgslInterface } from "../gpu/wgsl_interface.ts";
import { type Aval, formatAval, sameAval } from "../ir/aval.ts";
import type { DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import {
  type Batched,
  definePrimitive,
  type Linear,
  type Primitive,
  type SingleRules,
} from "../ir/primitive.ts";
import { type Node, Tensor } from "../ir/tensor.ts";
import { eachExample } from "../ops/each_example.ts";
import { requireOtherName } from "../ops/own_names.ts";

/** The rules of a primitive with WGSL of its own: all of them, for `"cannot"` is written down. */
export interface KernelRules<P> extends Omit<SingleRules<P>, "vmap" | "lower"> {
  /**
   * WGSL of its kernels by name. A kernel has one entry point `main`; its buffers are
   * `@group(0) @binding(n) var<storage, read>` (or `read_write`) from 0 on; what is compiled in is an
   * `override`; what varies with the shapes is a member of a `struct Sizes` of `u32`, `i32` and `f32`, bound last
   * as `var<uniform> sizes: Sizes`.
   */
  readonly kernels: Readonly<Record<string, string>>;
  /** The same operation with a batch axis in front, or one application for every example. */
  readonly vmap:
    | ((node: Node<P>, inputs: readonly Batched[], batch: number) => Tensor)
    | "each example";
  /**
   * Which kernels run, over how many workgroups, with which constants and buffers; every element of the
   * output is written. Scratch holds what the run before has left.
   */
  lower(
    params: P,
    inputs: readonly Aval[],
    output: Aval,
    traits: DeviceTraits,
  ): KernelLowering;
}

/** What every set of rules has, and what it must be. */
const RULES: Readonly<Record<keyof KernelRules<unknown>, readonly string[]>> = {
  name: ["string"],
  kernels: ["object"],
  aval: ["function"],
  evaluate: ["function"],
  jvp: ["function", "constant"],
  transpose: ["function", "not linear"],
  vmap: ["function", "each example"],
  lower: ["function"],
  flops: ["function", "undefined"],
};

/**
 * Makes a primitive of rules and WGSL: then `apply` uses it in programs like those of the library. It is fused
 * with nothing, differentiated by its own rules to any order (they return programs), vectorized, and compiled
 * for the engine `webgpu`; the engines `tfjs` and `reference` compute it by `evaluate`.
 *
 * {@linkcode checkRules} compares all rules with each other and with the device. An invocation may not run more than
 * 60,000 iterations of loops: software adapters then stop without an error.
 *
 * @param rules All rules.
 * @returns The primitive.
 * @throws {TypeError} If a rule is missing or none, or the library has a primitive of that name.
 * @throws {Error} If a kernel's buffers or sizes are not declared as they must be.
 *
 * @example
 * ```ts
 * import { apply, type HostArray, hostArray, kernelPrimitive, linearGrid } from "@mutasesumele/toolkit";
 * import { checkRules, mul, ndArray, openEngine, type Primitive, type Tensor } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const cubeP: Primitive<null> = kernelPrimitive({
 *   name: "cube",
 *   kernels: {
 *     cube: `
 *       override WORKGROUP: u32;
 *       struct Sizes { size: u32, groups_x: u32 }
 *       @group(0) @binding(0) var<storage, read> x: array<f32>;
 *       @group(0) @binding(1) var<storage, read_write> y: array<f32>;
 *       @group(0) @binding(2) var<uniform> sizes: Sizes;
 *       @compute @workgroup_size(WORKGROUP)
 *       fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
 *         let i = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
 *         if (i < sizes.size) { y[i] = x[i] * x[i] * x[i]; }
 *       }`,
 *   },
 *   aval: (_, [x]) => x!,
 *   evaluate: (_, [x], output) => ndArray(output, Array.from(x!.data, (value) => value ** 3)),
 *   jvp: ({ inputs: [x] }, [dx]) => dx ? mul(mul(mul(x!, x!), 3), dx) : null,
 *   transpose: "not linear",
 *   vmap: (_, [x]) => apply(cubeP, null, [x!.tensor]),
 *   lower: (_, inputs, output, traits) => {
 *     const size = output.shape.reduce((product, extent) => product * extent, 1);
 *     const { workgroups, overrides } = linearGrid(size, traits);
 *     return {
 *       calls: [{
 *         kernel: "cube",
 *         overrides: { size, ...overrides },
 *         workgroups,
 *         buffers: [{ kind: "input", index: 0 }, { kind: "output", index: 0 }],
 *         flops: 2 * size,
 *       }],
 *       scratch: [],
 *     };
 *   },
 * });
 * const cube = (x: Tensor) => apply(cubeP, null, [x]);
 *
 * using engine = await openEngine("auto");
 * await checkRules(cube, [hostArray([-1.5, 0.5, 2])], { engine });
 * const result: HostArray = await engine.read(await engine.jit(cube)(hostArray([1, 2, 3])));
 * assertEquals([...result.data], [1, 8, 27]);
 * ```
 */
export function kernelPrimitive<P>(rules: KernelRules<P>): Primitive<P> {
  requireRules(rules);
  const { name, kernels, lower, vmap } = rules;
  requireOtherName("a primitive", name, `my_${name}`);
  requireArguments("kernelPrimitive", { kernels }, { kernels: is.object });
  for (const [kernel, code] of Object.entries(kernels)) {
    if (typeof code !== "string" || !/\bfn\s+main\b/.test(code)) {
      throw new TypeError(
        `Cannot make the primitive '${name}': found ${
          typeof code === "string" ? "no 'fn main'" : describe(code)
        } for its kernel '${kernel}', expected WGSL with the entry point 'main'.`,
      );
    }
    readWgslInterface(code, kernel);
  }
  const { jvp, transpose } = rules;
  const primitive = definePrimitive<P>({
    ...rules,
    jvp: jvp === "constant" ? jvp : (node, tangents) => {
      const tangent = jvp(node, tangents);
      return fitting(name, "jvp", [[tangent, node.outputs[0]!]])[0]!;
    },
    transpose: transpose === "not linear" ? transpose : (node, cotangent, linear) => {
      const found = transpose(node, cotangent, linear);
      return fitting(name, "transpose", node.inputs.map((input, k) => [found[k] ?? null, input]));
    },
    vmap: vmap === "each example"
      ? (node, inputs, batch) => eachExample(node, inputs, batch)[0]!
      : vmap,
    lower: {
      kind: "kernel",
      lower: (params, inputs, output, traits) => {
        const { calls, scratch } = lower(params, inputs, output, traits);
        return { scratch, calls: calls.map((call) => ({ ...call, code: codeOf(call.kernel) })) };
      },
    },
  });
  const codeOf = (kernel: string): string => {
    if (Object.hasOwn(kernels, kernel)) return kernels[kernel]!;
    throw new TypeError(
      `it has no kernel '${kernel}', expected one of ${Object.keys(kernels).join(", ")}.`,
    );
  };
  return primitive;
}

/** What a rule gave, if every tensor of it has the shape and type of what it belongs to. */
function fitting(
  name: string,
  rule: string,
  pairs: readonly (readonly [found: Linear, expected: Aval])[],
): readonly Linear[] {
  return pairs.map(([found, expected]) => {
    if (found === null || (found instanceof Tensor && sameAval(found, expected))) return found;
    throw new TypeError(
      `Cannot differentiate '${name}': its rule '${rule}' gave ${describe(found)}, expected ${
        formatAval(expected)
      } or null for zeros.`,
    );
  });
}

/** Throws unless all rules are there: a caller without types learns of it here, not within a gradient. */
function requireRules<P>(rules: KernelRules<P>): void {
  for (const [rule, kinds] of Object.entries(RULES)) {
    const found: unknown = rules?.[rule as keyof KernelRules<P>];
    if (kinds.some((kind) => found === kind || typeof found === kind)) continue;
    throw new TypeError(
      `Cannot make a primitive: found ${describe(found)} for its rule '${rule}', expected ${
        kinds.map((kind) => typeof found === "string" ? `'${kind}'` : kind).join(" or ")
      }.`,
    );
  }
}
