/** The demo page in headless Chromium, as on a phone and without WebGPU: part of `deno task test:browser`. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import axe from "axe-core";
import { build, serve } from "../../examples/browser/serve.ts";
import { findChromium, WEBGPU } from "./chromium.ts";
import { Tab } from "./tab.ts";

/** Milliseconds for what compiles: software adapters are slow. */
const PATIENCE = 60_000;

const chromium = await findChromium();
assert(
  chromium !== undefined,
  "Cannot test pages: found no Chromium, expected one. Install it (on Debian and Ubuntu " +
    "`apt-get install chromium`), or set CHROMIUM to its command.",
);
const { command } = chromium;
const folder = await Deno.makeTempDir();
await build(folder);

/** Opens the demo in a tab and waits for its engine. */
async function withDemo(
  { query = "", flags, width }: {
    readonly query?: string;
    readonly flags: readonly string[];
    readonly width: number;
  },
  use: (tab: Tab) => Promise<void>,
): Promise<void> {
  await using server = serve(folder, 0);
  await using tab = await Tab.open({ command, flags, width, height: 900 });
  await tab.visit(`http://127.0.0.1:${server.addr.port}/${query}`);
  await tab.until("!document.querySelector('#train').disabled", PATIENCE);
  await use(tab);
  assertEquals(tab.faults, []);
}

const textOf = async (tab: Tab, selector: string): Promise<string> =>
  String(await tab.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`));
const press = (tab: Tab, id: string): Promise<unknown> =>
  tab.evaluate(`document.querySelector('#${id}').click()`);

/** Trains for some steps and pauses. */
async function train(tab: Tab, steps: number): Promise<void> {
  await press(tab, "train");
  await tab.until(`Number(document.querySelector('#step').textContent) >= ${steps}`, PATIENCE);
  await press(tab, "train");
}

/** Draws three signs, each twice, and the second one again; then asks. */
async function drawAndTell(tab: Tab): Promise<void> {
  const signs = [
    [[0.2, 0.2], [0.8, 0.8]],
    [[0.2, 0.8], [0.5, 0.15], [0.8, 0.8]],
    [[0.15, 0.2], [0.85, 0.2], [0.85, 0.8], [0.15, 0.8]],
  ] as const;
  await tab.evaluate("[...document.querySelectorAll('canvas')].forEach((c, k) => c.id = `b${k}`)");
  for (const [k, sign] of [0, 0, 1, 1, 2, 2, 1].entries()) {
    const by = 0.03 * (k % 3 - 1);
    await tab.draw(`#b${k}`, signs[sign]!.map(([x, y]) => [x + by, y + by] as const));
  }
  await press(tab, "tell");
  await tab.until("document.querySelector('#answer').textContent.includes(' is sign ')", PATIENCE);
}

Deno.test("on a phone with WebGPU the page learns, and tells what a visitor has drawn", async () => {
  await withDemo({ flags: WEBGPU, width: 390 }, async (tab) => {
    assertMatch(await textOf(tab, "#engine"), /^Engine: webgpu on .+/);
    await train(tab, 40);
    const accuracy = Number.parseInt(await textOf(tab, "#accuracy"));
    assert(accuracy >= 70, `told ${accuracy} % rightly, where chance is 33 %`);
    assertMatch(await textOf(tab, "#time"), /^\d+ ms$/);
    await drawAndTell(tab);
    assertMatch(await textOf(tab, "#answer"), /is sign B, by \d+ %/);
    const share = async (row: string): Promise<number> =>
      Number.parseInt(await textOf(tab, `#${row} td:nth-of-type(2)`));
    assert(await share("after") > await share("before"), await textOf(tab, "table"));

    const overflow = "document.documentElement.scrollWidth - innerWidth";
    assertEquals(await tab.evaluate(overflow), 0);
    await tab.evaluate(axe.source);
    const violations = "axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.help))";
    assertEquals(await tab.evaluate(violations), []);
  });
});

Deno.test("without WebGPU the page takes TensorFlow.js on wasm from its own path, and pictures", async () => {
  await withDemo({ flags: ["--disable-features=WebGPU"], width: 1200 }, async (tab) => {
    assertMatch(await textOf(tab, "#engine"), /^Engine: tfjs on TensorFlow\.js .* wasm/);
    await tab.evaluate(`(async () => {
      const canvas = new OffscreenCanvas(40, 30);
      canvas.getContext("2d").fillRect(5, 5, 20, 10);
      const files = new DataTransfer();
      for (const type of ["image/png", "image/jpeg", "image/webp"]) {
        files.items.add(new File([await canvas.convertToBlob({ type })], type));
      }
      files.items.add(new File(["no picture"], "letter.txt"));
      const event = new DragEvent("drop", { dataTransfer: files, cancelable: true });
      document.querySelector("#drop").dispatchEvent(event);
    })()`);
    await tab.until("document.querySelector('#added').textContent !== ''", PATIENCE);
    const added = await textOf(tab, "#added");
    assertMatch(
      added,
      /^53 signs to train on\. Refused: letter\.txt: Cannot decode an image of 10/,
    );
    await train(tab, 3);
    assert(Number.isFinite(Number(await textOf(tab, "#loss"))));
  });
});

Deno.test("the reference engine trains in a page, too", async () => {
  await withDemo({ query: "?engine=reference", flags: [], width: 800 }, async (tab) => {
    assertMatch(await textOf(tab, "#engine"), /^Engine: reference on float64/);
    await train(tab, 2);
    assert(Number.isFinite(Number(await textOf(tab, "#loss"))));
  });
});

Deno.test("nothing is left of the demo", async () =>
  await Deno.remove(folder, { recursive: true }));
