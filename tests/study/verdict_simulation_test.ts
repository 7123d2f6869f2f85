import { assert, assertEquals } from "@std/assert";
import { draws } from "../again.ts";
import { computeVerdict } from "../../src/study/verdict/verdict.ts";
import type { CellOutcome } from "../../src/study/verdict/verdict_rules.ts";
import {
  comparison,
  normal,
  planWith,
  regimes,
  rising,
  seeds,
  simulate,
  type Truth,
  unit,
} from "./simulate.ts";

const simulations = draws(1000);

/** Three tests in each of two regimes: accuracy and two axes. */
const plan = planWith({
  targets: [{ name: "half", accuracy: 0.5 }],
  comparisons: [comparison({ targets: ["half"], axes: ["steps", "flops"] })],
});

/** Share of families, of one regime each, in which some test has one of some outcomes. */
function shareWith(
  truth: Truth,
  { outcomes, of = plan }: { readonly outcomes: readonly CellOutcome[]; readonly of?: typeof plan },
): number {
  let count = 0;
  for (let seed = 0; seed < simulations; seed++) {
    const { families } = computeVerdict(of, simulate(truth, seed));
    assertEquals(families.map(({ regime }) => regime), regimes);
    for (const { cells } of families) {
      if (cells.some((cell) => outcomes.includes(cell.outcome))) count++;
    }
  }
  return count / (simulations * regimes.length);
}

const accuracyOnly = planWith({ comparisons: [comparison()] });
const notWorse = planWith({ comparisons: [comparison({ kind: "non-inferiority" })] });

Deno.test("computeVerdict() claims a difference in at most 5% of studies without one", () => {
  const wrong = shareWith({ gain: 0, spread: 0.015, pace: 1 }, { outcomes: ["win", "loss"] });
  console.log(
    `no effect, ${simulations} studies, 3 tests in each of 2 regimes: wrong claims in ${
      100 * wrong
    }%`,
  );
  assert(wrong <= 0.05, `${wrong}`);
  // A procedure that never claims anything would pass too: the correction is not that timid.
  assert(wrong > 0.005, `${wrong}`);
});

Deno.test("computeVerdict() calls arms that differ by the margin equal, or not worse, in at most 5%", () => {
  const truth = { gain: 0.01, spread: 0.01, pace: 1 };
  const tie = shareWith(truth, { outcomes: ["tie"], of: accuracyOnly });
  const worse = { gain: -0.01, spread: 0.01, pace: 1 };
  const win = shareWith(worse, { outcomes: ["win"], of: notWorse });
  console.log(`at the margin: wrong ties in ${100 * tie}%, wrong "not worse" in ${100 * win}%`);
  assert(tie <= 0.05, `${tie}`);
  assert(win <= 0.05, `${win}`);
  assert(tie > 0.005 && win > 0.005, `${tie} ${win}`);
});

Deno.test("computeVerdict() claims no difference in times of which half are censored, in at most 5%", () => {
  // The time of half of the units is beyond their budget, which differs from arm to arm.
  let [wrong, censored, all] = [0, 0, 0];
  const timeOnly = planWith({
    targets: plan.targets,
    comparisons: [comparison({ accuracy: false, targets: ["half"], axes: ["steps", "flops"] })],
  });
  for (let seed = 0; seed < simulations; seed++) {
    const draw = normal(seed);
    const units = regimes.flatMap((regime) =>
      seeds.flatMap((number) =>
        ["supervised", "meta"].map((arm) => {
          const at = Math.round(Math.max(2, 20 + 8 * draw()));
          const length = arm === "meta" ? 24 : 20;
          return unit({ arm, seed: number, regime, curve: rising({ top: 0.6, at, length }) });
        })
      )
    );
    for (const { cells } of computeVerdict(timeOnly, units).families) {
      if (cells.some(({ outcome }) => outcome === "win" || outcome === "loss")) wrong++;
      for (const { measured } of cells) {
        all += 20;
        censored += 20 - measured!.time!.reached.candidate - measured!.time!.reached.control;
      }
    }
  }
  console.log(
    `no effect, ${(100 * censored / all).toFixed(0)}% censored: wrong claims in ${
      100 * wrong / simulations
    }%`,
  );
  assert(censored / all > 0.3 && censored / all < 0.7, String(censored / all));
  assert(wrong / (simulations * regimes.length) <= 0.05, String(wrong));
  assert(wrong > 0, String(wrong));
});

Deno.test("computeVerdict() sees 2 points with 10 seeds: its power", () => {
  for (const spread of [0.01, 0.015, 0.02, 0.03]) {
    let [wins, losses, cells] = [0, 0, 0];
    for (let seed = 0; seed < 300; seed++) {
      const units = simulate({ gain: 0.02, spread, pace: 1 }, seed);
      const { families } = computeVerdict(accuracyOnly, units);
      for (const cell of families.flatMap((family) => family.cells)) {
        cells++;
        if (cell.outcome === "win") wins++;
        if (cell.outcome === "loss") losses++;
      }
    }
    console.log(
      `2 points, 10 seeds, 1 test a regime, differences spread by ${100 * spread} points: power ${
        (100 * wins / cells).toFixed(0)
      }%`,
    );
    assertEquals(losses, 0);
    assert(spread > 0.015 || wins / cells > 0.8, `${wins} of ${cells}`);
    assert(spread < 0.03 || wins / cells < 0.8, `${wins} of ${cells}`);
  }
});

Deno.test("computeVerdict() sees that an arm takes half of the time", () => {
  const truth = { gain: 0, spread: 0.015, pace: 0.5 };
  const timeOnly = planWith({
    targets: plan.targets,
    comparisons: [comparison({ accuracy: false, targets: ["half"], axes: ["steps"] })],
  });
  assertEquals(shareWith(truth, { outcomes: ["loss", "tie"], of: timeOnly }), 0);
  assert(shareWith(truth, { outcomes: ["win"], of: timeOnly }) > 0.95);
});
