/** The page of watched runs in headless Chromium: part of `deno task test:browser`. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import axe from "axe-core";
import { watchHandler } from "../../src/watch/watch_handler.ts";
import { makeRun, metricsLine } from "../watch/watch_folder.ts";
import { findChromium } from "./chromium.ts";
import { Tab } from "./tab.ts";

/** Milliseconds for what is asked for every second. */
const PATIENCE = 20_000;

const chromium = await findChromium();
assert(
  chromium !== undefined,
  "Cannot test pages: found no Chromium, expected one. Install it (on Debian and Ubuntu " +
    "`apt-get install chromium`), or set CHROMIUM to its command.",
);
const { command } = chromium;

const LOSS = "document.querySelector('#chart-loss')";
const lines = `${LOSS}.querySelectorAll('path, svg > circle').length`;
const steps = `Number(${LOSS}.querySelector('.plot').getAttribute('aria-valuemax'))`;

Deno.test("on a phone a curve grows with its log, two runs are overlaid, and all of it is accessible", async () => {
  const root = await Deno.makeTempDir();
  try {
    const [old, now] = [`${root}/a<b>old</b>`, `${root}/now`];
    await makeRun(old, { date: "2026-01-01T00:00:00Z", status: { state: "finished" } });
    await makeRun(now, { date: "2026-01-02T00:00:00Z", status: { state: "finished" } });
    // A run that is worked on: its page asks for what is new.
    using lock = await Deno.open(`${now}/run.lock`, { write: true, create: true });
    await lock.lock(true);
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      watchHandler([root]),
    );
    await using tab = await Tab.open({ command, width: 390, height: 900 });
    await tab.visit(`http://127.0.0.1:${server.addr.port}/`);

    await tab.until(`${LOSS} && ${steps} === 3 && ${lines} === 1`, PATIENCE);
    const more = [4, 5, 6, 7].map((step) => metricsLine(step)).join("");
    await Deno.writeTextFile(`${now}/metrics.jsonl`, more + '{"arm":"me', { append: true });
    await tab.until(`${steps} === 7`, PATIENCE);
    // The log is cut, as by a resumed run, and begins anew.
    await Deno.writeTextFile(`${now}/metrics.jsonl`, metricsLine(1, 5) + metricsLine(2, 5));
    await tab.until(`${steps} === 2`, PATIENCE);

    await tab.evaluate("document.querySelector('#menu summary').click()");
    await tab.evaluate("document.querySelectorAll('#runs input')[1].click()");
    await tab.until(`${lines} === 2 && ${steps} === 3`, PATIENCE);
    const legend =
      "[...document.querySelectorAll('#legend button')].map((b) => b.innerText.trim())";
    assertEquals(await tab.evaluate(legend), ["now", "a<b>old</b>"]);
    // Values are read by the keyboard.
    await tab.evaluate(`${LOSS}.querySelector('.plot').focus()`);
    const key = "new KeyboardEvent('keydown', { key: 'Home', cancelable: true })";
    await tab.evaluate(`${LOSS}.querySelector('.plot').dispatchEvent(${key})`);
    const told = String(
      await tab.evaluate(`${LOSS}.querySelector('.plot').getAttribute('aria-valuetext')`),
    );
    assertMatch(told, /^steps 1: now 2\.5, a<b>old<\/b> 0\.5$/);
    await tab.evaluate("document.querySelector('#legend button').click()");
    await tab.until(`${lines} === 1`, PATIENCE);

    const overflow = "document.documentElement.scrollWidth - innerWidth";
    assert(Number(await tab.evaluate(overflow)) <= 0, "it scrolls sideways");
    await tab.evaluate(axe.source);
    const violations =
      "axe.run().then((r) => r.violations.map((v) => v.id + ': ' + v.help + ' ' + " +
      "v.nodes[0].html.slice(0, 200)))";
    assertEquals(await tab.evaluate(violations), []);
    assertEquals(tab.faults, []);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
