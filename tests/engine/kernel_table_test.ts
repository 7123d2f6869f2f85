/** Programs compiled by a made-up table of kernels: they take what it says, and compute the same. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { hostArray, openEngine } from "../../src/engine/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { conv2d, matmul, reshape, sum } from "../../src/ops/mod.ts";
import { profile } from "../../src/profile/mod.ts";
import { valueAndGrad } from "../../src/transform/mod.ts";
import { assertClose, values } from "../kernels/fixtures.ts";
import { webgpuTest } from "../webgpu.ts";

const WINDOW = {
  input: [8, 8],
  kernel: [3, 3],
  stride: [1, 1],
  padding: [1, 1, 1, 1],
} as const;

/** A convolution and a product, and their gradients. */
const step = valueAndGrad(({ x, w, v }: { x: Tensor; w: Tensor; v: Tensor }) => {
  const y = conv2d(x, w, WINDOW);
  const z = matmul(reshape(y, [1, 16, 128]), v);
  return sum(z, [0, 1, 2]);
});

const args = {
  x: hostArray(values(2 * 64 * 8, 1), [1, 2, 8, 8, 8]),
  w: hostArray(values(9 * 8 * 16, 2), [1, 3, 3, 8, 16]),
  v: hostArray(values(128 * 16, 3), [1, 128, 16]),
};

const sizes = (height: number, in4: number, out4: number) =>
  `batch 1, images 2, height ${height}, width 8, in4 ${in4}, outHeight 8, outWidth 8, out4 ${out4}, ` +
  "kernelHeight 3, kernelWidth 3, strideY 1, strideX 1, padTop 1, padLeft 1";

const table = {
  [`convolution: ${sizes(8, 2, 4)}, transposed 0`]: "conv2d_3x3_slices, 2",
  [`convolution: ${sizes(8, 4, 2)}, transposed 1`]: "conv2d",
  [`filter gradient: ${sizes(8, 2, 4)}`]: "conv2d_filter_gradient, parts x 4",
  "matrix product: batch 1, rows 16, inner 128, columns 16, transposeA 0, transposeB 0":
    "matmul_any",
};

webgpuTest("a program takes the kernels that a table names, and computes the same", async (gpu) => {
  const run = async (kernels: Readonly<Record<string, string>>) => {
    using engine = await openEngine("webgpu", { device: gpu.device, kernels });
    const { dispatches } = await profile(engine, step, [args], { roofline: false, runs: 1 });
    const { value, grad } = await engine.jit(step)(args);
    const [loss, w, x, v] = await engine.read([value, grad.w, grad.x, grad.v]);
    return {
      kernels: dispatches.map(({ kernel }) => kernel),
      results: [loss!, w!, x!, v!].map(({ data }) => data as ArrayLike<number>),
    };
  };
  const usual = await run({});
  const told = await run(table);
  for (const name of ["conv2d_3x3_slices", "conv2d", "conv2d_filter_gradient", "matmul_any"]) {
    assert(told.kernels.includes(name), `${name}: ${told.kernels}`);
    assert(!usual.kernels.includes(name), `${name} by the rule: ${usual.kernels}`);
  }
  told.results.forEach((found, k) => assertClose(found, usual.results[k]!, `result ${k}`));
  // Lines for other shapes change nothing.
  const other = { [Object.keys(table)[3]!.replace("rows 16", "rows 20")]: "matmul_any" };
  assertEquals(await run(other), usual);
  await assertRejects(
    () => run({ [Object.keys(table)[3]!]: "matmul_none" }),
    Error,
    "Cannot compile 'matmul'",
  );
});
