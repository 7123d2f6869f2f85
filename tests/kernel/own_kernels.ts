/** Primitives with WGSL of their own, written as a user would: from `mod.ts` alone. @module */
import {
  type Aval,
  type DeviceTraits,
  type KernelLowering,
  kernelPrimitive,
  type KernelRules,
  linearGrid,
  ndArray,
  type Primitive,
  sizeOf,
} from "../../mod.ts";
import { add, apply, mul, type Tensor, vmap } from "../../mod.ts";

const HEAD = `
override WORKGROUP: u32;
struct Sizes { rows: u32, columns: u32, groups_x: u32 }
`;

const MAIN = `
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
`;

/** Products of two matrices, element by element: linear in each. */
export const PRODUCT = `${HEAD}
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;
${MAIN}
  if (i < sizes.rows * sizes.columns) { y[i] = a[i] * b[i]; }
}`;

const SUM_ROWS = `${HEAD}
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;
${MAIN}
  if (i >= sizes.rows) { return; }
  var total = 0.0;
  for (var k = 0u; k < sizes.columns; k++) { total += a[i * sizes.columns + k]; }
  y[i] = total;
}`;

function lower(
  _: null,
  inputs: readonly Aval[],
  __: Aval,
  traits: DeviceTraits,
): KernelLowering {
  const [rows, columns] = inputs[0]!.shape as readonly [number, number];
  const grid = (count: number) => {
    const { workgroups, overrides } = linearGrid(count, traits);
    return { workgroups, overrides: { rows, columns, ...overrides } };
  };
  return {
    calls: [
      {
        kernel: "product",
        ...grid(rows * columns),
        buffers: [
          { kind: "input", index: 0 },
          { kind: "input", index: 1 },
          { kind: "scratch", index: 0 },
        ],
        flops: rows * columns,
      },
      {
        kernel: "sum_rows",
        ...grid(rows),
        buffers: [{ kind: "scratch", index: 0 }, { kind: "output", index: 0 }],
        flops: rows * columns,
      },
    ],
    scratch: [rows * columns],
  };
}

/** `sum over k of a[i, k] b[i, k]`: two kernels, scratch between them, a rule of transposition. */
export const rowDotRules: KernelRules<null> = {
  name: "row_dot",
  kernels: { product: PRODUCT, sum_rows: SUM_ROWS },
  aval: (_, [a, b]) => {
    if (a!.shape.length !== 2 || a!.shape.join() !== b!.shape.join()) {
      throw new TypeError("expected two matrices of one shape.");
    }
    return { shape: [a!.shape[0]!], dtype: "f32" };
  },
  evaluate: (_, [a, b], output) => {
    const columns = a!.shape[1]!;
    return ndArray(
      output,
      Array.from({ length: sizeOf(output.shape) }, (_, i) => {
        let total = 0;
        for (let k = 0; k < columns; k++) {
          total += a!.data[i * columns + k]! * b!.data[i * columns + k]!;
        }
        return total;
      }),
    );
  },
  jvp: ({ inputs: [a, b] }, [da, db]) => {
    const left = da ? rowDot(da, b!) : null;
    const right = db ? rowDot(a!, db) : null;
    return left && right ? add(left, right) : left ?? right;
  },
  transpose: ({ inputs }, cotangent, linear) =>
    inputs.map((_, k) =>
      linear[k] ? vmap((ct: Tensor, row: Tensor) => mul(ct, row))(cotangent, inputs[1 - k]!) : null
    ),
  vmap: "each example",
  lower,
};

/** The rules as a primitive. */
export const rowDotP: Primitive<null> = kernelPrimitive(rowDotRules);

/** Inner products of the rows of two matrices. */
export function rowDot(a: Tensor, b: Tensor): Tensor {
  return apply(rowDotP, null, [a, b]);
}
