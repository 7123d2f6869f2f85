/** What the compiler makes of adapters that are nobody's: a CPU, a GPU in a laptop, a GPU with its own memory. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import {
  adapterClassOf,
  adapterCosts,
  type AdapterProfile,
  builtInProfile,
  checkProfile,
} from "../../src/adapter/mod.ts";
import { adapterClasses, profileNumbers } from "../../src/adapter/adapter_profile.ts";
import { chooseBuffers } from "../../src/compile/choose_buffers.ts";
import { Compiler, type DispatchStep } from "../../src/compile/compile.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { AdapterCosts } from "../../src/ir/adapter_costs.ts";
import { evaluate, hostArray, type Tensor } from "../../src/ir/mod.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import { Pauses } from "../../src/ir/pauses.ts";
import type { Program } from "../../src/ir/program.ts";
import { chooseParts, usesLanes } from "../../src/ops/kernel_grid.ts";
import { splitKey } from "../../src/random/mod.ts";
import {
  conv2d,
  convert,
  matmul,
  mul,
  neg,
  relu,
  reshape,
  sum,
  tanh,
} from "../../src/tensor/mod.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { SOFTWARE_TRAITS } from "../device_traits.ts";
import { webgpuTest } from "../webgpu.ts";

const profiles = adapterClasses.map(builtInProfile);

function traitsOf(profile: AdapterProfile): DeviceTraits {
  const { subgroupLanes } = profile;
  return { ...SOFTWARE_TRAITS, subgroupLanes, maxStorageBuffers: 10, costs: adapterCosts(profile) };
}

/** A value that takes four hyperbolic tangents, summed along both axes, and along both after a product. */
function twoSums(x: Tensor): Tensor[] {
  const value = tanh(tanh(tanh(tanh(x))));
  return [sum(value, { axes: [0] }), sum(value, { axes: [1] })];
}

function threeSums(x: Tensor): Tensor[] {
  const value = tanh(tanh(tanh(tanh(x))));
  return [sum(value, { axes: [0] }), sum(value, { axes: [1] }), sum(mul(value, x))];
}

function programOf(fn: (...x: Tensor[]) => Tensor[], ...shapes: readonly number[][]): Program {
  return simplify(trace(fn, shapes.map((shape) => ({ shape, dtype: "f32" as const }))).program);
}

/** Whether the last tangent is kept in memory. */
function keeps(program: Program, profile: AdapterProfile): boolean {
  const value = program.nodes.findLast(({ primitive }) => primitive.name === "tanh")!.outputs[0]!;
  return chooseBuffers(program, traitsOf(profile)).has(value);
}

async function dispatchesOf(program: Program, traits: DeviceTraits): Promise<DispatchStep[]> {
  const { steps } = await new Pauses().work(new Compiler(traits).compile(program));
  return steps.filter((step) => step.kind === "dispatch");
}

Deno.test("chooseBuffers() keeps or recomputes as memory, arithmetic and dispatches are dear", () => {
  const [software, integrated, discrete] = profiles;
  const medium = programOf(twoSums, [400, 256]);
  assert(keeps(medium, software!), "a CPU computes slowly");
  assert(
    !keeps(medium, integrated!) && !keeps(medium, discrete!),
    "a GPU does not wait for a dispatch",
  );
  const large = programOf(threeSums, [620, 1000]);
  assert(keeps(large, discrete!), "much of it is worth a dispatch");
  assert(!keeps(large, integrated!), "where memory is shared, it is dear");
});

Deno.test("a change of any cost changes a plan", async () => {
  const base = traitsOf(builtInProfile("software"));
  const conv = programOf((x, w) => [conv2d(x, w)], [1, 16, 16, 32], [3, 3, 32, 32]);
  const wide = programOf((x, y) => [matmul(x, y)], [64, 4096], [4096, 64]);
  const rows = programOf((x, y) => [relu(mul(x, y))], [16, 256, 32], [32]);
  const long = programOf((x) => [sum(x, { axes: [0] })], [4000, 16]);
  const keep = programOf(twoSums, [400, 256]);
  // Both results are made of the same random bits.
  const bits = programOf((x) => {
    const words = convert(splitKey(convert(x, "u32"), 2)[1], "f32");
    return [neg(words), sum(words)];
  }, [2]);
  const programs = [conv, wide, rows, long, keep, bits];
  const plansOf = async (costs: AdapterCosts) =>
    JSON.stringify(
      await Promise.all(programs.map((program) => dispatchesOf(program, { ...base, costs }))),
      (_, value) => typeof value === "bigint" ? `${value}` : value,
    );
  const { costs } = base;
  const before = await plansOf(costs);
  const { busy, leastIterations } = costs;
  const changes: Record<string, Partial<AdapterCosts>> = {
    load: { load: 100 },
    store: { store: 1000 },
    dispatch: { dispatch: 1e9 },
    shuffle: { shuffle: 100 },
    "busy.mapped": { busy: { ...busy, mapped: 1e6 } },
    "busy.reduced": { busy: { ...busy, reduced: 1 } },
    "busy.tiled": { busy: { ...busy, tiled: 1e5 } },
    "leastIterations.reduced": { leastIterations: { ...leastIterations, reduced: 3000 } },
    "leastIterations.tiled": {
      leastIterations: { ...leastIterations, tiled: 4 },
      busy: { ...busy, tiled: 1e5 },
    },
    shortLoops: { shortLoops: 1e6 },
    leastRun: { leastRun: 4 },
    tiledWorkgroup: { shuffle: 100, tiledWorkgroup: 64 },
    leastVectors: { leastVectors: 1e6 },
    longExpression: { longExpression: Infinity },
    occupancy: { shuffle: 100, occupancy: true },
  };
  const names = Object.entries(costs).flatMap(([name, value]) =>
    typeof value === "object" ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name]
  );
  assertEquals(Object.keys(changes).sort(), names.sort());
  assertEquals(before, await plansOf({ ...costs }));
  for (const [name, change] of Object.entries(changes)) {
    assertNotEquals(await plansOf({ ...costs, ...change }), before, name);
  }
});

Deno.test("kernels with lanes are chosen where loads are dear and no lane idles", () => {
  const [software, integrated, discrete] = profiles.map(traitsOf);
  assert(usesLanes(software!));
  assert(!usesLanes(integrated!) && !usesLanes(discrete!));
  assert(!usesLanes({ ...software!, subgroupLanes: 4 }), "too few lanes");
  assert(!usesLanes({ ...software!, costs: { ...software!.costs, load: 0.1 } }), "loads are cheap");
  const sum = { steps: 2560, iterationsPerStep: 33, blocks: 48, size: 9216 };
  const parts = [software!, integrated!, discrete!].map((traits) => chooseParts(sum, traits).parts);
  assert(parts[0]! < parts[1]! && parts[1]! < parts[2]!, `${parts}`);
});

webgpuTest("plans for a CPU and two kinds of GPU differ, and compute the same", async (gpu) => {
  const fn = (x: Tensor, w: Tensor, m: Tensor, long: Tensor): Tensor[] => {
    const y = relu(conv2d(x, w, { padding: "same" }));
    return [
      ...twoSums(matmul(reshape(y, [512, 32]), m)),
      sum(y, { axes: [0, 1, 2] }),
      sum(long, { axes: [0] }),
    ];
  };
  const shapes = [[2, 16, 16, 32], [3, 3, 32, 32], [32, 256], [2 ** 18, 4]];
  const data = shapes.map((shape, k) =>
    Float32Array.from(
      { length: shape.reduce((a, b) => a * b) },
      (_, i) => ((i * 7919 + k * 31) % 401 - (k === 3 ? 0 : 200)) / 2000,
    )
  );
  const program = programOf((...x) => fn(x[0]!, x[1]!, x[2]!, x[3]!), ...shapes);
  const expected = evaluate(
    program,
    shapes.map((shape, k) => ndArray({ shape, dtype: "f32" }, [...data[k]!])),
  );
  const seen = new Set<string>();
  for (const profile of profiles) {
    const backend = new WebGpuBackend(gpu, { profile });
    const engine = new Engine(backend);
    assertEquals(engine.info.profile, profile);
    const loaded = await backend.load(program);
    const { dispatches } = loaded.plan.plan;
    seen.add(JSON.stringify(dispatches.map(({ kernel, workgroups }) => [kernel.code, workgroups])));
    const found = await engine.read(
      await engine.jit(fn)(
        ...shapes.map((shape, k) => hostArray(data[k]!, shape)) as [never, never, never, never],
      ),
    );
    found.forEach((array, k) => {
      const most = Math.max(...expected[k]!.data.map(Math.abs));
      array.data.forEach((value, i) =>
        assertAlmostEquals(Number(value), expected[k]!.data[i]!, 1e-5 * most, profile.class)
      );
    });
  }
  assertEquals(seen.size, profiles.length);
});

Deno.test("adapterCosts() of built-in profiles are what whole programs were fitted to", () => {
  const { load, store, dispatch, shortLoops, busy, tiledWorkgroup } = adapterCosts(
    builtInProfile("software"),
  );
  assertEquals([load, store, dispatch, shortLoops, tiledWorkgroup], [12, 50, 1_500_000, 8192, 16]);
  assertEquals(busy, { mapped: 512, reduced: 256, tiled: 96 });
});

Deno.test("adapterCosts() are the same for five measurements among 15 other processes", () => {
  // Of one adapter (llvmpipe, two cores): an operation, a load, a store, a dispatch, a shuffle.
  const measured = [
    [0.0251, 0.624, 0.397, 24600, 0.049],
    [0.0326, 0.602, 0.407, 27300, 0.0361],
    [0.0296, 0.563, 0.478, 29900, 0.0402],
    [0.0308, 0.783, 0.361, 32800, 0.0403],
    [0.0195, 0.512, 0.391, 32000, 0.0486],
  ] as const;
  const typical = builtInProfile("software");
  for (const [operation, load, store, dispatch, shuffle] of measured) {
    const profile = { ...typical, operation, load, store, dispatch, shuffle };
    assertEquals(adapterCosts({ ...profile, source: "measured" }), adapterCosts(typical));
  }
  // What is no noise is told apart.
  const other = adapterCosts({
    ...typical,
    load: 10 * typical.load,
    dispatch: typical.dispatch / 10,
  });
  assertEquals([other.load, other.dispatch], [16 * 12, 1_500_000 / 16]);
});

Deno.test("adapterCosts() of a measured GPU count loads from memory, not from the caches of a core", () => {
  // An H200, by `deno task doctor --measure`.
  const measured: AdapterProfile = {
    ...builtInProfile("discrete"),
    ...{ source: "measured", gflops: 57_100, tileGflops: 27_000, gigabytes: 4750 },
    ...{
      operation: 2.68e-5,
      load: 2.03e-5,
      store: 9.43e-4,
      workgroupLoad: 9.63e-5,
      barrier: 0.0793,
    },
    ...{ shuffle: 1.88e-5, dispatch: 1930, workgroup: 0.587, encode: 3760, submit: 270_000 },
    ...{ readback: 1.17e7, invocations: 25_363 },
  };
  const typical = adapterCosts(builtInProfile("discrete"));
  const { load, store, dispatch, busy } = adapterCosts(measured);
  assertEquals([load, store, dispatch], [typical.load, typical.store, typical.dispatch]);
  assertEquals(busy.tiled, 2 * typical.busy.tiled);
  // Where loads do take longer than stores they count as measured.
  assertEquals(adapterCosts({ ...measured, load: 4e-3 }).load, 4 * typical.load);
  // On a processor, which has no other work while it waits, loads count as measured.
  const processor = builtInProfile("software");
  const quick = { ...processor, load: processor.load / 64 };
  assertEquals(adapterCosts(quick).load, adapterCosts(processor).load / 64);
});

Deno.test("GPUs split sums as soon as each part has eight iterations", async () => {
  const traits = traitsOf(builtInProfile("discrete"));
  const partsOf = (iterations: number) =>
    chooseParts({ steps: iterations, iterationsPerStep: 1, blocks: 64, size: 64 }, traits).parts;
  assertEquals([8, 15, 16, 64, 512].map(partsOf), [1, 1, 2, 8, 64]);
  const passesOf = async (rows: number) =>
    (await dispatchesOf(programOf((x) => [sum(x, { axes: 0 })], [rows, 1024]), traits)).length;
  assertEquals([await passesOf(128), await passesOf(1024)], [1, 2]);
});

Deno.test("checkProfile() names what an adapter cannot have", () => {
  const profile = builtInProfile("discrete");
  for (const name of profileNumbers) {
    for (const value of [-1, NaN, Infinity, "1", undefined, 1e12]) {
      assertThrows(() => checkProfile({ ...profile, [name]: value }), TypeError, `its ${name} is`);
    }
  }
  assertThrows(() => checkProfile({ ...profile, class: "fast" }), TypeError, '"fast"');
  assertThrows(() => checkProfile({ ...profile, source: "guess" }), TypeError, '"guess"');
  assertThrows(() => checkProfile(null), TypeError, "an object");
  for (const each of profiles) assertEquals(checkProfile({ ...each, more: 1 }), each);
  const plans = { dispatch: 6e4, work: 1.2, convolution: 1.4, filterGradient: 1.2 };
  assertEquals(checkProfile({ ...profile, plans: { ...plans, more: 1 } }), { ...profile, plans });
  for (const name of Object.keys(plans)) {
    const wrong = { ...profile, plans: { ...plans, [name]: 0 } };
    assertThrows(() => checkProfile(wrong), TypeError, `its plans.${name} is 0`);
  }
  assertThrows(() => checkProfile({ ...profile, plans: 3 }), TypeError, "its plans is 3");
  // They are no reason to choose another plan.
  assertEquals(adapterCosts({ ...profile, plans }), adapterCosts(profile));
});

Deno.test("adapterClassOf() knows makers by name and by number", () => {
  const of = (vendor: string, description: string, software = false) =>
    adapterClassOf({ vendor, architecture: "", description, software });
  assertEquals(of("65541", "llvmpipe", true), "software");
  assertEquals(of("4318", "NVIDIA GeForce RTX 4090"), "discrete");
  assertEquals(of("nvidia", "Orin (nvgpu)"), "integrated");
  assertEquals(of("4098", "AMD Radeon RX 7900 XTX (RADV NAVI31)"), "discrete");
  assertEquals(of("4098", "AMD Radeon Graphics (RADV RENOIR)"), "integrated");
  assertEquals(of("32902", "Intel(R) Arc(tm) A770 Graphics (DG2)"), "discrete");
  assertEquals(of("32902", "Intel(R) Arc(tm) Graphics (MTL)"), "integrated");
  assertEquals(of("apple", "Apple M2"), "integrated");
  assertEquals(of("", ""), "integrated");
});

Deno.test("numbers of the compiler are not those of one device", async () => {
  const root = new URL("../../src/", import.meta.url);
  const found: Record<string, string> = {};
  for (const folder of ["compile", "ops", "ops/variants"]) {
    for await (const { name, isFile } of Deno.readDir(new URL(`${folder}/`, root))) {
      if (!isFile) continue;
      const text = await Deno.readTextFile(new URL(`${folder}/${name}`, root));
      const code = text.replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
      assert(!/\bsoftware\b/.test(code), `${folder}/${name} asks what kind of adapter there is`);
      if (folder === "ops" && name !== "kernel_grid.ts") continue;
      for (
        const [, constant, value] of code.matchAll(/const ([A-Z_]+)(?::[^=]+)? = ([\d_.e/ ]+);/g)
      ) {
        found[constant!] = value!.trim();
      }
    }
  }
  // Each holds for every adapter; what depends on one belongs into its costs.
  assertEquals(found, {
    REPEATED: "1 / 8", // of a value that neighbours share: twice the vectors that share it
    NEGLIGIBLE: "1 / 16", // of the cost of a dispatch: below it a choice is not worth another kernel
    MOST_COPIES: "32", // of an expression in one kernel: compilers of WGSL take minutes for more
    MOST_VALUES: "256", // of an expression: compilers recurse into it
    MOST_RESHAPES: "8", // that follow each other: each may double the text of an index
    RESERVED_BUFFERS: "4", // of a dispatch, for results
    WORKGROUP: "64", // of generated kernels: within the portable limits
    ELEMENTS: "4", // of a vector
    MOST_LINES: "100", // of several kernels in one: compilers of drivers take longer than in proportion
    MOST_REPEATED: "14", // lines that are compiled twice for one dispatch less
    TRIED: "32", // packs: time of the compiler
    UNROLLED: "4", // iterations whose number stands in the text: drivers compile longer loops slowly
    MOST_SIZES: "16", // of the indices of a kernel: reading more costs every adapter more than they share
    MOST_BIND_GROUPS: "16", // that are kept for a dispatch
    MOST_INVOCATIONS: "256", // of a team: within the portable limits
    MOST_LOADS: "16", // that an invocation waits for: registers of any adapter
    JOINED: "4", // partial results that an invocation joins at a time
    LEVEL: "0.25", // of a loop iteration: a barrier, and as many loads at once
    FULL: "2 / 5", // of what keeps an adapter busy: invocations that compute much and wait little
    MOST_ROWS: "16", // of a kernel: registers of any adapter
    BLOCK: "32", // of a sum: rounding
    MOST_ITERATIONS: "32_768", // of a loop: some adapters stop at 65,535
    MAX_ITERATIONS: "60_000", // likewise
    MAX_PARTS: "4_096", // which one invocation adds up
    LIGHT_WORKGROUP: "64", // as WORKGROUP
    LANES: "8", // that the kernels with lanes are written for
    LONGEST: "64", // of a strip: beyond, two pixels more are nothing, and loops stay short
    FEW: "4", // vectors of channels: the kernels of strips have so many filters
  });
});
