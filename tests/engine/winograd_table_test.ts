/** A step with gradients of gradients, computed by Winograd's kernels that a table names. */
import { assert, assertEquals } from "@std/assert";
import { hostArray, openEngine } from "../../src/engine/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { conv2d, mul, sub, sum } from "../../src/ops/mod.ts";
import { profile } from "../../src/profile/mod.ts";
import { grad, valueAndGrad } from "../../src/transform/mod.ts";
import { assertClose, values } from "../kernels/fixtures.ts";
import { webgpuTest } from "../webgpu.ts";

const WINDOW = {
  input: [7, 9],
  kernel: [3, 3],
  stride: [1, 1],
  padding: [1, 1, 1, 1],
} as const;

interface Filters {
  readonly w: Tensor;
  readonly v: Tensor;
}

/** Two layers, each task with filters of its own. */
function loss({ w, v }: Filters, x: Tensor, t: Tensor): Tensor {
  const y = conv2d(x, w, WINDOW);
  const z = conv2d(mul(y, y), v, WINDOW);
  return sum(mul(z, t), [0, 1, 2, 3, 4]);
}

/** The loss after a step of gradient descent. */
const outer = valueAndGrad((filters: Filters, x: Tensor, t: Tensor) => {
  const slope = grad(loss)(filters, x, t);
  return loss({ w: sub(filters.w, slope.w), v: sub(filters.v, slope.v) }, x, t);
});

const scaled = (count: number, seed: number, scale: number) =>
  values(count, seed).map((value) => value * scale);

const arguments_ = (seed: number) =>
  [
    {
      w: hostArray(scaled(2 * 9 * 8 * 12, seed, 0.3), [2, 3, 3, 8, 12]),
      v: hostArray(scaled(2 * 9 * 12 * 8, seed + 1, 0.3), [2, 3, 3, 12, 8]),
    },
    hostArray(values(2 * 3 * 63 * 8, seed + 2), [2, 3, 7, 9, 8]),
    hostArray(scaled(2 * 3 * 63 * 8, seed + 3, 0.002), [2, 3, 7, 9, 8]),
  ] as const;

const sizes = (in4: number, out4: number) =>
  `batch 2, images 3, height 7, width 9, in4 ${in4}, outHeight 7, outWidth 9, out4 ${out4}, ` +
  "kernelHeight 3, kernelWidth 3, strideY 1, strideX 1, padTop 1, padLeft 1";

const FILTER_GRADIENT = "conv2d_3x3_winograd_filter_gradient";

/** A table with one kernel for all convolutions, and one for all filter gradients. */
const table = (kernel: string) =>
  Object.fromEntries(
    ([[2, 3], [3, 2]] as const).flatMap(([in4, out4]) => [
      [`convolution: ${sizes(in4, out4)}, transposed 0`, kernel],
      [`convolution: ${sizes(in4, out4)}, transposed 1`, kernel],
      [`filter gradient: ${sizes(in4, out4)}`, FILTER_GRADIENT],
    ]),
  );

webgpuTest("a meta-gradient by Winograd's kernels is that of float64", async (gpu) => {
  const leaves = async (name: "webgpu" | "reference", kernel?: string) => {
    using engine = await openEngine(name, {
      ...(name === "webgpu" && { device: gpu.device }),
      ...(kernel && { kernels: table(kernel) }),
    });
    const step = engine.jit(outer);
    const found: ArrayLike<number>[] = [];
    for (const seed of [1, 11]) {
      const { value, grad } = await step(...arguments_(seed));
      const read = await engine.read([value, grad.w, grad.v]);
      found.push(...read.map(({ data }) => data as ArrayLike<number>));
    }
    if (!kernel) return found;
    const { dispatches } = await profile(engine, outer, arguments_(1), {
      roofline: false,
      runs: 1,
    });
    const names = dispatches.map(({ kernel }) => kernel);
    for (const each of [kernel, FILTER_GRADIENT]) {
      assert(names.filter((name) => name === each).length >= 4, `${each}: ${names}`);
    }
    const others = names.filter((name) => name.startsWith("conv2d") && !name.includes("winograd"));
    assertEquals(others, []);
    return found;
  };
  const want = await leaves("reference");
  for (const name of ["conv2d_3x3_winograd_2x2", "conv2d_3x3_winograd_4x4"]) {
    const found = await leaves("webgpu", name);
    found.forEach((values, k) => assertClose(values, want[k]!, `${name}, result ${k}`));
  }
});
