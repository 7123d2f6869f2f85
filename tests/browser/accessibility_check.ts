/**
 * The pages that the toolkit writes, seen by axe in headless Chromium: part of `deno task test:browser`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { learningCurveSvg } from "../../src/report/chart.ts";
import { renderReport } from "../../src/report/mod.ts";
import { demoPage } from "../study/demo_page.ts";
import type { PageFault } from "./accessibility_page.ts";
import { findChromium, runInChromium } from "./chromium.ts";

/** The report of one run. */
async function runReport(): Promise<string> {
  return renderReport({
    title: "cifar-maml, seed 0",
    summary: ["One seed."],
    notices: [{ kind: "warning", text: "Synthetic." }, { kind: "info", text: "Software." }],
    facts: { engine: "webgpu", "a-long-name-of-a-fact-without-any-space-in-it": "x".repeat(200) },
    arms: [{
      ...{
        name: "meta",
        description: "meta-trained",
        steps: 5,
        samples: 5,
        flops: 2e12,
        seconds: 3,
      },
      ...{ validationAccuracy: 0.5, testAccuracy: 0.51, testImages: 1000 },
    }],
    charts: [{
      title: "Accuracy",
      caption: "Rises.",
      svg: await learningCurveSvg({
        series: [{ name: "meta", points: [{ x: 0, y: 0.1 }, { x: 1, y: 0.5 }] }],
        xLabel: "steps",
        yLabel: "accuracy",
        description: "It rises.",
      }),
    }],
    configuration: `steps: ${"9".repeat(300)}\n`,
  });
}

/** Runs pages through axe. */
async function faultsOf(
  pages: Readonly<Record<string, string>>,
): Promise<{ readonly rules: number; readonly faults: readonly PageFault[] }> {
  const chromium = await findChromium();
  assert(
    chromium !== undefined,
    "Cannot test pages: found no Chromium, expected one. Install it (on Debian and Ubuntu " +
      "`apt-get install chromium`), or set CHROMIUM to its command.",
  );
  const folder = await Deno.makeTempDir();
  try {
    const source = JSON.stringify(import.meta.resolve("./accessibility_page.ts"));
    const script = `import { checkPages } from ${source};\nawait checkPages(${
      JSON.stringify(pages)
    });`;
    await Deno.writeTextFile(`${folder}/page.ts`, script);
    const page = new URL(`file://${folder}/page.ts`);
    return await runInChromium(chromium.command, page, { timeout: 120_000 }) as {
      rules: number;
      faults: PageFault[];
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("axe finds no fault in the pages of a run and of a study, on a phone and on a desk", async () => {
  const study = await demoPage();
  const { rules, faults } = await faultsOf({
    run: await runReport(),
    study,
    "study, all open": study.replaceAll("<details>", "<details open>"),
  });
  assertEquals(faults, []);
  assert(rules > 60, `only ${rules} rules held`);
});

Deno.test("the check finds faults of pages that have some", async () => {
  const report = await runReport();
  const { faults } = await faultsOf({
    "no language": report.replace(' lang="en"', ""),
    "pale text": report.replace("--soft: #57606a", "--soft: #c0c0c0"),
    wide: report.replace("<h1>", '<h1 style="width: 3000px">'),
  });
  const found = faults.map(({ where, fault }) => `${where}: ${fault}`).join("\n");
  for (const text of ["html-has-lang", "color-contrast", "it is 30"]) {
    assert(found.includes(text), `${text}\n${found}`);
  }
});
