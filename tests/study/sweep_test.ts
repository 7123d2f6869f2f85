import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { compareCommand } from "../../src/study/sweep/compare_command.ts";
import { listRuns, runsCommand } from "../../src/study/sweep/runs_command.ts";
import { runSweep } from "../../src/study/sweep/run_sweep.ts";
import { sweepCommand } from "../../src/study/sweep/sweep_command.ts";
import { program } from "./sweep_process.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process. */
async function inProcess(
  command: (output: {
    print: (line: string) => void;
    log: (line: string) => void;
  }, write: (text: string) => void) => Promise<number>,
): Promise<Result> {
  let [out, err] = ["", ""];
  const write = (text: string) => void (err += text);
  const code = await command({
    print: (line) => void (out += `${line}\n`),
    log: (line) => write(`${line}\n`),
  }, write);
  return { code, out, err };
}

/** Progress line by line, as in a file. */
const lines = {
  terminal: false,
  color: false,
  columns: () => 0,
  now: () => performance.now(),
};

function sweep(folder: string, ...args: string[]): Promise<Result> {
  return inProcess((output, write) =>
    sweepCommand(["demo", "--out", `${folder}/runs`, ...args], {
      program,
      output,
      progress: { ...lines, write },
    })
  );
}

/** Starts a sweep as a process of its own; `when` is called with all it has written so far. */
function start(
  folder: string,
  args: readonly string[],
  when: (text: string, child: Deno.ChildProcess) => void = () => {},
): Promise<{ code: number; signal: string | null; err: string }> {
  const source = decodeURIComponent(new URL("sweep_process.ts", import.meta.url).pathname);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...program.slice(1, -1), source, "demo", "--out", `${folder}/runs`, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  return (async () => {
    let err = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      err += text;
      when(err, child);
    }
    const { code, signal } = await child.status;
    return { code, signal, err };
  })();
}

const slow = ["--set", "pause=120", "--set", "steps=8"];
const four = ["--arms", "meta,first", "--regimes", "same", "--seeds", "0-1"];

/** Every step of every unit stands once in its trace: nothing ran twice, nothing was left out. */
async function assertOnce(folder: string): Promise<void> {
  for (const arm of ["meta", "first"]) {
    for (const seed of [0, 1]) {
      const path = `${folder}/runs/same/${arm}/seed-${seed}`;
      assertEquals(await Deno.readTextFile(`${path}/trace.txt`), "1\n2\n3\n4\n5\n6\n7\n8\n", path);
      const unit = JSON.parse(await Deno.readTextFile(`${path}/unit.json`));
      assertEquals([unit.arm, unit.seed], [arm, seed]);
    }
  }
}

/** Waits until both units of the first seed have taken a step. */
async function bothUnderWay(folder: string): Promise<void> {
  for (const arm of ["meta", "first"]) {
    const path = `${folder}/runs/same/${arm}/seed-0/trace.txt`;
    while (!(await Deno.stat(path).catch(() => undefined))) {
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
}

Deno.test({
  name: "a sweep that is killed, and one beside it, do every unit once",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const args = [...four, ...slow, "--jobs", "2"];
      let second: ReturnType<typeof start> | undefined;
      let killing = false;
      const killed = await start(folder, args, (text, child) => {
        // A second sweep joins when the first has begun, which is killed when its first units run.
        if (text.includes("begin ")) second ??= start(folder, args);
        if (killing || text.split("begin ").length < 3) return;
        killing = true;
        bothUnderWay(folder).then(() => child.kill("SIGKILL"));
      });
      assertEquals(killed.signal, "SIGKILL", killed.err);
      const third = await start(folder, args);
      assertEquals(third.code, 0, third.err);
      const beside = await second!;
      assertEquals(beside.code, 0, beside.err);
      await assertOnce(folder);
      // Which of the two is told depends on who looks when.
      assertMatch(beside.err + third.err, /run elsewhere|by another process/);
    }),
});

Deno.test({
  name: "a sweep hands SIGTERM on, waits, and goes on with the same command",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const args = [...four, ...slow, "--jobs", "2"];
      let told = false;
      const stopped = await start(folder, args, (text, child) => {
        if (told || text.split("begin ").length < 3) return;
        told = true;
        bothUnderWay(folder).then(() => child.kill("SIGTERM"));
      });
      assertEquals(stopped.code, 143, stopped.err);
      assertStringIncludes(stopped.err, "Go on with the same command.");
      const states = (await listRuns(`${folder}/runs`)).map(({ state }) => state);
      assertEquals(states.includes("running"), false, states.join());
      assertEquals(states.filter((state) => state === "interrupted").length, 2, stopped.err);
      const again = await start(folder, args);
      assertEquals(again.code, 0, again.err);
      assertStringIncludes(again.err, "go on ");
      await assertOnce(folder);
    }),
});

Deno.test({
  name: "a sweep lists failures, retries none unasked, and refuses to mix configurations",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const some = ["--arms", "scratch,broken", "--regimes", "poor", "--seeds", "3", "--jobs", "2"];
      const first = await sweep(folder, ...some);
      assertEquals(first.code, 1);
      assertStringIncludes(first.out, "1 of 2 units done, 1 failed, 0 left");
      assertMatch(
        first.err,
        /FAILED poor\/broken\/seed-3: exit code 1: this arm is broken\n.*step/s,
      );
      const second = await sweep(folder, ...some);
      assertEquals(second.code, 1);
      assertStringIncludes(second.err, "failed before: this arm is broken");
      assertEquals(/begin|go on /.test(second.err), false, second.err);
      const retried = await sweep(folder, ...some, "--retry");
      assertEquals(retried.code, 1);
      assertStringIncludes(retried.err, "go on   poor/broken/seed-3");
      const changed = await sweep(folder, ...some, "--set", "steps=5");
      assertEquals(changed.code, 2);
      assertStringIncludes(changed.err, "config.steps (5, was 4)");
      assertStringIncludes(changed.err, "not mixed");
      // Another seed of the same arm is refused too; another arm is not.
      const other = ["--regimes", "poor", "--set", "arms.scratch.gain=1"];
      const seed = await sweep(folder, "--arms", "scratch", "--seeds", "4", ...other);
      assertEquals(seed.code, 2);
      assertStringIncludes(seed.err, "config.arms.scratch.gain (1, was 0)");
      const added = await sweep(
        folder,
        "--arms",
        "new",
        "--seeds",
        "3",
        "--regimes",
        "poor",
        "--set",
        "arms.new.like=scratch",
        "--set",
        "arms.scratch.gain=0",
      );
      assertEquals(added.code, 0, added.err);
      const known = await sweep(
        folder,
        "--arms",
        "scratch",
        "--seeds",
        "3",
        "--regimes",
        "poor",
        "--set",
        "arms.new.like=scratch",
        "--set",
        "arms.scratch.gain=0",
      );
      assertEquals(known.code, 0, known.err);
      assertEquals(known.err.includes("begin"), false);

      const runs = await inProcess((output) => runsCommand([`${folder}/runs`], output));
      assertMatch(runs.out, /broken\/seed-3 +demo +3 +failed .* this arm is broken/);
      assertStringIncludes(
        runs.out,
        "3 runs: 0 waiting, 0 running, 0 interrupted, 1 failed, 2 done",
      );
      const only = await inProcess((output) =>
        runsCommand([`${folder}/runs`, "--state", "failed"], output)
      );
      assertEquals(only.out.includes("scratch/seed-3"), false);
      const path = (arm: string) => `${folder}/runs/poor/${arm}/seed-3`;
      const compared = await inProcess((output) =>
        compareCommand([path("scratch"), path("new")], output)
      );
      assertEquals(compared.code, 0, compared.err);
      assertMatch(compared.out, /scratch\/fine-tune in poor .* 53\.00% +1000 \[49\.90%, 56\.08%\]/);
      assertStringIncludes(compared.out, 'config.arms.new.like ("scratch", was nothing)');
      const unfinished = await inProcess((output) => compareCommand([path("broken")], output));
      assertEquals(unfinished.code, 2);
      assertStringIncludes(
        unfinished.err,
        "its run is failed, expected the folder of a finished run",
      );
    }),
});

Deno.test("a sweep that cannot start a unit stops those that run, and waits for them", async () => {
  const units = [0, 1, 2].map((seed) => ({
    arm: "meta",
    regime: "same",
    seed,
    folder: `${seed}`,
    configuration: "",
  }));
  const told: string[] = [];
  const ended: number[] = [];
  let written = "";
  const fault = await assertRejects(() =>
    runSweep(units, {
      ...{ title: "demo", jobs: 2, retry: false, signal: new AbortController().signal },
      stateOf: () => Promise.resolve({ state: "waiting" }),
      start: ({ seed }) => {
        if (seed === 2) throw new Error("Cannot write the log: the disk is full.");
        const { promise, resolve } = Promise.withResolvers<{ code: number; signal: null }>();
        const end = (code: number) => {
          ended.push(seed);
          resolve({ code, signal: null });
        };
        // The first one fails by itself; the second one takes its time to stop.
        if (seed === 0) setTimeout(() => end(1), 1);
        return {
          ended: promise,
          kill: (signal) => {
            told.push(`${signal} to ${seed}`);
            setTimeout(() => end(143), 20);
          },
        };
      },
      tail: () => Promise.resolve("the last lines"),
      stopWith: () => "SIGTERM",
      output: { ...lines, write: (text) => void (written += text) },
    }), Error);
  assertEquals(told, ["SIGTERM to 1"]);
  assertEquals(ended, [0, 1]);
  assertEquals(
    fault.message,
    "Cannot write the log: the disk is full. The units that ran meanwhile have stopped. " +
      "Nothing that was saved is lost: go on with the same command.",
  );
  assertEquals(written.match(/FAILED .*/g), ["FAILED  same/meta/seed-0, exit code 1"]);
});

Deno.test("a sweep that cannot say that a unit began waits for it, too", async () => {
  const { promise, resolve } = Promise.withResolvers<{ code: number; signal: null }>();
  let ended = false;
  await assertRejects(
    () =>
      runSweep([{ arm: "meta", regime: "same", seed: 0, folder: "0", configuration: "" }], {
        ...{ title: "demo", jobs: 1, retry: false, signal: new AbortController().signal },
        stateOf: () => Promise.resolve({ state: "waiting" }),
        start: () => ({
          ended: promise,
          kill: () => {
            setTimeout(() => {
              ended = true;
              resolve({ code: 143, signal: null });
            }, 20);
          },
        }),
        tail: () => Promise.resolve(""),
        stopWith: () => "SIGTERM",
        output: {
          ...lines,
          write: (text) => {
            if (text.includes("begin")) {
              throw new Error("Cannot write to the terminal: it is gone.");
            }
          },
        },
      }),
    Error,
    "it is gone. The units that ran meanwhile have stopped.",
  );
  assertEquals(ended, true);
});

Deno.test("a sweep says what is wrong with its command line before anything runs", () =>
  inFolder(async (folder) => {
    const cases: [string[], string][] = [
      [["--arms", "mta"], 'Did you mean "meta"?'],
      [["--arms", "gone"], 'Unknown arm "gone"'],
      [["--seeds", "3-1"], "runs backwards"],
      [["--jobs", "0"], 'Flag --jobs got "0"'],
      [["--set", "stps=1"], 'Did you mean "steps"?'],
      [["--job", "2"], 'Did you mean "--jobs"?'],
      [["--no-predict"], "Flag --no-predict is for --dry-run"],
    ];
    await Promise.all(cases.map(async ([args, text]) => {
      const { code, err } = await sweep(folder, ...args);
      assertEquals(code, 2, err);
      assertStringIncludes(err, text);
    }));
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("deno task runs says that there are none yet, and misses a folder that is named", () =>
  inFolder(async (folder) => {
    const source = new URL("../../src/study/sweep/runs_command.ts", import.meta.url);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [...program.slice(1, -1), decodeURIComponent(source.pathname)],
      cwd: folder,
    }).output();
    assertEquals(code, 0);
    assertStringIncludes(new TextDecoder().decode(stdout), "There are no runs yet");
    const named = await inProcess((output) => runsCommand([`${folder}/runs`], output));
    assertEquals(named.code, 1);
    assertStringIncludes(named.err, "no such file or folder");
  }));
