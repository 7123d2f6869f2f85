/**
 * A fixed set of random programs on every engine, against the float64 reference. `deno task fuzz` runs
 * others, and as many as wanted.
 */
import { assert, assertEquals } from "@std/assert";
import { campaign, type CampaignResult } from "./campaign.ts";
import type { EngineUnderTest } from "./engines.ts";
import { failureText, tableText } from "./report.ts";
import { draws } from "../again.ts";
import { withoutWebgpu } from "../webgpu.ts";

const PROGRAMS = draws(200);

/** Programs of inputs that are not finite. */
const SPECIAL_PROGRAMS = draws(50);

/** Most elements that rounding decides: more would mean that the comparison asks for little. */
const MOST_AMBIGUOUS = 0.02;

function run(engine: EngineUnderTest): Promise<CampaignResult> {
  const shared = { seed: 12, first: 0, engines: [engine], minimise: true };
  return campaign({ ...shared, programs: PROGRAMS, special: false });
}

function runSpecial(engine: EngineUnderTest): Promise<CampaignResult> {
  const shared = { seed: 14, first: 0, engines: [engine], minimise: true };
  return campaign({ ...shared, programs: SPECIAL_PROGRAMS, special: true, mode: "out" });
}

function assertRight(result: CampaignResult, programs = PROGRAMS): void {
  const { failures, outcomes } = result;
  assertEquals(
    failures.length,
    0,
    `${failures.map(failureText).join("\n\n")}\n${tableText(result)}`,
  );
  assertEquals(outcomes.length, programs);
  const sum = (of: "elements" | "ambiguous"): number =>
    outcomes.reduce((total, { verdict }) => total + verdict[of], 0);
  assert(sum("elements") > 100 * programs, `only ${sum("elements")} elements were compared`);
  const share = sum("ambiguous") / sum("elements");
  assert(share < MOST_AMBIGUOUS, `of ${100 * share} % of the elements nothing was asked`);
}

function assertNotFinite(result: CampaignResult): void {
  assertRight(result, SPECIAL_PROGRAMS);
  const special = result.outcomes.reduce((sum, { verdict }) => sum + verdict.special, 0);
  assert(special > 20 * SPECIAL_PROGRAMS, `only ${special} results are not finite`);
}

const NOT_FINITE = `${SPECIAL_PROGRAMS} programs of NaN and infinities`;

Deno.test(`${PROGRAMS} random programs on TensorFlow.js agree with the reference`, async () => {
  assertRight(await run("tfjs"));
});

Deno.test(`${NOT_FINITE} on TensorFlow.js agree with the reference`, async () => {
  assertNotFinite(await runSpecial("tfjs"));
});

Deno.test({
  name: `${PROGRAMS} random programs on WebGPU agree with the reference`,
  ignore: withoutWebgpu,
  fn: async () => assertRight(await run("webgpu")),
});

Deno.test({
  name: `${NOT_FINITE} on WebGPU agree with the reference`,
  ignore: withoutWebgpu,
  fn: async () => assertNotFinite(await runSpecial("webgpu")),
});
