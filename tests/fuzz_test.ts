/**
 * A fixed set of random programs on every engine, against the float64 reference. `deno task fuzz` runs
 * others, and as many as wanted.
 */
import { assert, assertEquals } from "@std/assert";
import { campaign, type CampaignResult } from "./fuzz/campaign.ts";
import type { EngineUnderTest } from "./fuzz/engines.ts";
import { failureText, tableText } from "./fuzz/report.ts";
import { withoutWebgpu } from "./webgpu.ts";

const PROGRAMS = 200;

/** Most elements that rounding decides: more would mean that the comparison asks for little. */
const MOST_AMBIGUOUS = 0.01;

function run(engine: EngineUnderTest): Promise<CampaignResult> {
  return campaign({
    seed: 7,
    first: 0,
    programs: PROGRAMS,
    engines: [engine],
    special: false,
    minimise: true,
  });
}

function assertRight(result: CampaignResult): void {
  const { failures, outcomes } = result;
  assertEquals(
    failures.length,
    0,
    `${failures.map(failureText).join("\n\n")}\n${tableText(result)}`,
  );
  assertEquals(outcomes.length, PROGRAMS);
  const sum = (of: "elements" | "ambiguous"): number =>
    outcomes.reduce((total, { verdict }) => total + verdict[of], 0);
  assert(sum("elements") > 100 * PROGRAMS, `only ${sum("elements")} elements were compared`);
  const share = sum("ambiguous") / sum("elements");
  assert(share < MOST_AMBIGUOUS, `of ${100 * share} % of the elements nothing was asked`);
}

Deno.test(`${PROGRAMS} random programs on TensorFlow.js agree with the reference`, async () => {
  assertRight(await run("tfjs"));
});

Deno.test({
  name: `${PROGRAMS} random programs on WebGPU agree with the reference`,
  ignore: withoutWebgpu,
  fn: async () => assertRight(await run("webgpu")),
});
