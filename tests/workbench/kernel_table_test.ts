/** `deno task profile TARGET --kernels`: from the shapes of a program to a table that later runs find. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { builtInProfile } from "../../src/adapter/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { findKernels } from "../../src/machine/mod.ts";
import { conv2d, matmul } from "../../src/ops/mod.ts";
import { kernelShapes, measureKernelTable } from "../../src/workbench/kernel_table.ts";
import { webgpuTest } from "../webgpu.ts";

const target = {
  fn: (a: Tensor, b: Tensor, x: Tensor, w: Tensor) => ({
    one: matmul(a, b),
    two: conv2d(
      x,
      w,
      {
        ...{ input: [5, 5], kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0] },
      } as const,
    ),
  }),
  args: [[1, 16, 32], [1, 32, 8], [1, 2, 5, 5, 4], [1, 1, 1, 4, 4]].map((shape) => (
    { shape, dtype: "f32" }
  )),
};

function same(x: Tensor, w: Tensor): Tensor {
  const window = { input: [5, 5], kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] } as const;
  return conv2d(x, w, window);
}

webgpuTest("measureKernelTable() measures the shapes that have several kernels", async (gpu) => {
  const shape = "matrix product: batch 1, rows 16, inner 32, columns 8, transposeA 0, transposeB 0";
  // Only one kernel can compute a convolution that is not 3x3.
  assertEquals(await kernelShapes(gpu, target, builtInProfile("software")), [shape]);
  const folder = await Deno.makeTempDir();
  try {
    const lines: string[] = [];
    const print = (line: string) => void lines.push(line);
    assertEquals(await measureKernelTable(target, { budget: 10_000, print, folder }), true);
    assertMatch(lines[0]!, /^1 shapes with several kernels on /);
    assert(lines[1]!.startsWith(shape), lines[1]);
    assert(lines.some((line) => /^ +\* .* GFLOP\/s +error \d\.\de-\d+ +matmul/.test(line)));
    const stored = await findKernels(gpu.device, { folder, log: print });
    assertMatch(
      lines.at(-1)!,
      new RegExp(`^kernels [0-9a-f]{64}: ${Object.keys(stored!.value).length} `),
    );
    // Half precision is measured apart.
    const half = { folder, halfPrecision: true, log: print };
    assertEquals(await findKernels(gpu.device, half), undefined);
    const image = { ...target, fn: (_a: Tensor, _b: Tensor, x: Tensor, w: Tensor) => same(x, w) };
    const args = [...target.args.slice(0, 3), { shape: [1, 3, 3, 4, 4], dtype: "f32" }];
    const measured = async (halfPrecision: boolean): Promise<string> => {
      const lines: string[] = [];
      const print = (line: string) => void lines.push(line);
      const options = { budget: 10_000, print, folder, halfPrecision };
      assert(await measureKernelTable({ ...image, args }, options));
      return lines.join("\n");
    };
    assertMatch(await measured(true), /error \d\.\de-[34] +conv2d_3x3_half$/m);
    assert(await findKernels(gpu.device, half) !== undefined);
    const cut: string[] = [];
    await measureKernelTable(target, { budget: -1, print: (line) => void cut.push(line), folder });
    assertEquals(cut[1], `not measured, as the time was over: ${shape}`);
    assertEquals((await findKernels(gpu.device, { folder, log: print }))!.value, stored!.value);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
