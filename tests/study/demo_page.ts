/** The page of a simulated study with everything that a page can have. */
import { computeVerdict, type Verdict } from "../../src/study/verdict/verdict.ts";
import { studyPage } from "../../src/study/verdict/study_page.ts";
import type { StoredUnit } from "../../src/study/stored_unit.ts";
import { comparison, planWith, seeds, simulate } from "./simulate.ts";

const start = { steps: 100, samples: 9600, flops: 1e12, seconds: 50 };

/** Units with pretraining and alignment. */
function demoUnits(): StoredUnit[] {
  return simulate({ gain: 0.02, spread: 0.012, pace: 0.6 }, 5).map((stored) => {
    const { unit } = stored;
    if (unit.arm !== "meta") return stored;
    const curve = [0, 1, 2, 3].map((i) => ({
      step: 25 * i,
      alignmentRotation: 0.3 * Math.cos(i) + unit.seed / 100,
      contrastiveCosine: 0.1 * i - unit.seed / 50,
      correctionRatio: 2 + i,
      validationAccuracy: 0.3,
    }));
    const outcomes = unit.outcomes.map((outcome) => ({ ...outcome, before: start }));
    return {
      ...stored,
      unit: { ...unit, outcomes, phases: [{ phase: "pretrain", cost: start, curve }] },
    };
  });
}

/** The verdict on the simulated study, one arm of which is missing. */
export function demoVerdict(): { readonly verdict: Verdict; readonly units: StoredUnit[] } {
  const units = demoUnits();
  const plan = planWith({
    question: "Is <it> worth it?",
    targets: [{ name: "most", plateauOf: "supervised/fine-tune", share: 0.9 }],
    comparisons: [
      comparison({ kind: "non-inferiority", targets: ["most"], axes: ["steps"] }),
      comparison({
        family: "second",
        control: "joint/fine-tune",
        targets: ["most"],
        axes: ["flops"],
      }),
    ],
    checks: [{
      ...{ name: "off is off", candidate: "meta/fine-tune", control: "supervised/fine-tune" },
      tolerance: 0,
    }],
    seeds,
  });
  return { verdict: computeVerdict(plan, units), units };
}

/** Its page. */
export async function demoPage(): Promise<string> {
  const { verdict, units } = demoVerdict();
  return await studyPage(verdict, {
    units,
    provenance: {
      ...{ plan: "experiments/demo.verdict.yaml", planChanged: false },
      units: [{ commit: "c".repeat(40), units: units.length, planned: false }],
      warnings: ["40 units ran before the plan <was> committed."],
    },
    configurations: { "The plan": "a: <b>\n" },
  });
}
