import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { StoredUnit } from "../../src/study/stored_unit.ts";
import { timeToTarget } from "../../src/study/verdict/time_to_target.ts";
import { computeVerdict } from "../../src/study/verdict/verdict.ts";
import type { DecidedCell } from "../../src/study/verdict/verdict_rules.ts";
import type { VerdictPlan } from "../../src/study/verdict/verdict_plan.ts";
import { comparison, planWith, unit } from "./simulate.ts";

const candidate = [.612, .634, .601, .652, .618, .640, .607, .629];
const control = [.598, .611, .603, .625, .607, .611, .600, .620];
const eight = [0, 1, 2, 3, 4, 5, 6, 7];

/** Units of both arms in regime "same". */
function both(
  [ours, theirs]: readonly [readonly number[], readonly number[]],
  make: (value: number) => Partial<Parameters<typeof unit>[0]> = (accuracy) => ({ accuracy }),
): StoredUnit[] {
  return [
    ...ours.map((value, seed) => unit({ arm: "meta", seed, ...make(value) })),
    ...theirs.map((value, seed) => unit({ arm: "supervised", seed, ...make(value) })),
  ];
}

/** A plan of one regime. */
function small(
  change: Parameters<typeof comparison>[0],
  rest: Partial<VerdictPlan> = {},
): VerdictPlan {
  const one = comparison({ regimes: ["same"], seeds: eight, ...change });
  return planWith({ regimes: ["same"], seeds: one.seeds, comparisons: [one], ...rest });
}

function cellsOf(plan: VerdictPlan, units: readonly StoredUnit[]): readonly DecidedCell[] {
  return computeVerdict(plan, units).families.flatMap((family) => family.cells);
}

/** A curve that is at the target from `step` on; evaluated every 10 steps, watched to step 400. */
const reachedAt = (step: number) => ({
  curve: Array.from({ length: 42 }, (_, i) => 10 * i >= step ? 0.6 : 0.1),
});

const half = [{ name: "half", accuracy: 0.5 }];

Deno.test("a cell of accuracy agrees with SciPy: permutation tests and BCa interval", () => {
  // scipy.stats.permutation_test(permutation_type="samples"), bootstrap(method="BCa"), 10^6 resamples.
  const [cell] = cellsOf(small({}, { resamples: 10_000 }), both([candidate, control]));
  const { measured, outcome } = cell!;
  assertEquals(measured!.pValue, 0.015625);
  assertAlmostEquals(measured!.interval!.estimate, 0.01475, 1e-12);
  assertAlmostEquals(measured!.interval!.low, 0.00775, 4e-4);
  assertAlmostEquals(measured!.interval!.high, 0.021625, 4e-4);
  // Twice the larger of P(d + margin > 0) = 0.0039 and P(d - margin < 0) = 0.902.
  assertEquals(measured!.equivalence, 1);
  assertEquals([outcome, cell!.adjusted, cell!.smallest], ["win", 0.015625, 2 / 256]);
  const [shifted] = cellsOf(small({ kind: "non-inferiority" }), both([candidate, control]));
  assertEquals(shifted!.measured!.pValue, 0.0078125);
  const [reversed] = cellsOf(small({}), both([control, candidate]));
  assertEquals([reversed!.outcome, reversed!.measured!.pValue], ["loss", 0.015625]);
});

Deno.test("a cell of time agrees with SciPy and the textbook's log-rank, a run that never arrives counts", () => {
  const times = [
    [120, 140, 100, 160, 130, 150, 110, Infinity],
    [200, 180, Infinity, 220, Infinity, 190, 210, 240],
  ] as const;
  const plan = small({ accuracy: false, targets: ["half"], axes: ["steps", "flops"] }, {
    targets: half,
  });
  const [steps, flops] = cellsOf(plan, both(times, reachedAt));
  const { measured } = steps!;
  assertEquals(measured!.time!.horizon, 400);
  assertEquals(measured!.time!.reached, { candidate: 7, control: 6 });
  assertEquals(measured!.pairs.map((pair) => pair.candidate).at(-1), 400);
  assertAlmostEquals(measured!.interval!.estimate, -91.25, 1e-9);
  assertEquals(measured!.pValue, 0.140625);
  assertAlmostEquals(measured!.time!.logRank!, 0.026638501227195563, 1e-12);
  assertAlmostEquals(flops!.measured!.means.control, 255e9, 1);
  assertEquals(flops!.measured!.pValue, measured!.pValue);
  // The mean of restricted times is the area under Kaplan and Meier's curve.
  assertAlmostEquals(measured!.time!.after.candidate, measured!.means.candidate, 1e-9);
});

Deno.test("an arm that never reaches the target loses; two that never do are undecided, not equal", () => {
  const plan = small({ accuracy: false, targets: ["half"], axes: ["steps"] }, { targets: half });
  const never = eight.map(() => Infinity);
  const soon = [100, 110, 120, 130, 140, 150, 160, 170];
  const [lost] = cellsOf(plan, both([never, soon], reachedAt));
  assertEquals([lost!.outcome, lost!.measured!.time!.reached], [
    "loss",
    { candidate: 0, control: 8 },
  ]);
  assertEquals(lost!.measured!.means.candidate, 400);
  const [won] = cellsOf(plan, both([soon, never], reachedAt));
  assertEquals(won!.outcome, "win");
  const [neither] = cellsOf(plan, both([never, never], reachedAt));
  assertEquals(neither!.outcome, "undecided");
  assertStringIncludes(neither!.reason, "reached by 0 and 0 of 8");
  assertEquals(neither!.measured!.time!.logRank, undefined);
  const [equal] = cellsOf(plan, both([soon, soon], reachedAt));
  assertEquals(equal!.outcome, "tie");
});

Deno.test("pretraining is counted into the time to a target, and shown apart", () => {
  const plan = small({ accuracy: false, targets: ["half"], axes: ["steps"] }, { targets: half });
  // 60 steps of fine-tuning after 200 of pretraining, against 150 without.
  const units = eight.flatMap((seed) => [
    unit({ arm: "meta", seed, before: 200, ...reachedAt(60 + 10 * (seed % 2)) }),
    unit({ arm: "supervised", seed, ...reachedAt(150) }),
  ]);
  const [cell] = cellsOf(plan, units);
  const { means, time } = cell!.measured!;
  assertEquals([means.candidate, means.control], [265, 150]);
  assertEquals(time!.pretraining, { candidate: 200, control: 0 });
  assertEquals(time!.after, { candidate: 65, control: 150, horizon: 400 });
  assertEquals(cell!.outcome, "loss");
});

Deno.test("arms of different budgets are compared up to the earlier end only", () => {
  const plan = small({ accuracy: false, targets: ["half"], axes: ["steps"] }, { targets: half });
  const short = { curve: Array.from({ length: 22 }, () => 0.1) };
  const units = eight.flatMap((seed) => [
    unit({ arm: "meta", seed, ...reachedAt(300) }),
    unit({ arm: "supervised", seed, ...short }),
  ]);
  const [cell] = cellsOf(plan, units);
  assertEquals(cell!.measured!.time!.horizon, 200);
  assertEquals(cell!.measured!.means, { candidate: 200, control: 200 });
  assertEquals(cell!.outcome, "undecided");
});

Deno.test("timeToTarget() wants evaluations in a row, the first of them counts", () => {
  const at = (curve: readonly number[], consecutive = 3) => {
    const { outcomes } = unit({ arm: "a", seed: 0, curve, before: 5 }).unit;
    return timeToTarget(outcomes[0]!, { axis: "steps", accuracy: 0.5, consecutive });
  };
  assertEquals(at([.1, .6, .4, .5, .6, .7, .1]), {
    ...{ time: 35, reached: true, watched: 55, pretraining: 5 },
  });
  assertEquals(at([.1, .1, .1, .6, .6]), {
    ...{ time: 35, reached: false, watched: 35, pretraining: 5 },
  });
  assertEquals(at([.1, .6], 1), { time: 15, reached: true, watched: 15, pretraining: 5 });
  assertEquals(at([.6, .6]), undefined);
});

Deno.test("targets are shares of a control's plateau, and not final before all its seeds are there", () => {
  const plan = small({ targets: ["most"], axes: ["steps"] }, {
    targets: [{ name: "most", plateauOf: "supervised/fine-tune", share: 0.9 }],
  });
  const units = eight.flatMap((seed) => [
    unit({ arm: "meta", seed, curve: [.1, .2, .58, .58, .6, .62] }),
    unit({ arm: "supervised", seed, curve: [.1, .2, .3, .5, .6, .7] }),
  ]);
  const { targets, families } = computeVerdict(plan, units);
  assertAlmostEquals(targets[0]!.accuracy!, 0.54, 1e-12);
  assertEquals(families[0]!.cells[1]!.measured!.pairs[0], {
    ...{ seed: 0, candidate: 20, control: 40, difference: -20 },
  });
  const fewer = computeVerdict(plan, units.slice(0, -1));
  assertStringIncludes(fewer.targets[0]!.pending!, "7 of 8 planned seeds");
  assertEquals(fewer.families[0]!.cells[1]!.outcome, "undecided");
});

Deno.test("a target that guessing reaches decides nothing", () => {
  const plan = small({ accuracy: false, targets: ["low"], axes: ["steps"] }, {
    targets: [{ name: "low", accuracy: 0.1 }],
  });
  const soon = eight.map((seed) => 100 + 10 * seed);
  const [cell] = cellsOf(plan, both([soon, soon.map((time) => time + 100)], reachedAt));
  assertEquals(cell!.outcome, "undecided");
  assertStringIncludes(cell!.reason, "10.00% is not above the 10.00% of guessing");
});

Deno.test("five seeds cannot show anything two-sided, and the verdict says so", () => {
  const five = [0, 1, 2, 3, 4];
  const clear = both([five.map(() => 0.9), five.map((seed) => 0.5 + seed / 100)]);
  const [cell] = cellsOf(small({ seeds: five }), clear);
  assertEquals([cell!.outcome, cell!.smallest, cell!.adjusted], ["undecided", 1 / 16, 1 / 16]);
  assertStringIncludes(cell!.reason, "nothing could be decided whatever the figures: with 5 pairs");
  assertStringIncludes(cell!.reason, "6 pairs for every test would do");
  // The bound holds before a unit is there, too.
  const [none] = cellsOf(small({ seeds: five }), []);
  assertStringIncludes(none!.reason, "nothing could be decided whatever the figures");
  const six = [...five, 5];
  const [enough] = cellsOf(
    small({ seeds: six }),
    both([six.map(() => 0.9), six.map((seed) => 0.5 + seed / 100)]),
  );
  assertEquals(enough!.outcome, "win");
});

Deno.test("Holm's correction runs over a whole family, and not over another", () => {
  const plan = (families: readonly string[]) =>
    planWith({
      seeds: eight,
      regimes: ["same"],
      comparisons: families.map((family, at) =>
        comparison({ family, candidate: `c${at}/fine-tune`, regimes: ["same"], seeds: eight })
      ),
    });
  // p = 2/256, 4/256 and 36/256 by enumeration of the ranks' signs below.
  const sizes = [[1, 2, 3, 4, 5, 6, 7, 8], [-1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, -7, 8]];
  const units = eight.flatMap((seed) => [
    unit({ arm: "supervised", seed, accuracy: 0.5 }),
    ...sizes.map((size, at) => unit({ arm: `c${at}`, seed, accuracy: 0.5 + size[seed]! / 100 })),
  ]);
  const raw = sizes.map((size) => {
    const sum = size.reduce((a, b) => a + b);
    let extreme = 0;
    for (let signs = 0; signs < 256; signs++) {
      const other = size.reduce(
        (total, value, at) => total + (signs >> at & 1 ? value : -value),
        0,
      );
      if (Math.abs(other) >= Math.abs(sum)) extreme++;
    }
    return extreme / 256;
  });
  const together = cellsOf(plan(["a", "a", "a"]), units);
  assertEquals(together.map((cell) => cell.measured!.pValue), raw);
  assertEquals(together.map((cell) => cell.adjusted), [3 * raw[0]!, 2 * raw[1]!, raw[2]]);
  const apart = cellsOf(plan(["a", "b", "c"]), units);
  assertEquals(apart.map((cell) => cell.adjusted), raw);
  // Another regime is another question.
  const elsewhere = units.map(({ path, unit }) => ({ path, unit: { ...unit, regime: "other" } }));
  const two = plan(["a", "a", "a"]);
  const regimes = ["same", "other"];
  const everywhere = computeVerdict({
    ...two,
    regimes,
    comparisons: two.comparisons.map((one) => ({ ...one, regimes })),
  }, [...units, ...elsewhere]);
  assertEquals(
    everywhere.families.map(({ regime, cells }) => [regime, cells.map((cell) => cell.adjusted)]),
    regimes.map((regime) => [regime, together.map((cell) => cell.adjusted)]),
  );
  // A test that cannot be made yet counts: nothing is won by leaving it out.
  const without = cellsOf(plan(["a", "a"]), units.filter(({ unit }) => unit.arm !== "c1"));
  assertEquals(without.map((cell) => cell.adjusted), [2 * raw[0]!, undefined]);
});

Deno.test("a study without units, or with half of them, concludes nothing", () => {
  const plan = small({});
  const empty = computeVerdict(plan, []);
  assertEquals([empty.state, empty.planned, empty.finished], ["empty", 16, 0]);
  const part = computeVerdict(plan, both([candidate.slice(0, 7), control]));
  assertEquals([part.state, part.finished], ["incomplete", 15]);
  assertEquals(part.missing, [{ regime: "same", arm: "meta", seeds: [7], planned: 8 }]);
  const [cell] = part.families[0]!.cells;
  assertEquals(cell!.outcome, "undecided");
  assertStringIncludes(cell!.reason, "7 of 8 planned pairs are there; missing: meta seeds 7");
  // Figures are shown nevertheless.
  assertEquals(cell!.measured!.pairs.length, 7);
});

Deno.test("a protocol that an arm does not have is named with those that it has", () => {
  const [cell] = cellsOf(small({ candidate: "meta/knn" }), both([candidate, control]));
  assertEquals(cell!.outcome, "undecided");
  assertStringIncludes(cell!.reason, "protocol knn of meta, seeds 0-7 (it has fine-tune)");
});

Deno.test("units of different configurations or data are not mixed", () => {
  const units = both([candidate, control]);
  const changed = unit({ arm: "meta", seed: 3, accuracy: 0.652, configuration: "other" });
  const mixed = computeVerdict(small({}), units.map((u) => u.path === changed.path ? changed : u));
  const [cell] = mixed.families[0]!.cells;
  assertEquals([cell!.outcome, cell!.measured], ["undecided", undefined]);
  assertStringIncludes(cell!.reason, "other of seeds 3");
  assertEquals(mixed.notices.some((notice) => notice.includes("different configurations")), true);
  const data = unit({ arm: "meta", seed: 3, facts: { data: ["another"] } });
  const [refused] = cellsOf(small({}), units.map((u) => u.path === data.path ? data : u));
  assertEquals([refused!.outcome, refused!.measured], ["undecided", undefined]);
  assertStringIncludes(refused!.reason, "differ in their data");
});

Deno.test("units of two precisions are not compared; of two tables of kernels, seconds are not", () => {
  const facts = { engine: "webgpu", adapter: "one", commit: "c", data: ["d"] };
  const one = (change: Readonly<Record<string, unknown>>) => {
    const other = unit({ arm: "meta", seed: 3, accuracy: 0.652, facts: { ...facts, ...change } });
    return both([candidate, control]).map((u) => u.path === other.path ? other : u);
  };
  const [half] = cellsOf(small({}), one({ halfPrecision: true }));
  assertEquals([half!.outcome, half!.measured], ["undecided", undefined]);
  assertStringIncludes(half!.reason, "differ in their halfPrecision");
  const tables = computeVerdict(small({}), one({ kernels: "abc" }));
  assert(tables.families[0]!.cells[0]!.measured !== undefined);
  assert(tables.notices.some((text) => text.includes("in kernels: abc, those of the rules")));
  assertEquals(computeVerdict(small({}), one({})).notices.join().includes("kernels"), false);
});

Deno.test("seconds of different machines are not compared; steps are, with a warning", () => {
  const plan = small({ accuracy: false, targets: ["half"], axes: ["steps", "seconds"] }, {
    targets: half,
  });
  const times = eight.map((seed) => 100 + 10 * seed);
  const facts = { engine: "webgpu", adapter: "two", commit: "c", data: ["d"] };
  const slow = unit({ arm: "meta", seed: 0, ...reachedAt(100), facts });
  const units = both([times, times.map((time) => time + 100)], reachedAt)
    .map((stored) => stored.path === slow.path ? slow : stored);
  const verdict = computeVerdict(plan, units);
  assertEquals(verdict.families[0]!.cells.map((cell) => cell.outcome), ["win", "undecided"]);
  assertEquals(verdict.notices.filter((text) => text.includes("differ in adapter")).length, 1);
});

Deno.test("equal or better and sooner needs both tests", () => {
  const plan = small({ kind: "non-inferiority", targets: ["half"], axes: ["steps"] }, {
    targets: half,
  });
  const outcome = (accuracies: readonly number[], step: number) => {
    const units = eight.flatMap((seed) => [
      unit({ arm: "meta", seed, accuracy: accuracies[seed]!, ...reachedAt(step) }),
      unit({
        arm: "supervised",
        seed,
        accuracy: control[seed]!,
        ...reachedAt(150 + 10 * (seed % 3)),
      }),
    ]);
    const [conclusion] = computeVerdict(plan, units).conclusions;
    return [conclusion!.accuracy, conclusion!.time, conclusion!.outcome];
  };
  assertEquals(outcome(candidate, 60), ["win", "win", "win"]);
  assertEquals(outcome(candidate, 300), ["win", "loss", "loss"]);
  assertEquals(outcome(control.map((value) => value - 0.1), 60), ["loss", "win", "loss"]);
  const mixed = control.map((value, seed) => value + (seed % 2 ? 0.1 : -0.1));
  assertEquals(outcome(mixed, 60), ["undecided", "win", "undecided"]);
});

Deno.test("a check holds arms to equal figures at every evaluation", () => {
  const plan = (tolerance: number) =>
    small({}, {
      checks: [{
        ...{ name: "off is off", candidate: "meta/fine-tune", control: "supervised/fine-tune" },
        tolerance,
      }],
    });
  const curve = [.1, .3, .5];
  const equal = both([candidate, candidate], (accuracy) => ({ accuracy, curve }));
  const states = (units: readonly StoredUnit[], tolerance = 0) =>
    computeVerdict(plan(tolerance), units).checks.map(({ state }) => state);
  assertEquals(states(equal), ["passed"]);
  assertEquals(states(equal.slice(1)), ["open"]);
  const other = unit({ arm: "meta", seed: 2, accuracy: .601, curve: [.1, .301, .5] });
  const one = equal.map((stored) => stored.path === other.path ? other : stored);
  assertEquals([states(one), states(one, 0.002)], [["failed"], ["passed"]]);
  // One that differs has failed, whatever is still missing.
  assertEquals(states(one.slice(0, -1)), ["failed"]);
  assertEquals(states([]), ["open"]);
});

Deno.test("computeVerdict() names what it does not use, and refuses another study's units", () => {
  const stray = [unit({ arm: "other", seed: 0 }), unit({ arm: "meta", seed: 99 })];
  const { notices } = computeVerdict(small({}), [...both([candidate, control]), ...stray]);
  assertStringIncludes(notices.join(), "same/other/seed-0, same/meta/seed-99");
  assertThrows(
    () => computeVerdict(planWith({ study: "another" }), stray),
    RangeError,
    'is a unit of "demo"',
  );
});
