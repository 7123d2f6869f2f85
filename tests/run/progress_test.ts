import { assert, assertEquals } from "@std/assert";
import { formatSeconds } from "../../src/run/duration.ts";
import { Progress, type ProgressOutput } from "../../src/run/progress.ts";

/** A progress line with a clock in the hand of the test. */
function rig(options: Partial<ProgressOutput> = {}) {
  const written: string[] = [];
  const clock = { time: 1000 };
  const progress = new Progress({
    write: (text) => written.push(text),
    terminal: true,
    color: false,
    columns: () => 60,
    now: () => clock.time,
    ...options,
  });
  return { progress, written, clock };
}

Deno.test("Progress rewrites one line of a terminal at most ten times a second", () => {
  const { progress, written, clock } = rig();
  progress.begin({ label: "meta", total: 1000 });
  for (let step = 1; step <= 1000; step++) {
    clock.time += 5;
    progress.update(step, { loss: 1 / step });
  }
  assertEquals(written.length, 50);
  for (const text of written) {
    assert(text.startsWith("\r") && text.endsWith("\x1b[K") && !text.includes("\n"));
    assert(text.length <= 60 + 4);
  }
  assertEquals(
    written.at(-1),
    "\rmeta  981/1000  98%  loss 0.001019  200.0 steps/s  0s left\x1b[K",
  );
  progress.end();
  assertEquals(written.at(-1), "\n");
  assertEquals(written.at(-2), "\rmeta  1000/1000  100%  loss 0.001000  200.0 steps/s\x1b[K");
});

Deno.test("Progress writes a plain line every ten seconds elsewhere, and the last state", () => {
  const { progress, written, clock } = rig({ terminal: false, columns: () => 0 });
  progress.begin({ label: "meta", total: 50 });
  for (let step = 1; step <= 50; step++) {
    clock.time += 500;
    progress.update(step, { outer: 2.302585, inner: 12345678 });
  }
  progress.end();
  progress.end();
  assertEquals(written, [
    "meta 20/50 40% outer 2.303 inner 1.23e+7 2.0 steps/s 15s left\n",
    "meta 40/50 80% outer 2.303 inner 1.23e+7 2.0 steps/s 5s left\n",
    "meta 50/50 100% outer 2.303 inner 1.23e+7 2.0 steps/s\n",
  ]);
});

Deno.test("Progress survives a terminal of 0, 1 and few columns", () => {
  for (const columns of [0, 1, 2, 8, 20]) {
    const { progress, written, clock } = rig({ columns: () => columns });
    progress.begin({ label: "supervised", total: 10 });
    clock.time += 1000;
    progress.update(5, { loss: 1, accuracy: 0.5, "a long name of a metric": 0.25 });
    progress.end();
    for (const text of written) {
      const visible = text.replace("\x1b[K", "").trim();
      assert(visible.length <= (columns || 80) - 1, `${columns}: "${visible}"`);
    }
  }
});

Deno.test("Progress uses colour only where it is welcome", () => {
  for (const color of [false, true]) {
    const { progress, written, clock } = rig({ color });
    progress.begin({ label: "meta", total: 10 });
    clock.time += 1000;
    progress.update(1);
    assertEquals(written.join("").includes("\x1b[36mmeta\x1b[39m"), color);
    assertEquals(written.join("").replace("\x1b[K", "").includes("\x1b"), color);
  }
});

Deno.test("Progress.log() prints above the live line and keeps it", () => {
  const { progress, written, clock } = rig();
  progress.log("before");
  progress.begin({ label: "meta", total: 10 });
  clock.time += 1000;
  progress.update(5);
  progress.log("between");
  assertEquals(written[0], "before\n");
  const line = "meta  5/10  50%  5.0 steps/s  1s left";
  assertEquals(written.slice(1), [`\r${line}\x1b[K`, "\r\x1b[K", "between\n", line]);
  progress.end();
  progress.log("after");
  assertEquals(written.at(-1), "after\n");
});

Deno.test("Progress of a resumed run measures its own rate", () => {
  const { progress, written, clock } = rig({ terminal: false });
  progress.begin({ label: "meta", total: 1000, done: 900 });
  clock.time += 10_000;
  progress.update(905);
  assertEquals(written, ["meta 905/1000 90% 2.0 s/step 3m10s left\n"]);
});

Deno.test("Progress follows a rate that changes", () => {
  const { progress, written, clock } = rig({ terminal: false });
  progress.begin({ label: "meta", total: 10_000 });
  let step = 0;
  for (let i = 0; i < 100; i++) {
    clock.time += 1000;
    progress.update(step += 10);
  }
  for (let i = 0; i < 60; i++) {
    clock.time += 1000;
    progress.update(step += 1);
  }
  assertEquals(written.at(-1), "meta 1060/10000 10% 1.0 steps/s 2h29m left\n");
});

Deno.test("formatSeconds() writes durations for people", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [59.4, "59s"],
    [59.6, "1m00s"],
    [185, "3m05s"],
    [3599.9, "1h00m"],
    [7620, "2h07m"],
    [273_600, "3d04h"],
  ];
  for (const [seconds, text] of cases) assertEquals(formatSeconds(seconds), text);
});

Deno.test("Progress.note() says what goes on before the first step, when it is time", () => {
  const { progress, written, clock } = rig();
  for (let k = 1; k <= 50; k++) {
    clock.time += 10;
    progress.note(`compiling: ${k} of 50 kernels`);
  }
  assertEquals(written.length, 5);
  assertEquals(written[1], "\rcompiling: 11 of 50 kernels\x1b[K");
  progress.log("a line");
  assertEquals(written.slice(5), ["\r\x1b[K", "a line\n", "compiling: 41 of 50 kernels"]);
  // Nothing is left of it where no stage follows.
  progress.end();
  assertEquals(written.at(-1), "\r\x1b[K");

  const plain = rig({ terminal: false });
  plain.clock.time = 9_000;
  plain.progress.note("compiling: 1 of 50 kernels");
  plain.clock.time = 11_000;
  plain.progress.note("compiling: 2 of 50 kernels");
  plain.clock.time = 12_000;
  plain.progress.note("compiling: 3 of 50 kernels");
  assertEquals(plain.written, ["compiling: 2 of 50 kernels\n"]);
});

Deno.test("a step that compiled tells nothing of the time that is left", () => {
  const { progress, written, clock } = rig();
  progress.begin({ label: "meta", total: 200 });
  progress.note("compiling metaStep");
  assertEquals(written, ["\rcompiling metaStep\x1b[K"]);
  // The first step takes 20 seconds, the others one each.
  clock.time += 20_000;
  progress.update(1);
  assertEquals(written.at(-1), "\rmeta  1/200  0%\x1b[K");
  clock.time += 1000;
  progress.update(2);
  assertEquals(written.at(-1), "\rmeta  2/200  1%  1.0 steps/s  3m18s left\x1b[K");
  // Another program is compiled later, as before the first evaluation.
  progress.note("compiling evaluate");
  clock.time += 30_000;
  progress.update(3);
  assertEquals(written.at(-1), "\rmeta  3/200  1%\x1b[K");
  clock.time += 2000;
  progress.update(4);
  assertEquals(written.at(-1), "\rmeta  4/200  2%  2.0 s/step  6m32s left\x1b[K");
});
