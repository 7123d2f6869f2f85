import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { onStopSignal } from "../../src/experiment/signals.ts";
import { readMetrics } from "../../src/run/metrics.ts";

const source = (path: string) => JSON.stringify(import.meta.resolve(`../../src/${path}`));

/** An experiment that counts, checkpoints every step, and can be slow. */
const counter = `
import { z } from "zod";
import { defineExperiment } from ${source("experiment/define_experiment.ts")};
import { runCommand } from ${source("experiment/run_command.ts")};
import { CheckpointStore } from ${source("run/checkpoint.ts")};

export const experiment = defineExperiment({
  name: "counter",
  title: "Counter",
  summary: "Sums up noise.",
  schema: z.strictObject({
    steps: z.int().default(30).describe("Steps."),
    every: z.int().default(4).describe("Steps between checkpoints."),
    pause: z.number().default(0).describe("Milliseconds a step."),
  }),
  async run({ config, folder, progress, openMetrics, resumed, seed, signal, print }) {
    const store = new CheckpointStore(folder.file("checkpoints"));
    const last = resumed ? await store.latest() : undefined;
    let sum = last ? last.tensors.sum.data[0] : seed;
    const metrics = openMetrics(last ? { resumeAt: JSON.parse(last.metadata.metrics) } : {});
    progress.begin({ label: "count", total: config.steps, done: last?.step ?? 0 });
    for (let step = (last?.step ?? 0) + 1; step <= config.steps; step++) {
      sum = Math.sin(sum * 12.9898 + step);
      metrics.write({ arm: "count", phase: "train", step, sum });
      progress.update(step, { sum });
      if (step === 10) print("ten");
      await new Promise((resolve) => setTimeout(resolve, config.pause));
      if (step % config.every === 0 || signal.aborted) {
        const tensors = { sum: { dtype: "F64", shape: [], data: Float64Array.of(sum) } };
        await store.save(step, { tensors, metadata: { metrics: JSON.stringify(metrics.sync()) } });
      }
      signal.throwIfAborted();
    }
    await folder.writeSummary({ sum });
  },
});

if (import.meta.main) Deno.exit(await runCommand(experiment));
`;

const flags = ["run", "--no-prompt", "--allow-read", "--allow-write", "--allow-env"];
const config = [
  "--config",
  decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname),
];

interface Outcome {
  readonly code: number;
  readonly signal: string | null;
  readonly last: string;
  readonly err: string;
}

/** Starts the counter; `when` is called once it has printed "ten". */
async function start(
  folder: string,
  args: readonly string[],
  when: (child: Deno.ChildProcess) => void = () => {},
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...flags, ...config, `${folder}/counter.ts`, ...args],
    cwd: folder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const errors = new Response(child.stderr).text();
  let out = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    out += text;
    if (text.includes("ten")) when(child);
  }
  const { code, signal } = await child.status;
  return { code, signal, last: out.trimEnd().split("\n").at(-1)!, err: await errors };
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/counter.ts`, counter);
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function killIfRunning(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What must not depend on being interrupted. */
async function results(folder: string, run: string): Promise<string[]> {
  return await Promise.all(
    ["metrics.jsonl", "summary.json"].map((name) => Deno.readTextFile(`${folder}/${run}/${name}`)),
  );
}

Deno.test({
  name: "an experiment stopped by SIGINT, SIGTERM or SIGKILL resumes to the same numbers",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const whole = await start(folder, ["--seed", "3"]);
      assertEquals([whole.code, whole.signal], [0, null], whole.err);
      assertEquals(/^runs\/counter\/\d{8}T\d{6}Z-3/.test(whole.last), true, whole.last);
      const expected = await results(folder, whole.last);
      const slow = ["--seed", "3", "--set", "pause=20"];
      const stops = [["SIGINT", 130], ["SIGTERM", 143], ["SIGKILL", 137]] as const;
      await Promise.all(stops.map(async ([signal, code]) => {
        const out = ["--out", `runs/${signal}`];
        const stopped = await start(folder, [...slow, ...out], (child) => {
          child.kill(signal);
          // deno task and the terminal both send Ctrl-C: an echo must not cost the checkpoint.
          if (signal === "SIGINT") setTimeout(() => killIfRunning(child, signal), 5);
        });
        assertEquals(stopped.code, code, stopped.err);
        const [run] = [...Deno.readDirSync(`${folder}/runs/${signal}/counter`)];
        const path = `runs/${signal}/counter/${run!.name}`;
        const status = JSON.parse(await Deno.readTextFile(`${folder}/${path}/status.json`));
        assertEquals(status.state, signal === "SIGKILL" ? "running" : "interrupted");
        if (signal !== "SIGKILL") {
          assertEquals(stopped.last, path);
          assertMatch(stopped.err, new RegExp(`Go on with: \\S.* --resume ${path}`));
        }
        const before = await readMetrics(`${folder}/${path}/metrics.jsonl`);
        assertEquals(before.length >= 10 && before.length < 30, true, String(before.length));
        const resumed = await start(folder, ["--resume", path]);
        assertEquals([resumed.code, resumed.last], [0, path], resumed.err);
        assertEquals(await results(folder, path), expected);
      }));
    }),
});

Deno.test({
  name: "a terminal that hangs up stops an experiment that writes to it, and no other",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const told: string[] = [];
      for (const terminal of [false, true]) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const remove = onStopSignal((name) => {
          told.push(`${name} ${terminal}`);
          resolve();
        }, { terminal });
        // A listener keeps no process alive.
        const alive = setInterval(() => {}, 1000);
        const hung = Promise.withResolvers<void>();
        Deno.addSignalListener("SIGHUP", hung.resolve);
        Deno.kill(Deno.pid, "SIGHUP");
        // Signals do not keep their order.
        await hung.promise;
        if (!terminal) Deno.kill(Deno.pid, "SIGTERM");
        await promise;
        clearInterval(alive);
        Deno.removeSignalListener("SIGHUP", hung.resolve);
        remove();
      }
      assertEquals(told, ["SIGTERM false", "SIGHUP true"]);
      const slow = ["--seed", "3", "--set", "pause=20"];
      const { code, err, last } = await start(folder, slow, (child) => child.kill("SIGHUP"));
      assertEquals(code, 0, err);
      assertEquals(
        JSON.parse(await Deno.readTextFile(`${folder}/${last}/status.json`)).state,
        "finished",
      );
    }),
});

Deno.test({
  name: "an experiment that does not heed a signal is ended by the second one",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const deaf = counter.replaceAll("signal.throwIfAborted();", "").replace("30", "100000");
      await Deno.writeTextFile(`${folder}/counter.ts`, deaf);
      const began = performance.now();
      const { code } = await start(folder, ["--set", "pause=5"], (child) => {
        child.kill("SIGINT");
        setTimeout(() => child.kill("SIGINT"), 700);
      });
      assertEquals(code, 130);
      assertEquals(performance.now() - began < 20_000, true);
    }),
});

/** Removes a folder into which somebody may put a file while it is emptied. */
function removeInUse(path: string): void {
  for (;;) {
    try {
      return Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (!/not empty/.test((error as Error).message)) throw error;
    }
  }
}

Deno.test({
  name: "an experiment whose run folder is removed or moved away fails at its next line",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const place = `${folder}/runs/counter`;
      const runs = async (change: (path: string) => void) =>
        await start(folder, ["--set", "pause=20", "--set", "steps=100000"], () => {
          change(`${place}/${[...Deno.readDirSync(place)][0]!.name}`);
        });
      const removed = await runs(removeInUse);
      assertEquals(removed.code, 1);
      assertStringIncludes(removed.err, "was removed, moved away or replaced");
      assertEquals([...Deno.readDirSync(place)], [], "the folder was not made again");
      const moved = await runs((path) => Deno.renameSync(path, `${folder}/moved`));
      assertEquals(moved.code, 1);
      assertStringIncludes(moved.err, "If it was moved, resume from its new place.");
      // What was moved goes on where it is now.
      const resumed = await start(folder, ["--resume", `${folder}/moved`], (child) => {
        child.kill("SIGTERM");
      });
      assertStringIncludes(resumed.err, `folder ${folder}/moved`);
    }),
});

Deno.test({
  name: "an experiment that meets a limit of the system fails, and goes on without it",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      const whole = await start(folder, ["--seed", "3"]);
      const expected = await results(folder, whole.last);
      // No file longer than a block: the call that would make it longer fails with EFBIG.
      const command = [...flags, "--no-code-cache", ...config, `${folder}/counter.ts`];
      const { code, stderr } = await new Deno.Command("sh", {
        args: [
          ...["-c", `trap "" XFSZ; ulimit -f 2; exec "$0" "$@"`, Deno.execPath()],
          ...[...command, "--seed", "3", "--out", "limited"],
        ],
        cwd: folder,
        env: { NO_COLOR: "1" },
      }).output();
      const err = new TextDecoder().decode(stderr);
      assertEquals(code, 1, err);
      assertStringIncludes(err, "metrics.jsonl: the file is larger than the system allows");
      const [run] = [...Deno.readDirSync(`${folder}/limited/counter`)];
      const path = `limited/counter/${run!.name}`;
      assertEquals(
        JSON.parse(await Deno.readTextFile(`${folder}/${path}/status.json`)).state,
        "failed",
      );
      const resumed = await start(folder, ["--resume", path]);
      assertEquals([resumed.code, resumed.last], [0, path], resumed.err);
      assertEquals(await results(folder, path), expected);
    }),
});

Deno.test({
  name: "an experiment goes on where nobody reads what it says",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (folder) => {
      const whole = await start(folder, ["--seed", "3"]);
      const expected = await results(folder, whole.last);
      const command = [Deno.execPath(), ...flags, ...config, `${folder}/counter.ts`];
      // Full, closed by who reads (the run waits until it is), and never there.
      const streams = [">/dev/full 2>/dev/full", "2>&1 | true", ">&- 2>&-"];
      for (const [k, to] of streams.entries()) {
        const out = `out-${k}`;
        await new Deno.Command("sh", {
          args: [
            "-c",
            `(sleep 0.1; exec "$@") ${to}`,
            "sh",
            ...command,
            "--seed",
            "3",
            "--out",
            out,
          ],
          cwd: folder,
        }).output();
        const [run] = [...Deno.readDirSync(`${folder}/${out}/counter`)];
        assertEquals(await results(folder, `${out}/counter/${run!.name}`), expected, to);
      }
      // Where one of two is left, it says what the other did not take.
      const { code, stderr } = await new Deno.Command("sh", {
        args: ["-c", `exec "$@" >/dev/full`, "sh", ...command, "--seed", "3"],
        cwd: folder,
      }).output();
      assertEquals(code, 0);
      const err = new TextDecoder().decode(stderr);
      assertMatch(err, /Cannot print on standard output: .*No space.* What was to be said: ten\n/);
    }),
});

Deno.test("an experiment without permission to write says so", () =>
  inFolder(async (folder) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--allow-read", ...config, `${folder}/counter.ts`],
      cwd: folder,
    }).output();
    assertEquals(code, 1);
    assertStringIncludes(
      new TextDecoder().decode(stderr),
      "Error: Cannot create the run folder runs/counter/",
    );
    assertStringIncludes(new TextDecoder().decode(stderr), "Run with --allow-read --allow-write");
  }));
