import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Beat, HEARTBEAT, Heartbeat } from "../../src/experiment/heartbeat.ts";
import { findBeat, Watchdog } from "../../src/experiment/watchdog.ts";
import { Progress } from "../../src/run/progress.ts";

const source = (path: string) => JSON.stringify(import.meta.resolve(`../../src/${path}`));

Deno.test("Watchdog allows twenty times the longest wait, at least so many seconds, and all else", () => {
  const beat = (count: number, { waits = true, longest = 0 } = {}): Beat => ({
    ...{ pid: 1, count, waits, longest, stage: "meta pretrain", step: 17, total: 200 },
  });
  /** Looks once a second until it complains; gives the second. */
  const until = (dog: Watchdog, seen: Beat): number | undefined => {
    for (let second = 0; second <= 1000; second++) {
      if (dog.look(seen, 1) !== undefined) return second;
    }
    return undefined;
  };
  assertEquals(until(new Watchdog(10), beat(1)), 11);
  // Compiling and other work on the host.
  assertEquals(until(new Watchdog(10), beat(1, { waits: false })), undefined);
  assertEquals(until(new Watchdog(0), beat(1)), undefined);
  assertEquals(until(new Watchdog(10), beat(1, { longest: 3.25 })), 66);

  const dog = new Watchdog(10);
  for (let count = 0; count < 50; count++) {
    for (let second = 0; second < 10; second++) assertEquals(dog.look(beat(count), 1), undefined);
  }
  assertEquals(until(dog, beat(50)), 11);
  assertEquals(
    dog.look(beat(50), 1),
    "the device has not answered for 12 s in meta pretrain after step 17 of 200; the longest wait " +
      "before took 0.0 s",
  );

  // Nothing is said of what cannot be read, nor while the machine slept.
  const asleep = new Watchdog(10);
  assertEquals(asleep.look(beat(1), 1), undefined);
  assertEquals(asleep.look(undefined, 1000), undefined);
  assertEquals(asleep.look(beat(1), 1000), undefined);
});

Deno.test("findBeat() finds the beat of a process among the youngest runs, and no broken one", async () => {
  const root = await Deno.makeTempDir();
  try {
    const write = async (run: string, text: string) => {
      await Deno.mkdir(`${root}/count/${run}`, { recursive: true });
      await Deno.writeTextFile(`${root}/count/${run}/${HEARTBEAT}`, text);
    };
    assertEquals(await findBeat(["--out", `${root}/none`], { pid: 7 }), undefined);
    await write("20260101T000000Z-0", JSON.stringify({ pid: 6, count: 1 }));
    await write("20260102T000000Z-0", JSON.stringify({ pid: 7, count: 2 }));
    await write("20260103T000000Z-0", '{"pid":7,"cou');
    const found = await findBeat(["--out", root], { pid: 7 });
    assertEquals(found?.folder, `${root}/count/20260102T000000Z-0`);
    assertEquals(found?.beat.count, 2);
    assertEquals(
      await findBeat([`--resume=${root}/count/20260101T000000Z-0`], { pid: 7 }),
      undefined,
    );
    assert(await findBeat([`--resume=${root}/count/20260101T000000Z-0`], { pid: 6 }) !== undefined);

    // A sweep's unit is in a folder of another depth, which `--folder` names.
    const unit = `${root}/study/same/meta/seed-0`;
    await Deno.mkdir(unit, { recursive: true });
    await Deno.writeTextFile(`${unit}/${HEARTBEAT}`, JSON.stringify({ pid: 8, count: 3 }));
    assertEquals((await findBeat(["--folder", unit], { pid: 8 }))?.beat.count, 3);
    assertEquals(await findBeat([`--folder=${unit}`], { pid: 7 }), undefined);

    // The clock was set back: a new run has the oldest name.
    for (let day = 10; day < 31; day++) await write(`202602${day}T000000Z-0`, "");
    assertEquals(await findBeat(["--out", root], { pid: 7 }), undefined);
    assertEquals((await findBeat(["--out", root], { pid: 7, all: true }))?.beat.count, 2);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("Heartbeat says before a device is waited for that it is, and later that it was", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/${HEARTBEAT}`;
    const beat = () => JSON.parse(Deno.readTextFileSync(path)) as Beat;
    const progress = new Progress();
    {
      using heartbeat = new Heartbeat(folder, progress);
      heartbeat.tell({ engine: "webgpu", kind: "compile", name: "f" });
      heartbeat.tell({ engine: "tfjs", kind: "run" });
      assertEquals([...Deno.readDirSync(folder)], []);
      progress.begin({ label: "meta pretrain", total: 9, done: 4 });
      heartbeat.tell({ engine: "webgpu", kind: "run" });
      assertEquals(beat(), {
        ...{
          pid: Deno.pid,
          count: 1,
          waits: true,
          longest: 0,
          stage: "meta pretrain",
          step: 4,
          total: 9,
        },
      });
      heartbeat.tell({ engine: "webgpu", kind: "idle", memory: { live: 7, peak: 9 } });
      assertEquals(beat().waits, true);
      await new Promise((resolve) => setTimeout(resolve, 1200));
      assertEquals([beat().waits, beat().memory], [false, { live: 7, peak: 9 }]);
      heartbeat.tell({ engine: "webgpu", kind: "read" });
      assertEquals([beat().waits, beat().count, beat().longest < 1], [true, 3, true]);
      await new Promise((resolve) => setTimeout(resolve, 60));
      // It may compile for long, and the process be busy with it.
      heartbeat.tell({ engine: "webgpu", kind: "compile", name: "f" });
      assertEquals([beat().waits, beat().count], [false, 4]);
      assert(beat().longest >= 0.05, `${beat().longest} s`);
      // Of many short waits few are told.
      for (let k = 0; k < 1000; k++) {
        heartbeat.tell({ engine: "webgpu", kind: "run" });
        heartbeat.tell({ engine: "webgpu", kind: "idle" });
      }
      assert(beat().count <= 6, `${beat().count} beats`);
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Trains six steps on a device that hangs at its fourth answer, or whose compiler is slow. */
const program = `
import { Engine, hostArray } from ${source("engine/mod.ts")};
import { ReferenceBackend } from ${source("engine/reference_backend.ts")};
import { Heartbeat } from ${source("experiment/heartbeat.ts")};
import { MetricsLog } from ${source("run/metrics_log.ts")};
import { Progress } from ${source("run/progress.ts")};
import { runStage } from ${source("train/run_stage.ts")};
import { add } from ${source("tensor/mod.ts")};

const [flag, place, , , fault] = Deno.args;
const folder = flag === "--out" ? place + "/stuck/20260101T000000Z-0" : place;
const sleep = (milliseconds) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
class Device extends ReferenceBackend {
  info = { name: "webgpu", adapter: "one that hangs", software: true, holds: "float32" };
  answers = 0;
  loaded = false;
  load(program) {
    if (fault === "compiler" && !this.loaded) sleep(4000);
    this.loaded = true;
    return super.load(program);
  }
  download(arrays) {
    if (++this.answers === 4 && fault === "promise") return new Promise(() => setInterval(() => {}, 9));
    if (this.answers === 4 && fault === "driver") for (;;) sleep(1000);
    sleep(120);
    return super.download(arrays);
  }
}
Deno.mkdirSync(folder, { recursive: true });
const progress = new Progress();
using heartbeat = new Heartbeat(folder, progress);
const engine = new Engine(new Device(), { onWork: (work) => heartbeat.tell(work) });
using metrics = MetricsLog.open(folder);
const next = engine.jit((x) => add(x, 1));
const { training } = await runStage({
  arm: "meta", phase: "pretrain", steps: 6,
  start: () => Promise.resolve(engine.put(hostArray([0], []))),
  cost: async (x) => ({ samples: 1, flops: (await next.prepare(x)).flops }),
  step: async (x) => ({ training: await next(x), metrics: {} }),
  evaluate: () => Promise.resolve({}),
}, {
  engine, metrics, progress, checkpoints: folder + "/checkpoints",
  signal: new AbortController().signal, evaluateEvery: 10, saveEvery: 1,
});
Deno.writeTextFileSync(folder + "/result", String((await engine.read(training)).data[0]));
`;

/** Launches the program with a watchdog of one second. */
async function launched(
  folder: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly err: string }> {
  const launch = new URL("../../src/experiment/launch.ts", import.meta.url);
  await Deno.writeTextFile(`${folder}/program.ts`, program);
  await Deno.writeTextFile(
    `${folder}/launch.ts`,
    `import { launch } from ${JSON.stringify(launch.href)};
     Deno.exit(await launch("${folder}/program.ts", Deno.args));`,
  );
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${folder}/launch.ts`, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

for (const [fault, flag] of [["promise", "--out"], ["driver", "--folder"]] as const) {
  Deno.test(`a run whose device never answers is ended, and goes on: the ${fault} hangs`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const run = `${folder}/stuck/20260101T000000Z-0`;
      const place = flag === "--out" ? folder : run;
      const { code, err } = await launched(folder, [flag, place, "--watchdog", "1", fault]);
      assertEquals(code, 1, err);
      assertMatch(
        err,
        /Error: the device has not answered for \d+ s in meta pretrain after step 1 of 6; the longest/,
      );
      assertStringIncludes(
        err,
        `The run is ended; its checkpoints are kept. Go on with: --resume ${run}.`,
      );
      assert([...Deno.readDirSync(`${run}/checkpoints/meta-pretrain`)].length > 0);
      const resumed = await launched(folder, ["--resume", run, "--watchdog", "1", "none"]);
      assertEquals(resumed.code, 0, resumed.err);
      assertEquals(await Deno.readTextFile(`${run}/result`), "6");
      // A run that has ended says nothing any more.
      assertEquals([...Deno.readDirSync(run)].some(({ name }) => name === HEARTBEAT), false);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a run that compiles for longer than its device may take to answer is left alone", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const args = ["--out", folder, "--watchdog", "1", "compiler"];
    const { code, err } = await launched(folder, args);
    assertEquals(code, 0, err);
    assertEquals(await Deno.readTextFile(`${folder}/stuck/20260101T000000Z-0/result`), "6");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
