import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { hashConfiguration } from "../../src/study/configuration_hash.ts";
import {
  configurationChanges,
  partOfConfiguration,
  type ResolvedRun,
  sweepUnits,
} from "../../src/study/sweep/sweep_units.ts";

const run: ResolvedRun = {
  ...{ experiment: "demo", preset: null, engine: "auto", data: "auto" },
  config: {
    arms: {
      scratch: { rate: 1 },
      meta: { rate: 2 },
      first: { like: "meta", order: "first" },
      third: { like: "first" },
      round: { like: "round" },
      gone: null,
    },
    regimes: { same: {}, poor: { labels: 20 } },
    only: { arms: ["meta"], regimes: null },
    steps: 5,
  },
};

/** The same with other values. */
function changed(change: Readonly<Record<string, unknown>>): ResolvedRun {
  return { ...run, config: { ...run.config, ...change } };
}

const hashOf = (of: ResolvedRun, arm: string) =>
  hashConfiguration(partOfConfiguration(of, { arm, regime: "same" }));

Deno.test("partOfConfiguration() holds what decides a unit and nothing else", async () => {
  assertEquals(partOfConfiguration(run, { arm: "third", regime: "poor" }), {
    ...{ experiment: "demo", engine: "auto", data: "auto" },
    config: {
      arms: {
        third: { like: "first" },
        first: { like: "meta", order: "first" },
        meta: { rate: 2 },
      },
      regimes: { poor: { labels: 20 } },
      steps: 5,
    },
  });
  const arms = run.config["arms"] as Record<string, unknown>;
  const other = changed({
    arms: { ...arms, scratch: { rate: 9 } },
    regimes: { same: {} },
    only: {},
  });
  assertEquals(await hashOf(other, "third"), await hashOf(run, "third"));
  const above = changed({ arms: { ...arms, meta: { rate: 9 } } });
  assertNotEquals(await hashOf(above, "third"), await hashOf(run, "third"));
  assertNotEquals(await hashOf(changed({ steps: 6 }), "third"), await hashOf(run, "third"));
  assertNotEquals(await hashOf({ ...run, data: "d" }, "third"), await hashOf(run, "third"));
  // A ring, which the experiment refuses, must not hang.
  await hashOf(run, "round");
});

Deno.test("hashConfiguration() and configurationChanges() see values, not the order of keys", async () => {
  assertEquals(
    await hashConfiguration({ a: { b: 1, c: [1, { d: 2 }] }, e: {} }),
    await hashConfiguration({ e: {}, a: { c: [1, { d: 2 }], b: 1 } }),
  );
  assertNotEquals(await hashConfiguration({ e: {} }), await hashConfiguration({}));
  assertNotEquals(await hashConfiguration({ a: [1, 2] }), await hashConfiguration({ a: [2, 1] }));
  assertEquals(
    await hashConfiguration({ a: [{ b: 1, c: 2 }] }),
    await hashConfiguration({ a: [{ c: 2, b: 1 }] }),
  );
  assertEquals(
    configurationChanges({ a: { b: 1, gone: "x" }, c: [1] }, { a: { b: 2 }, c: [1], d: null }),
    ["a.b (2, was 1)", 'a.gone (nothing, was "x")', "d (null, was nothing)"],
  );
});

Deno.test("sweepUnits() lists all of a seed before the next, and what is asked for", async () => {
  const units = await sweepUnits(run, {
    ...{ arms: ["meta", "scratch"], regimes: undefined, seeds: [3, 5], out: "runs/demo" },
  });
  assertEquals(units.map(({ folder }) => folder), [
    "runs/demo/same/scratch/seed-3",
    "runs/demo/same/meta/seed-3",
    "runs/demo/poor/scratch/seed-3",
    "runs/demo/poor/meta/seed-3",
    "runs/demo/same/scratch/seed-5",
    "runs/demo/same/meta/seed-5",
    "runs/demo/poor/scratch/seed-5",
    "runs/demo/poor/meta/seed-5",
  ]);
  assertEquals(units[0]!.configuration, units[4]!.configuration);
  assertEquals(new Set(units.map(({ configuration }) => configuration)).size, 4);
  const list = changed({ arms: ["meta"] });
  const all = { arms: undefined, regimes: undefined, seeds: [0], out: "runs" };
  await assertRejects(() => sweepUnits(list, all), Error, 'no mapping "arms"');
});
