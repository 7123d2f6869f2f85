/** What notebooks show, and the example notebook. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { hostArray } from "../../src/ir/host_array.ts";
import { DISPLAY, type MimeBundle, show, type Showable, showRun } from "../../src/notebook/mod.ts";
import { MetricsLog } from "../../src/run/metrics_log.ts";
import { pictureGrid } from "../../src/report/picture_grid.ts";
import { openEngine } from "../../src/engine/open_engine.ts";
import { computeVerdict } from "../../src/study/verdict/verdict.ts";
import { demoVerdict } from "../study/demo_page.ts";
import { comparison, planWith } from "../study/simulate.ts";
import { webgpuTest } from "../webgpu.ts";
import { runNotebook, withLastShown } from "./run_notebook.ts";

const formsOf = (value: Showable): Promise<MimeBundle> => show(value)[DISPLAY]!();

webgpuTest("the example notebook runs from top to bottom, and every kind is shown", async () => {
  const path = new URL("../../examples/notebooks/first_meta_gradient.ipynb", import.meta.url);
  const [engine, program, chart, table, end] = await runNotebook(path);
  assertMatch(engine!["text/plain"]!, /webgpu on /);
  assertMatch(
    program!["text/plain"]!,
    /^\d+ nodes, .* FLOP, results f32\[20\], f32\[1, 20\], f32\[20, 1\]\n/,
  );
  assertMatch(program!["text/html"]!, /matmul/);
  assertMatch(chart!["image/svg+xml"]!, /^<svg /);
  const [, from, to] = /falls from ([\d.]+) to ([\d.]+)\./.exec(chart!["text/plain"]!)!;
  assert(Number(to) < 0.7 * Number(from), `${from} to ${to}`);
  assertMatch(table!["text/html"]!, /f32\[1, 20\], its first 1 of 1 rows and 12 of 20 columns/);
  assertEquals(end, undefined);
});

Deno.test("a cell's last expression is shown, its last statement is not", () => {
  assertEquals(
    withLastShown("const x = 1;\nf({\n  x,\n});\n"),
    "const x = 1;\nshown.push(f({\n  x,\n}));",
  );
  assertEquals(withLastShown("f();\nfor (;;) {\n}"), "f();\nfor (;;) {\n}\nshown.push(undefined);");
});

Deno.test("arrays are tables with colours, images are pictures", async () => {
  const { "text/plain": plain, "text/html": html } = await formsOf(hostArray([[1, -2], [3, 4]]));
  assertMatch(plain!, /f32\[2, 2\]/);
  assertMatch(html!, /rgba\(214, 72, 54, 0\.275\)">-2<.*rgba\(59, 130, 196, 0\.550\)">4</s);
  const images = hostArray(new Float32Array(2 * 4 * 4 * 3).fill(0.5), [2, 4, 4, 3]);
  const png = Uint8Array.fromBase64((await formsOf(images))["image/png"]!);
  assertEquals([...png.subarray(1, 4)], [80, 78, 71]);
  // The same extents with other numbers are no images.
  const weights = hostArray(new Float32Array(2 * 4 * 4 * 3).fill(-0.5), [2, 4, 4, 3]);
  assertEquals(Object.keys(await formsOf(weights)), ["text/plain", "text/html"]);
  for (const empty of [hostArray([], [0, 3]), hostArray(7)]) {
    assert("text/html" in await formsOf(empty));
  }
});

Deno.test("a verdict shows its tests of accuracy, and what is concluded", async () => {
  const { verdict } = demoVerdict();
  const forms = await formsOf(verdict);
  const [cell] = verdict.families.flatMap(({ cells }) => cells)
    .filter(({ measure, measured }) => measure === "accuracy" && measured !== undefined);
  const points = (100 * cell!.measured!.interval!.estimate).toFixed(2);
  for (const form of ["text/plain", "text/html"]) {
    assertMatch(forms[form]!, new RegExp(`${verdict.plan.study}: `));
    assertMatch(forms[form]!, /Holm p/);
    assert(forms[form]!.includes(`${points.startsWith("-") ? "" : "+"}${points} [`), points);
    assertMatch(forms[form]!, /accuracy and time together/);
  }
  assertEquals(forms["text/html"]!.match(/<table>/g)?.length, 2);
  // A verdict of superiority alone concludes nothing of both, and is not empty.
  const plan = planWith({ comparisons: [comparison({})] });
  const empty = await formsOf(computeVerdict(plan, []));
  assertMatch(empty["text/html"]!, /<td>meta/);
  assertEquals(empty["text/html"]!.match(/<table>/g)?.length, 1);
});

Deno.test("a profile shows its dispatches as text that keeps its columns", async () => {
  const forms = await formsOf({
    name: "a <b>",
    adapter: "some GPU",
    dispatches: [{
      ...{ label: "matmul 4x4", kernel: "matmul", wgsl: "", workgroups: [1, 1, 1] },
      ...{ flops: 128, bytes: 192, nanoseconds: 2000 },
      memory: { inputs: 128, constants: 0, temporaries: 0, results: 64 },
    }],
    ...{ hostSteps: 0, flops: 128, prepared: 1 },
  });
  assertMatch(forms["text/plain"]!, /^a <b> on some GPU/);
  assertMatch(forms["text/plain"]!, /matmul 4x4/);
  assertMatch(forms["text/html"]!, /^<pre style="[^"]*white-space: pre">a &lt;b&gt; on/);
});

Deno.test("an engine, parameters and records are tables", async () => {
  using engine = await openEngine("reference");
  const { "text/plain": card } = await formsOf(engine);
  assertMatch(card!, /^engine reference on /);
  assertMatch(card!, /taken because +asked for/);
  const params = { conv: { weight: hostArray([[1, 3], [5, 7]]) }, steps: [hostArray(2)] };
  const { "text/plain": tree } = await formsOf(params);
  assertMatch(tree!, /^2 arrays, 5 numbers\n/);
  assertMatch(tree!, /conv\.weight +f32 +2 x 2 +4 +2\.236 +1 +7\n/);
  assertMatch(tree!, /steps\.0 +f32 +scalar +2 +0 +2 +2/);
  const { "text/html": rows } = await formsOf([{ arm: "<meta>", loss: 1 / 3 }, { loss: 2, at: 5 }]);
  assertMatch(rows!, /<caption>2 rows<.*<th>arm<.*<th>at<.*<td>&lt;meta&gt;<.*<td>0\.3333</);
});

Deno.test("an array whose numbers do not fit is refused when it is given", () => {
  const right = hostArray([[1, 2], [3, 4]]);
  const wrong: [object, string][] = [
    [{ ...right, shape: [2, 3] }, "found a Float32Array of 4 as the data of f32[2, 3]"],
    [{ ...right, shape: null }, "found the shape null"],
    [{ ...right, dtype: "float32" }, "found the type the text 'float32'"],
    [{ ...right, data: [1, 2, 3, 4] }, "found an array of 4 as the data of f32[2, 2]"],
    [{ w: { ...right, data: Promise.resolve() } }, "an array at 'w': found a promise"],
  ];
  for (const [given, says] of wrong) assertThrows(() => show(given as never), TypeError, says);
  for (const other of [{}, [], [1], "text", { w: 3 }, { w: right, b: null }]) {
    assertThrows(() => show(other as never), TypeError, "expected a program, an array on the host");
  }
});

Deno.test("grids of pictures are PNG files", async () => {
  const rows = { input: { shape: [1, 2, 2, 1], data: [0, 1, 0, 1] } };
  const forms = await formsOf(pictureGrid({ title: "t", rows, cell: 32 }));
  assertEquals(Object.keys(forms), ["text/plain", "image/png"]);
});

Deno.test("a run is shown by its log; texts of files are escaped; a missing metric is named", async () => {
  const folder = await Deno.makeTempDir();
  try {
    {
      using log = MetricsLog.open(folder);
      for (const step of [1, 2, 3]) log.write({ arm: "m", phase: "p", step, "l<oss": 1 / step });
    }
    const forms = await showRun(folder, { metric: "l<oss" })[DISPLAY]!();
    assertMatch(forms["image/svg+xml"]!, /l&lt;oss/);
    const missing = () => showRun(folder, { metric: "l<os" })[DISPLAY]!();
    await assertRejects(missing, RangeError, 'Did you mean "l<oss"?');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what cannot be shown is refused with a way out", () => {
  assertThrows(() => show({ shape: [2] } as never), TypeError, "Read values of an engine first");
  assertThrows(
    () => show(undefined as never),
    TypeError,
    "Cannot show undefined: expected a program",
  );
});
