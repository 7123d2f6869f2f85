/** Every call that writes fails once, or from then on: nothing is broken, and the run goes on later. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { loadCheckpoint } from "../../src/run/checkpoint.ts";
import { readMetrics } from "../../src/run/metrics.ts";
import { drawn } from "../again.ts";
import { resultsOf, runTwoStages } from "../train/fixtures.ts";

/** How a disk fails. */
interface Fault {
  /** Which call is the first to fail, from 1. */
  readonly at: number;
  /** Whether later calls fail too. */
  readonly lasts: boolean;
  /** What the system says. */
  readonly code: "ENOSPC" | "EIO";
}

/** What is put in the place of the functions of the runtime that write. */
class FaultyDisk implements Disposable {
  /** Calls so far, by name. */
  readonly calls: string[] = [];
  readonly #fault: Fault | undefined;
  readonly #restore: (() => void)[] = [];

  constructor(fault?: Fault) {
    this.#fault = fault;
    const fails = (name: string): void => this.#call(name);
    const file = Deno.FsFile.prototype;
    this.#replace(file, "write", (real) =>
      async function (this: Deno.FsFile, bytes: Uint8Array) {
        return await halfway(() => fails("write"), {
          half: () => real.call(this, bytes.subarray(0, bytes.length >> 1)),
          whole: () => real.call(this, bytes),
        });
      });
    this.#replace(file, "writeSync", (real) =>
      function (this: Deno.FsFile, bytes: Uint8Array) {
        try {
          fails("writeSync");
        } catch (error) {
          real.call(this, bytes.subarray(0, bytes.length >> 1));
          throw error;
        }
        return real.call(this, bytes);
      });
    // Nothing is killed here: waiting for the real disk would only take time.
    this.#replace(file, "sync", () => () => Promise.resolve().then(() => fails("sync")));
    this.#replace(file, "syncSync", () => () => fails("syncSync"));
    for (const name of ["rename", "mkdir", "open"] as const) {
      this.#replace(Deno, name, (real) => async (...args: Parameters<typeof real>) => {
        if (name !== "open" || isWriting(args[1])) fails(name);
        return await (real as (...args: unknown[]) => Promise<never>)(...args);
      });
    }
    this.#replace(Deno, "openSync", (real) => (path, options) => {
      if (isWriting(options)) fails("openSync");
      return real(path, options);
    });
    this.#replace(Deno, "mkdirSync", (real) => (path, options) => {
      fails("mkdirSync");
      real(path, options);
    });
  }

  #call(name: string): void {
    this.calls.push(name);
    const fault = this.#fault;
    if (!fault) return;
    const fails = fault.lasts ? this.calls.length >= fault.at : this.calls.length === fault.at;
    if (fails) throw Object.assign(new Error(`${name}: os error`), { code: fault.code });
  }

  #replace<T extends object, K extends keyof T>(
    target: T,
    name: K,
    make: (real: T[K]) => T[K],
  ): void {
    const real = target[name];
    target[name] = make(real);
    this.#restore.push(() => target[name] = real);
  }

  [Symbol.dispose](): void {
    for (const restore of this.#restore) restore();
  }
}

function isWriting(options: unknown): boolean {
  return (options as Deno.OpenOptions | undefined)?.write === true;
}

/** A write that fails has often written something. */
async function halfway<T>(
  check: () => void,
  { half, whole }: { readonly half: () => Promise<T>; readonly whole: () => Promise<T> },
): Promise<T> {
  try {
    check();
  } catch (error) {
    await half();
    throw error;
  }
  return await whole();
}

/** Checks that everything that stands under its own name can be read. */
async function assertWhole(path: string, name: string): Promise<void> {
  for await (const stage of readDirectory(`${path}/checkpoints`)) {
    for await (const file of readDirectory(stage)) await loadCheckpoint(file);
  }
  for await (const file of readDirectory(path)) {
    if (file.endsWith(".json")) JSON.parse(await Deno.readTextFile(file));
    if (file.endsWith(".jsonl")) await readMetrics(file);
    assert(!file.endsWith(".tmp"), `${name}: ${file}`);
  }
}

async function* readDirectory(path: string): AsyncGenerator<string> {
  try {
    for await (const entry of Deno.readDir(path)) yield `${path}/${entry.name}`;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** As short as it may be with two checkpoints in each stage: every call is made to fail. */
const COURSE = { steps: 4 };

const ADVICE = { ENOSPC: "the disk is full", EIO: "the disk reports a fault" } as const;

Deno.test("a disk that fails at any call ends a run with an error, and costs no number", async (t) => {
  const folder = await Deno.makeTempDir();
  const flags = (out: string) => ["--seed", "3", "--out", `${folder}/${out}`];
  try {
    let calls: readonly string[];
    let whole: string[];
    {
      using disk = new FaultyDisk();
      const { code, path, err } = await runTwoStages(flags("whole"), COURSE);
      assertEquals(code, 0, err);
      calls = disk.calls;
      whole = await resultsOf(path, COURSE.steps);
    }
    // The kinds of call that are made to fail: the table would be empty without them.
    for (const kind of ["openSync", "mkdir", "open", "write", "sync", "rename", "writeSync"]) {
      assert(calls.includes(kind), kind);
    }
    for (const lasts of [false, true]) {
      await t.step(lasts ? "from then on" : "once", async () => {
        // A fault that stays looks much the same wherever it begins.
        for (const [index, kind] of drawn([...calls.entries()])) {
          if (lasts && index % 3 > 0) continue;
          const code = index % 2 === 0 ? "ENOSPC" : "EIO";
          const name = `${kind}, call ${index + 1}, ${code}`;
          const out = `${lasts}-${index}`;
          const failed = await withFault({ at: index + 1, lasts, code }, flags(out));
          assertEquals(failed.code, 1, `${name}: ${failed.err}`);
          assertStringIncludes(failed.err, ADVICE[code], name);
          const runs: string[] = [];
          for await (const run of readDirectory(`${folder}/${out}/two-stages`)) runs.push(run);
          if (runs.length === 0) continue;
          const path = runs[0]!;
          await assertWhole(path, name);
          const resumed = await withFault(undefined, ["--resume", path]);
          assertEquals(resumed.code, 0, `${name}: ${resumed.err}`);
          assertEquals(await resultsOf(path, COURSE.steps), whole, name);
          await Deno.remove(`${folder}/${out}`, { recursive: true });
        }
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function withFault(
  fault: Fault | undefined,
  args: readonly string[],
): ReturnType<typeof runTwoStages> {
  using _disk = new FaultyDisk(fault);
  return await runTwoStages(args, COURSE);
}
