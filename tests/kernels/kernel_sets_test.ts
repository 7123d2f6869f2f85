/** Kernels that not every adapter runs: loaded where a rule or a table takes them, and nowhere else. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { DeviceTraits, KernelSet } from "../../src/ir/lowering.ts";
import { usesLanes } from "../../src/ops/kernel_grid.ts";
import { lowerMatmul } from "../../src/ops/matmul_lowering.ts";
import { allKernelSets, withKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import { kernelOperations, siteOf } from "../../src/ops/variants/kernel_sites.ts";
import {
  candidates,
  chooseVariant,
  ruledVariant,
  variantsOf,
} from "../../src/ops/variants/kernel_variant.ts";
import { conv2d, matmul } from "../../src/tensor/mod.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { DISCRETE_COSTS, SOFTWARE_TRAITS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

const { kernelSets: all = [], ...BARE } = SOFTWARE_TRAITS;

/** A CPU adapter with eight lanes, as llvmpipe on most processors. */
const LANES: DeviceTraits = { ...BARE, subgroupLanes: 8 };

/** A GPU with lanes enough for all kernels. */
const GPU: DeviceTraits = { ...BARE, costs: DISCRETE_COSTS, subgroupLanes: 32 };

/** Whether a shape is a 3x3 convolution of stride 1. */
const is3x3 = (key: string): boolean =>
  key.startsWith("convolution") && key.includes("kernelHeight 3") && key.includes("strideY 1");

const namesOf = ({ kernelSets = [] }: { readonly kernelSets?: readonly KernelSet[] }): string[] =>
  kernelSets.map(({ name }) => name);

Deno.test("a set is loaded where its rules or a table take its kernels", async () => {
  assertEquals(namesOf(await withKernelSets(LANES)), ["processors"]);
  assertEquals(namesOf(await withKernelSets(BARE)), ["processors"]);
  assertEquals(namesOf(await withKernelSets(GPU)), ["graphics"]);
  const usual = kernelOperations.flatMap(({ variants }) => variants.map(({ name }) => name));
  assertEquals(namesOf(await withKernelSets(GPU, usual)), ["graphics"]);
  assertEquals(namesOf(await withKernelSets(GPU, "all")), namesOf({ kernelSets: all }));
  for (const set of all) {
    for (const { variants } of Object.values(set.operations)) {
      for (const { name } of variants) {
        const traits = set.name === "graphics" ? LANES : GPU;
        const usualSet = set.name === "graphics" ? "processors" : "graphics";
        const loaded = await withKernelSets(traits, [...usual, name]);
        assertEquals(namesOf(loaded).sort(), [usualSet, set.name].sort(), name);
        assertEquals(await withKernelSets(loaded, [name]), loaded, "not twice");
      }
    }
  }
});

Deno.test("sets are told apart by the names of their kernels, of operations that there are", async () => {
  const operations = kernelOperations.map(({ name }) => name);
  const usual = kernelOperations.flatMap(({ variants }) => variants.map(({ name }) => name));
  const sets = await allKernelSets();
  assert(sets.length > 0);
  for (const { name, kernels, operations: further } of sets) {
    assertEquals(usual.filter((kernel) => kernels.test(kernel)), [], name);
    assertEquals(Object.keys(further).filter((each) => !operations.includes(each)), [], name);
    const own = Object.values(further).flatMap(({ variants }) => variants);
    assert(own.length > 0 && own.every((variant) => kernels.test(variant.name)), name);
    for (const other of sets.filter((each) => each.name !== name)) {
      assertEquals(own.filter((variant) => other.kernels.test(variant.name)), [], other.name);
    }
  }
});

Deno.test("rules name kernels that are there and can compute the shape", async () => {
  const lanes = await withKernelSets(LANES);
  const processor = await withKernelSets(BARE);
  const graphics = await withKernelSets(GPU);
  const seen = new Set<string>();
  for (const [height, width] of [[1, 1], [4, 4], [2, 17], [16, 16], [67, 3], [32, 32]]) {
    for (const [in4, out4] of [[1, 8], [2, 2], [4, 1], [8, 8], [9, 10]]) {
      for (const [taps, stride] of [[3, 1], [3, 2], [1, 1], [5, 1]]) {
        const sizes = `batch 2, images 5, height ${height}, width ${width}, in4 ${in4}, ` +
          `outHeight ${height}, outWidth ${width}, out4 ${out4}, kernelHeight ${taps}, ` +
          `kernelWidth ${taps}, strideY ${stride}, strideX ${stride}, padTop 1, padLeft 1`;
        const product = `matrix product: batch 1, rows ${height! * width!}, inner ${4 * in4!}, ` +
          `columns ${taps! * out4!}, transposeA ${stride! - 1}, transposeB 0`;
        for (
          const key of [
            ...[`convolution: ${sizes}, transposed 0`, `convolution: ${sizes}, transposed 1`],
            ...[`filter gradient: ${sizes}`, product],
          ]
        ) {
          const { operation, shape } = siteOf(key);
          for (const traits of [processor, graphics, lanes, { ...GPU, kernelSets: all }]) {
            const rule = ruledVariant(operation, shape, traits);
            assert(candidates(operation, shape, traits).some(({ name }) => name === rule), rule);
            assertEquals(chooseVariant(operation, shape, traits).name, rule);
            seen.add(rule);
            if (traits !== lanes) assert(!rule.includes("_lane"), rule);
            assertEquals(
              /_3x3_(tiles|slices)/.test(rule),
              traits.costs.occupancy && is3x3(key),
              rule,
            );
          }
        }
      }
    }
  }
  const named = [4, 8].map((columns) => {
    const key =
      `matrix product: batch 1, rows 32, inner 64, columns ${columns}, transposeA 0, transposeB 0`;
    const { operation, shape } = siteOf(key);
    return ruledVariant(operation, shape, processor);
  });
  assertEquals(named, ["matmul_any", "matmul"], "tiles of eight columns would be half empty");
  const ruled = [
    ...["conv2d_3x3_lane_channels", "conv2d_3x3_lane_strips", "conv2d_3x3_lane_tiles"],
    ...["conv2d_3x3_lane_filter_gradient", "conv2d_3x3_lane_strips_filter_gradient"],
    "matmul_lanes",
  ];
  assertEquals([...seen].filter((name) => name.includes("_lane")).sort(), ruled.sort());
});

Deno.test("a rule whose kernels were not loaded is an error, as is a name that nobody has", async () => {
  const product = { batch: 1, rows: 32, inner: 32, columns: 64 };
  const g = { ...product, transposeA: false, transposeB: false };
  for (const [bare, name] of [[LANES, "processors"], [GPU, "graphics"]] as const) {
    for (const chooseKernel of [undefined, () => "matmul"]) {
      const traits = { ...bare, ...(chooseKernel && { chooseKernel }) };
      assertThrows(
        () => lowerMatmul(g, traits),
        Error,
        `found no set of kernels '${name}' in its traits`,
      );
    }
  }
  const wrong: KernelSet = {
    name: "wrong",
    operations: { "matrix product": { variants: [], rule: () => "matmul_none" } },
  };
  const { kernelSets = [] } = await withKernelSets(GPU);
  assertThrows(
    () => lowerMatmul(g, { ...GPU, kernelSets: [wrong, ...kernelSets] }),
    Error,
    "The rule of kernels has 'matmul_none' for matrix product",
  );
  assertEquals(lowerMatmul(g, await withKernelSets(GPU)).calls[0]!.kernel, "matmul_shared");
  // A set without rules is only there to be named.
  const { rule: _, ...named } = all[0]!.operations["matrix product"]!;
  const silent: KernelSet = { name: "silent", operations: { "matrix product": named } };
  const traits = { ...GPU, kernelSets: [silent, ...kernelSets] };
  assertEquals(lowerMatmul(g, traits).calls[0]!.kernel, "matmul_shared");
  const told = lowerMatmul(g, { ...traits, chooseKernel: () => "matmul_lanes" });
  assertEquals(told.calls[0]!.kernel, "matmul_lanes");
  const [operation] = kernelOperations.filter(({ name }) => name === "matrix product");
  assertEquals(
    variantsOf(operation!, all).length,
    operation!.variants.length +
      all.reduce((n, set) => n + (set.operations[operation!.name]?.variants.length ?? 0), 0),
  );
});

Deno.test("on a GPU products are computed in tiles of 32 x 32 x 16 where these are half full", async () => {
  const traits = await withKernelSets(GPU);
  const kernels = [[5, 128, 5], [75, 128, 5], [32, 64, 16], [32, 64, 15], [96, 8, 128], [
    75,
    5,
    128,
  ]]
    .map(([rows, inner, columns]) => {
      const { operation, shape } = siteOf(
        `matrix product: batch 4, rows ${rows}, inner ${inner}, columns ${columns}, ` +
          "transposeA 0, transposeB 1",
      );
      return ruledVariant(operation, shape, traits);
    });
  const [any, shared] = ["matmul_any", "matmul_shared"];
  assertEquals(kernels, [any, any, shared, any, shared, any]);
});

webgpuTest(
  "an engine's plans have the kernels that its adapter runs, and those of its table",
  async (gpu) => {
    const fn = (x: Parameters<typeof conv2d>[0], w: typeof x, a: typeof x): typeof x[] => [
      conv2d(x, w, { padding: "same" }),
      matmul(a, a),
    ];
    const f32 = (...shape: number[]) => ({ shape, dtype: "f32" as const });
    const program = simplify(
      trace(fn, [f32(2, 16, 16, 32), f32(3, 3, 32, 32), f32(64, 64)]).program,
    );
    const kernelsOf = async (options: ConstructorParameters<typeof WebGpuBackend>[1]) => {
      const { plan } = await new WebGpuBackend(gpu, options).load(program);
      const names = plan.plan.dispatches.map(({ kernel }) => kernel.name!);
      return names.filter((name) => name !== "sum_parts").sort();
    };
    const lanes = usesLanes(gpu.traits);
    if (gpu.info.description.includes("256 bits")) assert(lanes, "lavapipe of eight lanes");
    const usual = lanes ? ["conv2d_3x3_lane_channels", "matmul_lanes"] : ["conv2d_3x3", "matmul"];
    assertEquals(await kernelsOf({}), usual);
    // Lanes that give each other what costs little anyway are not worth it.
    const cheap = { costs: { ...DISCRETE_COSTS, load: 0.1 } };
    assertEquals(await kernelsOf({ traits: cheap }), ["conv2d_3x3_slices", "matmul_shared"]);
    if (gpu.traits.subgroupLanes < 8) return;
    const shape =
      "matrix product: batch 1, rows 64, inner 64, columns 64, transposeA 0, transposeB 0";
    const kernels = { [shape]: "matmul_lanes" };
    assertEquals(await kernelsOf({ traits: cheap, kernels }), [
      "conv2d_3x3_slices",
      "matmul_lanes",
    ]);
    const chooseKernel = (_: string, names: readonly string[]) =>
      names.find((name) => name.includes("_lane"));
    assertEquals(await kernelsOf({ traits: { ...cheap, chooseKernel } }), [
      "conv2d_3x3_lane_channels",
      "matmul_lanes",
    ]);
  },
);
