/** The fastest kernel by measurement: only one that computes the same, only one that is faster. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Gpu } from "../../src/gpu/device.ts";
import { KernelBench } from "../../src/profile/kernel_bench.ts";
import { measureShape, measureVariants } from "../../src/profile/measure_variants.ts";
import {
  type KernelOperation,
  type KernelVariant,
  variantsOf,
} from "../../src/ops/variants/kernel_variant.ts";
import { allKernelSets, withKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import { siteOf } from "../../src/ops/variants/kernel_sites.ts";
import { shapeLines } from "../../src/workbench/kernel_table.ts";
import { webgpuTest } from "../webgpu.ts";

const LARGE =
  "matrix product: batch 1, rows 128, inner 512, columns 128, transposeA 0, transposeB 0";
const SMALL = "matrix product: batch 2, rows 5, inner 7, columns 3, transposeA 0, transposeB 1";

webgpuTest("kernels of a GPU are timed after others, which do not count", async (gpu) => {
  const card = new Gpu(gpu.device, { ...gpu.info, software: false }, { borrowed: true });
  const traits = await withKernelSets(gpu.traits, "all");
  const { device } = gpu;
  const { createQuerySet } = device;
  let queries = 0;
  device.createQuerySet = (descriptor) => {
    queries += descriptor.count;
    return createQuerySet.call(device, descriptor);
  };
  const found = [];
  try {
    for (const on of [gpu, card]) {
      queries = 0;
      const { measured: [shape] } = await measureVariants(on, [SMALL], { traits });
      found.push({ queries, variants: shape!.variants.map(({ name, right }) => [name, right]) });
    }
  } finally {
    device.createQuerySet = createQuerySet;
    card.close();
  }
  const [processor, other] = found;
  assertEquals(other!.variants, processor!.variants);
  // 100 passes before each of the two rounds at least, and two queries for each.
  if (gpu.canTime) assert(other!.queries >= processor!.queries + 300, JSON.stringify(found));
});

webgpuTest("measureVariants() runs all kernels of a shape, the most work first", async (gpu) => {
  const traits = await withKernelSets(gpu.traits, "all");
  const shown: string[] = [];
  const { measured, left } = await measureVariants(gpu, [SMALL, LARGE, SMALL], {
    traits,
    onShape: (shape) => void shown.push(...shapeLines(shape)),
  });
  assertEquals([measured.map(({ shape }) => shape), left], [[LARGE, SMALL], []]);
  for (const { rule, variants, failures } of measured) {
    assert(variants.length > 1 && failures.length === 0);
    assertEquals(variants[0]!.name, rule);
    for (const { name, right, error, milliseconds, gflops } of variants) {
      assert(right && error > 0 && error < 3e-5, `${name}: error ${error}`);
      assert(milliseconds > 0 && gflops > 0, name);
    }
  }
  assertEquals(shown.filter((line) => line.startsWith("  * ")).length, 2);
  const none = await measureVariants(gpu, [SMALL], { traits, budget: -1 });
  assertEquals(none, { measured: [], left: [SMALL] });
  await assertRejects(
    () => measureVariants(gpu, ["sum"], { traits }),
    TypeError,
    "sum",
  );
});

webgpuTest("a kernel wins if it is right and faster, and not otherwise", async (gpu) => {
  const { operation, shape } = siteOf(LARGE);
  const vectors = variantsOf(operation, await allKernelSets()).find(({ name }) =>
    name === "matmul"
  )!;
  /** The first 32 of 512 terms of each sum: the fastest of all. */
  const hasty: KernelVariant = {
    ...vectors,
    name: "hasty",
    plan: (shape, traits) => {
      const { overrides, ...call } = vectors.plan(shape, traits);
      return { ...call, overrides: { ...overrides, parts: 1, part4: 8 }, parts: 1 };
    },
  };
  /** All elements but four, which are not among those that are computed in float64. */
  const careless: KernelVariant = {
    ...vectors,
    name: "careless",
    plan: (shape, traits) => {
      const { code, ...call } = vectors.plan(shape, traits);
      return {
        ...call,
        code: code.replace("y[at] = value;", "if (at != 1235u) { y[at] = value; }"),
      };
    },
  };
  const broken: KernelVariant = {
    ...vectors,
    name: "broken",
    plan: (shape, traits) => ({ ...vectors.plan(shape, traits), code: "fn main( {" }),
  };
  // No kernel of a set competes with those that are made here.
  const kernelSets = (await allKernelSets()).map(({ name }) => ({ name, operations: {} }));
  const traits = { ...gpu.traits, subgroupLanes: 0, kernelSets };
  const bench = new KernelBench(gpu, traits);
  const measure = (rule: string, variants: readonly KernelVariant[]) => {
    const changed: KernelOperation = { ...operation, variants, rule: () => rule };
    return measureShape(bench, LARGE, { operation: changed, shape }, traits);
  };
  try {
    const twin = { ...vectors, name: "twin" };
    const found = await measure("matmul", [hasty, careless, broken, vectors, twin]);
    assertEquals(
      found.variants.map(({ name, right }) => [name, right]),
      [["matmul", true], ["hasty", false], ["careless", false], ["twin", true]],
    );
    assertEquals(found.winner, undefined);
    assertEquals(found.failures.map((line) => line.split(":")[0]), ["broken"]);
    const wrong = shapeLines(found).filter((line) => line.endsWith(" WRONG"));
    assertEquals(wrong.length, 2);
    // A rule that computes everything four times over.
    const slow: KernelVariant = {
      ...vectors,
      name: "slow",
      plan: (shape, traits) => {
        const { workgroups, code, ...call } = vectors.plan(shape, traits);
        const again = "for (var again = 0u; again < 8u; again++) {";
        const loop = "for (var q = part * sizes.part4; q < last; q++) {";
        assert(code.includes(loop));
        const zero = Array.from({ length: 4 }, (_, k) => `s${k} = Sums();`).join(" ");
        const end = "let first = part_b * sizes.rows;";
        return {
          ...call,
          workgroups,
          code: code.replace(loop, `${again}\n${zero}\n${loop}`).replace(end, `}\n${end}`),
        };
      },
    };
    const won = await measure("slow", [slow, vectors]);
    assertEquals([won.rule, won.winner], ["slow", "matmul"], JSON.stringify(won));
    assert(won.gain! > 1.05);
  } finally {
    bench.close();
  }
});
