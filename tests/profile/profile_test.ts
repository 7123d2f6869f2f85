import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  type Engine,
  exp,
  formatProfile,
  hostArray,
  matmul,
  mean,
  openEngine,
  type Profile,
  profile,
  profileTrace,
  relu,
  sum,
  type Tensor,
  valueAndGrad,
} from "../../mod.ts";
import { invocationsOf } from "../../src/profile/invocations.ts";
import { memoryOver } from "../../src/profile/memory_over.ts";
import { profileCommand } from "../../src/workbench/profile_command.ts";
import { withoutWebgpu } from "../webgpu.ts";
import { traceFaults } from "./trace_format.ts";
import { importTrace, readings } from "./trace_import.ts";

function deviceTest(name: string, fn: (engine: Engine) => Promise<void>): void {
  Deno.test({
    name,
    ignore: withoutWebgpu,
    fn: async () => {
      using engine = await openEngine("webgpu");
      await fn(engine);
    },
  });
}

const layer = (x: Tensor, w: Tensor): Tensor => sum(relu(matmul(x, w)), { axes: 1 });
const args = [{ shape: [6, 8], dtype: "f32" }, { shape: [8, 12], dtype: "f32" }] as const;

deviceTest(
  "a profile counts operations and bytes of written and generated kernels",
  async (engine) => {
    const measured = await profile(engine, layer, args, { roofline: false });
    const [product, rest] = measured.dispatches;
    assertEquals(measured.dispatches.length, 2);
    assertEquals([product!.flops, product!.bytes], [2 * 6 * 8 * 12, 4 * (6 * 8 + 8 * 12 + 6 * 12)]);
    assert(/^matmul/.test(product!.kernel), product!.kernel);
    // relu: 72 comparisons and selections at most; 72 additions.
    assertEquals(rest!.kernel, "generated");
    const { executedFlops } = await engine.jit(layer).prepare(...args);
    assertEquals(product!.flops + rest!.flops, executedFlops);
    assert(rest!.flops >= 2 * 72, `${rest!.flops}`);
    assertEquals(rest!.bytes, 4 * 6 * 12 + 32);
    // Six sums, by a workgroup of 64.
    assertEquals(rest!.invocations, 64);
    assert(product!.invocations! > 0);
    // A processor is filled by a workgroup for every core, however few lanes that has.
    assertEquals(measured.busy === undefined, engine.info.software);
  },
);

deviceTest(
  "a profile has times where the adapter has a clock, and follows memory",
  async (engine) => {
    const loss = (x: Tensor, w: Tensor) => mean(exp(matmul(relu(matmul(x, w)), w)));
    const shapes = [{ shape: [8, 8], dtype: "f32" }, { shape: [8, 8], dtype: "f32" }];
    const measured = await profile(
      engine,
      (x: Tensor, w: Tensor) => valueAndGrad(loss)(x, w),
      shapes,
      {
        name: "two layers",
        roofline: false,
      },
    );
    const features = engine.backend as unknown as { resources: { gpu: { canTime: boolean } } };
    const { canTime } = features.resources.gpu;
    for (const { nanoseconds, memory } of measured.dispatches) {
      assertEquals(nanoseconds !== undefined, canTime);
      assertEquals(memory.inputs, 2 * 8 * 8 * 4);
      assert(memory.temporaries >= 0 && memory.results >= 0);
    }
    assert(measured.dispatches.some(({ memory }) => memory.temporaries >= 8 * 8 * 4));
    assertEquals(measured.dispatches.at(-1)!.memory.results, 16 + 8 * 8 * 4);
    const text = formatProfile(measured);
    assertStringIncludes(text, `${measured.dispatches.length} dispatches`);
    const each = formatProfile(measured, { each: true }).split("\n");
    const head = each.findIndex((line) => line.trimStart().startsWith("count "));
    assertEquals(each.length - head - 1, measured.dispatches.length);
  },
);

deviceTest(
  "a profile takes values, leaves them as they are, and keeps no memory",
  async (engine) => {
    const [x, w] = engine.put([
      hostArray(new Float32Array(48), [6, 8]),
      hostArray(new Float32Array(96), [8, 12]),
    ]);
    await profile(engine, layer, [x, w], { roofline: false });
    const { live } = engine.memory();
    await profile(engine, layer, [x, w], { roofline: false });
    assertEquals(engine.memory().live, live);
    const [result] = [await engine.read(await engine.jit(layer)(x!, w!))];
    assertEquals(result.data.length, 6);
  },
);

deviceTest("a profile with a roofline says what share of it is reached", async (engine) => {
  const measured = await profile(engine, layer, args, { runs: 1 });
  if (measured.ceiling === undefined) return;
  const { gflops, gigabytes } = measured.ceiling;
  for (const { flops, bytes, least } of measured.dispatches) {
    assertEquals(least, Math.max(flops / gflops, bytes / gigabytes));
  }
  assertStringIncludes(formatProfile(measured), "of the roofline");
  assertEquals(traceFaults(JSON.stringify(profileTrace(measured))), []);
});

deviceTest("WGSL is shown on request", async (engine) => {
  const measured = await profile(engine, layer, args, { roofline: false });
  assert(!formatProfile(measured).includes("@compute"));
  const shown = formatProfile(measured, { wgsl: "matmul" });
  assertStringIncludes(shown, measured.dispatches[0]!.wgsl.trimEnd());
  assert(!shown.includes(measured.dispatches[1]!.wgsl.trimEnd()));
  assertStringIncludes(formatProfile(measured, { wgsl: "nothing" }), 'no dispatch has "nothing"');
});

Deno.test("an engine without dispatches has no profile", async () => {
  using engine = await openEngine("reference");
  await assertRejects(() => profile(engine, layer, args), TypeError, "Open 'webgpu'");
});

Deno.test("memory in use is that of contents from their writing to their last use", () => {
  const slot = (index: number) => ({ kind: "slot", index }) as const;
  const output = { kind: "output", index: 0 } as const;
  const input = { kind: "input", index: 0 } as const;
  const rows = [
    [[input, slot(0)], [false, true]],
    [[slot(0), slot(1)], [false, true]],
    [[slot(1), output], [false, true]], // slot 0 holds nothing that will be read
    [[input, slot(0)], [false, true]], // another content
    [[slot(0), slot(1)], [false, true]],
  ] as const;
  const used = memoryOver(
    {
      dispatches: rows.map(([places]) => ({
        ...{ places, label: "", kernel: { code: "" }, overrides: {}, flops: 0, bytes: 0 },
        workgroups: [1, 1, 1] as const,
      })),
      slots: [100, 10],
      inputs: [7],
      outputs: [5],
    },
    rows.map(([, writes]) => writes),
    3,
  );
  assertEquals(used.map(({ temporaries }) => temporaries), [100, 110, 10, 100, 110]);
  assertEquals(used.map(({ results }) => results), [0, 0, 5, 5, 5]);
  assertEquals([used[0]!.inputs, used[0]!.constants], [7, 3]);
});

const dispatch = {
  label: "map mul [16]",
  kernel: "generated",
  wgsl: "",
  workgroups: [1, 1, 1],
  flops: 16,
  bytes: 128,
  nanoseconds: 2000,
  memory: { inputs: 64, constants: 0, temporaries: 32, results: 64 },
} as const;
const made: Profile = {
  name: "square",
  adapter: "some GPU",
  dispatches: [dispatch, { ...dispatch, kernel: "matmul", nanoseconds: 0 }, dispatch],
  hostSteps: 0,
  flops: 48,
  prepared: 1.5,
};

Deno.test("invocations are counted by constants and numbers in a kernel's text", () => {
  const count = (code: string, overrides = {}) =>
    invocationsOf({ kernel: { code }, overrides, workgroups: [2, 3, 1] });
  assertEquals(count("@compute @workgroup_size(64) fn main() {}"), 384);
  assertEquals(count("@compute @workgroup_size( 8u, 4, 2 ) fn main() {}"), 384);
  assertEquals(count("override W: u32; @workgroup_size(W)", { W: 16 }), 96);
  assertEquals(count("override W: u32 = 32u; @workgroup_size(W, 2)"), 384);
  assertEquals(count("override W: u32 = 32u; @workgroup_size(W, 2)", { W: 8 }), 96);
  assertEquals(count("const W = 5; @workgroup_size(W)"), 30);
  assertEquals(count("override W: u32; @workgroup_size(W * 2)", { W: 16 }), undefined);
  assertEquals(count("fn main() {}"), undefined);
});

Deno.test("a profile says how much of the adapter its dispatches fill", () => {
  const filled = (invocations: readonly (number | undefined)[]) => ({
    ...made,
    busy: 1000,
    dispatches: invocations.map((count, k) => ({
      ...dispatch,
      label: `map ${k}`,
      ...(count !== undefined && { invocations: count }),
    })),
  });
  const text = formatProfile(filled([200, 499, 500, 4000, undefined]), { each: true });
  const columns = text.split("\n").filter((line) => line.includes(" map ")).map((line) =>
    line.trim().split(/ +/)[8]
  );
  assertEquals(columns, ["20%", "50%", "50%", "100%", "-"]);
  assertStringIncludes(text, "40.0% of the time in dispatches that fill less than half");
  assert(!formatProfile(filled([500, 600])).includes("fill less than half"));
  assert(!formatProfile(made).includes("fill less than half"));
});

Deno.test("a trace keeps the published format, with named tracks and counters of memory", () => {
  const file = profileTrace(made);
  assertEquals(traceFaults(JSON.stringify(file)), []);
  const events = file.traceEvents;
  const tracks = events.filter(({ name }) => name === "thread_name").map(({ args }) =>
    args["name"]
  );
  assertEquals(tracks, ["host", "all dispatches", "hand-written kernels", "generated kernels"]);
  const memory = events.filter(({ name }) => name === "memory in use, bytes");
  assertEquals(memory.map(({ args }) => args["temporaries"]), [32, 32, 32]);
  const spans = events.flatMap((event) => event.ph === "X" && event.tid === 2 ? [event] : []);
  assertEquals(
    spans.map(({ ts, dur }) => [ts, dur]),
    [[1500.0005, 2], [1502.0005, 0], [1502.0005, 2]],
  );
});

Deno.test("Perfetto leaves no dispatch of a trace out, and names its tracks and counters", () => {
  // As of clocks that count nanoseconds: begun at any time, some of no duration.
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  const many = Array.from({ length: 3_000 }, (_, k) => ({
    ...dispatch,
    kernel: k % 3 === 0 ? "matmul" : "generated",
    label: `dispatch ${k}`,
    nanoseconds: random(10) === 0 ? 0 : random(50_000) + random(4) / 4,
  }));
  const json = JSON.stringify(profileTrace({ ...made, dispatches: many, prepared: 12.3456789 }));
  for (const [how, read] of Object.entries(readings)) {
    const { slices, counters, processes, errors } = importTrace(json, read);
    assertEquals(errors, [], how);
    assertEquals([...processes.values()], ["square on some GPU"]);
    const on = (track: string) => slices.filter((slice) => slice.track === track);
    assertEquals(on("host").map(({ name }) => name), ["trace, compile and load"]);
    const names = on("all dispatches").map(({ name }) => name);
    assertEquals(names.join(), many.map(({ label }) => label).join());
    assertEquals(
      on("hand-written kernels").length + on("generated kernels").length,
      many.length,
    );
    for (const { name, duration, depth } of on("all dispatches")) {
      const wanted = Math.round(many[Number(name.slice("dispatch ".length))]!.nanoseconds);
      assert(Math.abs(duration - wanted) <= 1, `${name} takes ${duration}, expected ${wanted}`);
      assert(depth === 0 || duration === 0, `${name} lies in another`);
    }
    for (
      const series of [
        ...["inputs", "constants", "temporaries", "results"].map((part) =>
          `memory in use, bytes ${part}`
        ),
        ...["GFLOP/s rate", "GB/s rate"],
      ]
    ) assertEquals(counters.get(series)?.length, many.length, series);
  }
});

Deno.test("the import of traces misses what crosses, comes too late or has no name", () => {
  const file = JSON.parse(JSON.stringify(profileTrace(made)));
  const importOf = (changed: object) => importTrace(JSON.stringify(changed), readings["product"]!);
  assertEquals(importOf(file).errors, []);
  const long = structuredClone(file);
  long.traceEvents.find(({ name }: { name: string }) => name === dispatch.label).dur = 2.5;
  assertEquals(importOf(long).errors, ["slice_drop_overlapping_complete_event"]);
  const { displayTimeUnit, ...late } = file;
  assertEquals(importOf({ ...late, displayTimeUnit }).errors, ["json_display_time_unit_too_late"]);
  assertEquals(importOf({ extra: 1, ...file }).errors, ["ends at the unknown key extra"]);
});

Deno.test("the check of traces finds what the format forbids", () => {
  const broken = (change: (file: Record<string, unknown>[]) => void): string[] => {
    const file = JSON.parse(JSON.stringify(profileTrace(made)));
    change(file.traceEvents);
    return traceFaults(JSON.stringify(file));
  };
  const first = (events: Record<string, unknown>[], ph: string) =>
    events.find((event) => event["ph"] === ph)!;
  const changes: ((events: Record<string, unknown>[]) => unknown)[] = [
    (events) => first(events, "X")["dur"] = "2",
    (events) => delete first(events, "X")["ts"],
    (events) => first(events, "C")["args"] = { bytes: "many" },
    (events) => first(events, "C")["args"] = {},
    (events) => first(events, "M")["name"] = "thread",
    (events) => first(events, "X")["ph"] = "Y",
    (events) => first(events, "X")["tid"] = 99,
    (events) => events.find(({ name }) => name === dispatch.label)!["dur"] = 3,
  ];
  for (const change of changes) assert(broken(change).length > 0, String(change));
});

async function command(...given: string[]): Promise<{ code: number; lines: string }> {
  const lines: string[] = [];
  const add = (line: string): number => lines.push(line);
  const code = await profileCommand(given, {
    output: { print: add, log: add },
    load: (address) => import(address),
    workloads: { layer: (order) => ({ fn: layer, args, name: `layer, ${order}` }) },
  });
  return { code, lines: lines.join("\n") };
}

Deno.test({
  name: "the command profiles models, workloads and own files, and writes traces",
  ignore: withoutWebgpu,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const tensors = new URL("../../src/tensor/mod.ts", import.meta.url).href;
      await Deno.writeTextFile(
        `${folder}/own.ts`,
        `import { mul } from "${tensors}";\nexport const fn = (x) => mul(x, x);\n` +
          `export const args = [{ shape: [5], dtype: "f32" }];\n`,
      );
      const path = `${folder}/trace.json`;
      const own = await command(`${folder}/own.ts`, "--no-roofline", "--trace", path);
      assertEquals(own.code, 0, own.lines);
      assertStringIncludes(own.lines, "map mul [5]");
      const trace = await Deno.readTextFile(path);
      assertEquals(traceFaults(trace), []);
      assertEquals(importTrace(trace, readings["product"]!).errors, []);
      const workload = await command("layer", "--order", "first", "--no-roofline", "--each");
      assertStringIncludes(workload.lines, "layer, first on ");
      const model = await command("encoder", "--batch", "2", "--no-roofline", "--keep");
      assertStringIncludes(model.lines, "a training step of encoder on 2 images of 32 x 32");
      assertStringIncludes(model.lines, "conv2d");
      await Deno.writeTextFile(`${folder}/empty.ts`, "export const x = 1;\n");
      const empty = await command(`${folder}/empty.ts`);
      assertEquals(empty.code, 2);
      assertStringIncludes(empty.lines, "exports x, expected a function `fn`");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("the command refuses what it does not know", async () => {
  const wrong: [string[], string][] = [
    [[], "Found 0 targets"],
    [["resne"], 'Did you mean "resnet"?'],
    [["layer", "--order", "second"], 'Unknown order "second"'],
    [["encoder", "--batch", "0"], "expected a whole number from 1"],
    [["layer", "--trac", "x"], 'Did you mean "--trace"?'],
  ];
  for (const [given, says] of wrong) {
    const { code, lines } = await command(...given);
    assertEquals(code, 2, lines);
    assertStringIncludes(lines, says);
  }
});
