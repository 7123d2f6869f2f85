import { assert, assertEquals } from "@std/assert";
import { withKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import { DISCRETE_COSTS } from "../device_traits.ts";
import { lowerMatmul } from "../../src/ops/matmul_lowering.ts";
import { assertClose, KernelBench, matmulReference, values } from "./fixtures.ts";
import { webgpuTest } from "../webgpu.ts";

/** `[batch, rows, inner, columns]` */
const CASES: readonly (readonly [number, number, number, number])[] = [
  [1, 1, 1, 1],
  [3, 3, 5, 7],
  [1, 63, 65, 64],
  [1, 64, 64, 65],
  [2, 20, 36, 12],
  [1, 65, 64, 4],
  [3, 4, 4, 4],
  [1, 8, 1024, 8],
  [4, 75, 128, 5],
  [1, 16, 8, 32],
  [2, 36, 60, 100],
  [1, 64, 257 * 4, 128],
  [3, 65, 36, 64],
];

webgpuTest("lowerMatmul() computes all four transpositions", async (gpu) => {
  const usual = await withKernelSets(gpu.traits, "all");
  const adapters = [usual, { ...usual, subgroupLanes: 0 }, { ...usual, costs: DISCRETE_COSTS }];
  const bench = new KernelBench(gpu);
  for (const [batch, rows, inner, columns] of CASES) {
    const a = values(batch * rows * inner, 1);
    const b = values(batch * inner * columns, 2);
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const g = { batch, rows, inner, columns, transposeA, transposeB };
        const expected = matmulReference(g, a, b);
        for (const traits of adapters) {
          const y = await bench.run(lowerMatmul(g, traits), [a, b], batch * rows * columns);
          assertClose(
            y,
            expected,
            `${JSON.stringify(g)}, ${traits.subgroupLanes} lanes, ${traits.costs.occupancy}`,
          );
        }
      }
    }
  }
  bench.close();
});

webgpuTest("lowerMatmul() splits sums longer than one invocation may loop", async (gpu) => {
  const usual = await withKernelSets(gpu.traits, "all");
  const bench = new KernelBench(gpu);
  for (const inner of [300_000, 80_001]) {
    const g = { batch: 1, rows: 3, inner, columns: 4, transposeA: false, transposeB: false };
    const [a, b] = [values(3 * inner, 1), values(4 * inner, 2)];
    const expected = matmulReference(g, a, b);
    for (
      const traits of [
        usual,
        { ...usual, maxStorageBinding: 96 },
        { ...usual, costs: DISCRETE_COSTS },
      ]
    ) {
      const lowering = lowerMatmul(g, traits);
      assertEquals(lowering.calls.length, 2);
      assert(lowering.scratch[0]! >= 2 * 12);
      assertClose(await bench.run(lowering, [a, b], 12), expected, `inner ${inner}`, 3e-5);
    }
  }
  bench.close();
});
