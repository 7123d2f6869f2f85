/** Following a log that grows, is cut, and is being written. */
import { assert, assertEquals } from "@std/assert";
import { formatMetricRecord } from "../../src/run/metrics.ts";
import { readMetricsChunk } from "../../src/watch/metrics_tail.ts";
import { addChunk, noCurves } from "../../src/watch/page/curves.ts";

async function inFolder(use: (folder: string, log: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder, `${folder}/metrics.jsonl`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const line = (step: number, loss: number): string =>
  formatMetricRecord({ arm: "meta", phase: "train", step, loss });
const append = (log: string, text: string): Promise<void> =>
  Deno.writeTextFile(log, text, { append: true });

Deno.test("only new lines are sent, and a half-written last line waits for its end", () =>
  inFolder(async (folder, log) => {
    assertEquals(await readMetricsChunk(folder), {
      ...{ at: "", again: false, more: false, faults: 0, groups: [] },
    });
    await append(log, line(1, 0.5) + line(2, 0.25) + line(3, 0.125).slice(0, 20));
    const first = await readMetricsChunk(folder);
    assertEquals(first.groups, [
      { arm: "meta", phase: "train", names: ["loss"], steps: [1, 2], values: [[0.5, 0.25]] },
    ]);
    assertEquals((await readMetricsChunk(folder, first.at)).groups, []);
    await append(log, line(3, 0.125).slice(20));
    const second = await readMetricsChunk(folder, first.at);
    assertEquals(second.groups[0]!.steps, [3]);
    assertEquals([second.again, second.faults, second.more], [false, 0, false]);
  }));

Deno.test("a log that a resumed run has cut is read again, also where it has grown past its old end", () =>
  inFolder(async (folder, log) => {
    const steps = [...Array(20).keys()];
    await append(log, steps.map((step) => line(step, 1)).join(""));
    const run = noCurves();
    const ask = async (): Promise<boolean> => {
      const chunk = await readMetricsChunk(folder, run.at);
      addChunk(run, chunk);
      return chunk.again;
    };
    assertEquals(await ask(), false);
    await Deno.writeTextFile(log, steps.slice(0, 5).map((step) => line(step, 1)).join(""));
    assertEquals(await ask(), true);
    const [curve] = run.curves.values();
    assertEquals(curve!.steps.length, 5);
    // Between two questions: cut to nothing, and written beyond.
    await Deno.writeTextFile(log, [...steps, 20, 21].map((step) => line(step, 2)).join(""));
    assertEquals(await ask(), true);
    const [again] = run.curves.values();
    assertEquals([again!.steps.length, again!.values[0]], [22, 2]);
    await Deno.remove(log);
    assertEquals([await ask(), run.curves.size], [true, 0]);
  }));

Deno.test("a hundred thousand lines come in pieces of bounded size, each line once", () =>
  inFolder(async (folder, log) => {
    const count = 100_000;
    await Deno.writeTextFile(
      log,
      Array.from({ length: count }, (_, step) => line(step, 1 / (step + 3))).join(""),
    );
    const run = noCurves();
    let [pieces, more] = [0, true];
    while (more) {
      const chunk = await readMetricsChunk(folder, run.at);
      assert(JSON.stringify(chunk).length < 2_000_000);
      addChunk(run, chunk);
      more = chunk.more;
      pieces++;
    }
    const [curve] = run.curves.values();
    assertEquals(curve!.steps.length, count);
    assert(curve!.steps.every((step, k) => step === k));
    assertEquals(curve!.values[1], 0.25);
    assert(pieces >= 3 && pieces < 10, `${pieces} pieces`);
  }));

Deno.test("lines that are no records are counted, and nothing holds the reader up", () =>
  inFolder(async (folder, log) => {
    const bad = ["{", "[]", "null", '{"arm":"a","phase":"p","step":1,"loss":1e999}', '{"step":1}'];
    await append(log, `${bad.join("\n")}\n${line(1, 0.5)}`);
    const { faults, groups } = await readMetricsChunk(folder);
    assertEquals([faults, groups.length], [bad.length, 1]);
    // A piece without any line break, longer than what is read at one time.
    await Deno.writeTextFile(log, `${"x".repeat(250)}\n${line(2, 0.5)}`);
    let [at, more, steps] = ["", true, 0];
    for (let k = 0; more && k < 20; k++) {
      const chunk = await readMetricsChunk(folder, at, { most: 100 });
      steps += chunk.groups.flatMap((group) => group.steps).length;
      ({ at, more } = chunk);
    }
    assertEquals([more, steps], [false, 1]);
  }));

Deno.test("names from a log cannot turn the direction of writing; links out of the folder are no logs", () =>
  inFolder(async (folder, log) => {
    await append(log, '{"arm":"a\u202e","phase":"p","step":1,"__proto__":2,"l\\u0007":3}\n');
    const { groups } = await readMetricsChunk(folder);
    assertEquals([groups[0]!.arm, groups[0]!.names.at(-1)], ["a\\u202e", "l\\u0007"]);
    assert(groups[0]!.names.includes("__proto__"));
    await Deno.mkdir(`${folder}/run`);
    await Deno.symlink(log, `${folder}/run/metrics.jsonl`);
    assertEquals((await readMetricsChunk(`${folder}/run`)).groups, []);
  }));
