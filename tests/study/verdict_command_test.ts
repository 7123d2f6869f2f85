import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { readUnits } from "../../src/study/read_units.ts";
import { formatSeeds, parseSeeds } from "../../src/study/seed_list.ts";
import { runVerdict } from "../../src/study/verdict/verdict_command.ts";
import { readVerdictPlan } from "../../src/study/verdict/verdict_plan.ts";
import { formatTable } from "../../src/study/text_table.ts";
import { rising, unit } from "./simulate.ts";

const planText = `
format: 1
study: demo
question: Is it worth it?
regimes: [same]
seeds: 0-6
targets:
  - { name: most, plateauOf: supervised/fine-tune, share: 0.9 }
comparisons:
  - { candidate: meta/fine-tune, control: supervised/fine-tune, kind: non-inferiority, family: primary, axes: [steps] }
  - { candidate: meta/fine-tune, control: scratch/fine-tune, kind: superiority, family: secondary, targets: [] }
checks:
  - { name: off is off, candidate: off/fine-tune, control: supervised/fine-tune }
`;

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("git", {
    args: ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", ...args],
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

/** Runs the command in a folder and gives exit code and texts. */
async function verdict(
  root: string,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const output = { print: (line: string) => out.push(line), log: (line: string) => err.push(line) };
  const code = await runVerdict(args, { output, root });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function writeUnits(
  folder: string,
  { commit, arms }: { readonly commit: string; readonly arms: Readonly<Record<string, number>> },
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [arm, accuracy] of Object.entries(arms)) {
    for (let seed = 0; seed < 7; seed++) {
      const { unit: summary } = unit({
        ...{ arm, seed, accuracy: accuracy + seed / 100 },
        curve: rising({ top: 0.6, at: arm === "meta" ? 8 : 16 + seed % 2, length: 40 }),
        facts: { commit, engine: "webgpu", adapter: "one", data: ["d"] },
      });
      await Deno.writeTextFile(`${folder}/${arm}-${seed}.json`, JSON.stringify(summary));
    }
  }
}

Deno.test("deno task verdict tells plan and units apart by their commits, and concludes when all is there", () =>
  inFolder(async (root) => {
    await git(root, "init", "-q");
    await Deno.mkdir(`${root}/experiments`);
    const plan = `${root}/experiments/demo.verdict.yaml`;
    await Deno.writeTextFile(`${root}/a`, "");
    await git(root, "add", "a");
    await git(root, "commit", "-qm", "before");
    const before = await git(root, "rev-parse", "HEAD");
    await Deno.writeTextFile(plan, planText);
    const uncommitted = await verdict(root, "demo");
    assertEquals(uncommitted.code, 3);
    assertStringIncludes(uncommitted.out, "NOT COMMITTED");
    assertStringIncludes(
      uncommitted.out,
      "There is no verdict: none of 28 planned units is there.",
    );
    await git(root, "add", ".");
    await git(root, "commit", "-qm", "plan");
    const commit = await git(root, "rev-parse", "HEAD");
    const results = `${root}/experiments/results/demo`;
    await writeUnits(results, { commit: before, arms: { meta: 0.61 } });
    await writeUnits(results, { commit, arms: { supervised: 0.6, scratch: 0.5, off: 0.6 } });
    const early = await verdict(root, "demo");
    assertEquals(early.code, 0, early.err);
    assertStringIncludes(early.out, "7 units ran before the plan was committed");
    assertStringIncludes(early.out, `${before} (7 units, BEFORE the plan)`);
    await writeUnits(results, { commit, arms: { meta: 0.61 } });
    const whole = await verdict(root, "demo");
    assertStringIncludes(whole.out, `commit ${commit} (28 units, after the plan)`);
    assertEquals(whole.out.includes("Warning"), false, whole.out);
    assertMatch(
      whole.out,
      /same +meta\/fine-tune +supervised\/fine-tune +most +steps +7 +win +win +win/,
    );
    assertMatch(whole.out, /scratch\/fine-tune +better +7 .*\+11\.00 \[.*0\.016 +0\.016 +win/);
    assertMatch(whole.out, /off is off .* passed +largest difference 0/);
    const collected = `${root}/collected`;
    const once = await verdict(root, results, "--plan", plan, "--collect", collected);
    assertStringIncludes(once.err, "28 summaries written, 0 were there");
    const short = await verdict(root, collected, "--plan", plan, "--collect", collected);
    assertStringIncludes(short.err, "0 summaries written, 28 were there");
    const figures = (text: string) => text.replace(/Read from.*/, "");
    assertEquals(figures(short.out), figures(whole.out));
    const other = JSON.parse(await Deno.readTextFile(`${collected}/same.meta.seed-3.json`));
    other.outcomes[0].test.accuracy = 0.9;
    await Deno.writeTextFile(`${collected}/same.meta.seed-3.json`, JSON.stringify(other));
    const replaced = await verdict(root, results, "--plan", plan, "--collect", collected);
    assertEquals(replaced.code, 1);
    assertStringIncludes(replaced.err, "says something else of same/meta/seed-3");
    const json = JSON.parse((await verdict(root, "demo", "--json")).out);
    assertEquals([json.state, json.provenance.planCommit], ["complete", commit]);
    await Deno.writeTextFile(plan, `${planText}# later\n`);
    assertStringIncludes((await verdict(root, "demo")).out, "differs from what is committed");
    await Deno.remove(`${results}/meta-3.json`);
    const part = await verdict(root, "demo");
    assertEquals(part.code, 3);
    assertStringIncludes(part.out, "27 of 28 planned units are there");
    assertMatch(part.out, /same +meta +1 of 7 +3/);
  }));

Deno.test("deno task verdict says what it needs", () =>
  inFolder(async (root) => {
    const plan = `${root}/experiments/late.verdict.yaml`;
    await Deno.mkdir(`${root}/experiments`);
    await Deno.writeTextFile(plan, "{}");
    const nothing = await verdict(root);
    assertEquals(nothing.code, 2);
    assertStringIncludes(nothing.err, "or a folder. With a plan: late.");
    const misspelt = await verdict(root, "lat");
    assertEquals(misspelt.code, 2);
    assertStringIncludes(misspelt.err, 'Unknown study "lat". Did you mean "late"?');
    // Told where the plan is, it is read, whatever the study is called.
    assertStringIncludes(
      (await verdict(root, "lat", "--plan", plan)).err,
      "late.verdict.yaml:1:1: regimes: Invalid input",
    );
    assertEquals((await verdict(root, "--help")).code, 0);
    assertStringIncludes((await verdict(root, "a/b")).err, 'There is no folder "a/b"');
    assertStringIncludes((await verdict(root, "demo", "--jsn")).err, 'Did you mean "--json"?');
    assertStringIncludes((await verdict(root, "demo")).err, "demo.verdict.yaml");
    assertStringIncludes((await verdict(root, root)).err, "no --plan");
  }));

Deno.test("readUnits() reads run folders and summaries, and names file, key, found and expected", () =>
  inFolder(async (root) => {
    const path = (name: string) => `${root}/${name}`;
    const write = (name: string, value: unknown) =>
      Deno.writeTextFile(path(name), typeof value === "string" ? value : JSON.stringify(value));
    for (const name of ["run", "open"]) {
      await Deno.mkdir(path(name));
      await write(`${name}/config.yaml`, "");
      await write(`${name}/status.json`, "{}");
    }
    const { unit: good } = unit({ arm: "meta", seed: 0, curve: [.1, .2] });
    await write("run/unit.json", good);
    await write("run/unit.poor.meta.json", { ...good, regime: "poor" });
    await write("run/summary.json", "{}");
    await write("manifest.json", "{}");
    await write("copy.json", good);
    assertEquals((await readUnits([root])).map(({ unit }) => unit.regime), ["poor", "same"]);
    const fails = async (value: unknown, ...texts: string[]) => {
      await write("copy.json", value);
      const error = await assertRejects(() => readUnits([root]), Error);
      for (const text of [path("copy.json"), ...texts]) assertStringIncludes(error.message, text);
    };
    const outcome = good.outcomes[0]!;
    const withOutcome = (change: object) => ({ ...good, outcomes: [{ ...outcome, ...change }] });
    await fails({ ...good, chance: 0.2 }, path("run/unit.json"), "differ");
    await fails({ ...good, study: "x", seed: 1 }, "Cannot judge two studies");
    await fails({ ...good, seed: -1 }, "seed: found -1", ">=0");
    await fails({ ...good, format: 2 }, "format: found 2", "expected 1");
    await fails(
      withOutcome({ test: { accuracy: "0.5", images: 5 } }),
      'outcomes.0.test.accuracy: found "0.5"',
      "expected number",
    );
    await fails(withOutcome({ test: { accuracy: 50, images: 5 } }), "found 50", "<=1");
    const [first, second] = outcome.curve;
    await fails(withOutcome({ curve: [second, second] }), "curve.0.steps: found 10, expected 0");
    await fails(
      withOutcome({ curve: [first, { ...second, flops: 5 }, { ...second, flops: 4 }] }),
      "curve.2.flops: found 4 after 5",
    );
    await fails({ ...good, outcomes: [outcome, outcome] }, '"fine-tune" twice');
    await fails("{", "not JSON");
    await fails({ ...good, arm: "a/b" }, 'arm: found "a/b"');
  }));

Deno.test("readVerdictPlan() points at what is wrong with a plan", () =>
  inFolder(async (root) => {
    const path = `${root}/p.yaml`;
    const faultOf = async (from: string, to: string) => {
      await Deno.writeTextFile(path, planText.replace(from, to));
      return (await assertRejects(() => readVerdictPlan(path), Error)).message;
    };
    const cases: [string, string, string][] = [
      ["seeds: 0-6", "seeds: 6-0", `${path}:6:8: Cannot read the seeds "6-0"`],
      ["seeds: 0-6", "seeds: 0-40", "found 41 seeds, expected at most 40"],
      ["family: primary,", "famly: primary,", 'Did you mean "family"?'],
      ["axes: [steps]", "axes: [step]", `${path}:10:112: comparisons.0.axes.0`],
      ["share: 0.9", "accuracy: 0.9", "expected either accuracy, or plateauOf and share"],
      ["targets: []", "regimes: [other]", 'found regime "other", expected one of same'],
      ["targets: []", "targets: [x]", 'found target "x", expected one of most'],
      ["targets: []", "targets: [], accuracy: false", "it tests nothing"],
      ["scratch/fine-tune", "supervised/fine-tune", "a test belongs to one family"],
      ["control: scratch/fine-tune", "control: meta/fine-tune", "on both sides"],
      ["meta/fine-tune", "meta", "Expected arm/protocol"],
      ["format: 1", "format: 2", `${path}:2:9`],
    ];
    for (const [from, to, text] of cases) assertStringIncludes(await faultOf(from, to), text);
    await Deno.writeTextFile(path, planText);
    const plan = await readVerdictPlan(path);
    assertEquals([plan.alpha, plan.consecutive, plan.margins], [0.05, 3, {
      accuracy: 0.01,
      time: 0.05,
    }]);
    assertEquals(plan.comparisons[0]!.targets, ["most"]);
    assertEquals(plan.comparisons[0]!.seeds, [0, 1, 2, 3, 4, 5, 6]);
  }));

Deno.test("parseSeeds() and formatSeeds() read and write ranges", () => {
  assertEquals(parseSeeds("3, 0-1"), [0, 1, 3]);
  assertEquals(formatSeeds([3, 0, 1, 7, 8]), "0-1, 3, 7-8");
  for (const text of ["", "a", "1,1", "0-3,2", "5000000000", "0-5000", "1-", "-1"]) {
    assertThrows(() => parseSeeds(text), RangeError, "Cannot read the seeds");
  }
});

Deno.test("formatTable() shows control characters and aligns numbers", () => {
  const text = formatTable({ heads: ["a", "b"], rows: [["\u001b[2J", "1.5 k"], ["x", "20 M"]] });
  assertEquals(text, "a              b\n\\u001b[2J  1.5 k\nx           20 M");
});
