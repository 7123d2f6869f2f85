/**
 * Kernels and generated code on a second implementation of WebGPU: `deno task test:browser:kernels`.
 *
 * Runs the self-check, every primitive to second order, a whole meta-gradient and random programs in headless
 * Chromium, on its software adapter. It takes a minute and more, so `deno task test` leaves it out.
 *
 * @module
 */
import { assert } from "@std/assert";
import { findChromium, runInChromium } from "./chromium.ts";
import type { PageReport } from "./page_report.ts";

/** Milliseconds after which the page is given up; software adapters compile slowly. */
const TIMEOUT = 300_000;

Deno.test("kernels and compiled programs agree with the reference in Chromium", async (t) => {
  const chromium = await findChromium();
  assert(
    chromium !== undefined,
    "Cannot test in a browser: found no Chromium, expected one. Install it (on Debian and Ubuntu " +
      "`apt-get install chromium`), or set CHROMIUM to its command.",
  );
  const page = new URL("self_check_page.ts", import.meta.url);
  const report = await runInChromium(chromium.command, page, { timeout: TIMEOUT }) as PageReport;
  console.log(`${chromium.version}, ${report.adapter}`);
  assert(report.checks.length > 50, `the page made only ${report.checks.length} checks`);
  for (const { name, right, found } of report.checks) {
    await t.step(`${name}: ${found}`, () => assert(right, found));
  }
});
