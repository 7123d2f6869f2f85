/** The main experiment at tiny size through the real command line. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { permissionFlags } from "../../src/experiment/permissions.ts";
import { commitFiles } from "../../src/run/git_commit.ts";
import { loadCheckpoint } from "../../src/run/checkpoint.ts";
import { readMetrics } from "../../src/run/metrics.ts";
import { readUnits } from "../../src/study/read_units.ts";
import type { UnitSummary } from "../../src/study/unit_summary.ts";

const root = new URL("../../", import.meta.url);

const tiny = `
model: { backbone: { encoder: { widths: [2, 2, 2], embedding: 4 } }, hidden: 4 }
batchSize: 4
validation: 10
trainImages: 100
testImages: 10
meta: { tasks: { contrastive: { projection: 4 }, rotation: {} } }
pretrain: { steps: 2 }
fineTune: { steps: 2 }
probe: { steps: 2 }
refreshBatches: 2
adaptationDraws: 2
alignment: false
evaluateEvery: 1
evaluationBatch: 10
saveEvery: 1
`;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const task = ["task", "--quiet", "experiment"];
/** What the task runs, without shell and launcher between us and the process that is to be killed. */
const direct = async (args: readonly string[]) => {
  const always = ["experiments", ...await commitFiles(decodeURIComponent(root.pathname))];
  const flags = permissionFlags({ args, always, dataDirectory: undefined });
  return ["run", ...flags, "experiments/main.ts"];
};

function start(command: readonly string[], args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...command, "cifar-maml", ...args],
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

async function run(...args: string[]): Promise<Run> {
  const { code, stdout, stderr } = await start(task, args).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

/** Protocols of the arms, as they stand in the configuration. */
const protocols: Readonly<Record<string, readonly string[]>> = {
  meta: ["fine-tune", "linear-probe", "as-is", "adapted"],
  supervised: ["fine-tune", "linear-probe", "as-is"],
  scratch: ["fine-tune"],
};
const arms = Object.entries(protocols).flatMap(([arm, names]) =>
  names.map((protocol) => `${arm}/${protocol}`)
).sort();

Deno.test("cifar-maml runs, repeats itself, and goes on after a kill with the same numbers", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/tiny.yaml`, tiny);
    const flags = [
      ...["--config", `${folder}/tiny.yaml`, "--engine", "reference", "--data", "synthetic"],
      ...["--seed", "3"],
    ];
    const first = await run(...flags, "--out", `${folder}/first`);
    assertEquals(first.code, 0, first.err);
    const path = first.out.trimEnd().split("\n").at(-1)!;
    assertStringIncludes(first.err, "guard: outer loss");
    assertStringIncludes(first.err, "NOT CIFAR-10");

    // Killed in the middle, then resumed.
    const again = [...flags, "--out", `${folder}/second`];
    const child = start(await direct(again), again);
    const killed = await killAt(child, `${folder}/second`, "supervised-pretrain");
    const log = await Deno.readTextFile(`${killed}/metrics.jsonl`);
    const resumed = await run("--resume", killed);
    assertEquals(resumed.code, 0, resumed.err);
    assertEquals(resumed.out.trimEnd().split("\n").at(-1), killed);
    const whole = await Deno.readTextFile(`${path}/metrics.jsonl`);
    assert(log.length < whole.length);
    assertEquals(await Deno.readTextFile(`${killed}/metrics.jsonl`), whole);

    const summary = JSON.parse(await Deno.readTextFile(`${path}/summary.json`));
    const other = JSON.parse(await Deno.readTextFile(`${killed}/summary.json`));
    assertEquals(summary.experiment, "cifar-maml");
    assertEquals([summary.seed, summary.engine, summary.softwareAdapter], [3, "reference", true]);
    assertEquals([summary.synthetic, summary.data.length], [true, 2]);
    assertEquals(Object.keys(summary.arms).sort(), arms);
    for (const name of arms) {
      const { seconds, pretraining: { seconds: before, ...pretraining }, validation, ...arm } =
        summary.arms[name];
      assert(seconds >= before && before >= 0);
      assert(arm.flops > 0 && arm.testAccuracy >= 0 && arm.testAccuracy <= 1);
      const { steps, points, earlier } = /^scratch/.test(name)
        ? { steps: 2, points: 3, earlier: 0 }
        : /tune|probe/.test(name)
        ? { steps: 4, points: 6, earlier: 2 }
        : { steps: 2, points: 3, earlier: 0 };
      assertEquals([arm.steps, pretraining.steps, validation.length], [steps, earlier, points]);
      assertEquals(validation.at(-1).validationAccuracy, arm.validationAccuracy);
      const { seconds: _, pretraining: __, validation: ___, ...rest } = other.arms[name];
      assertEquals(rest, arm);
    }
    // Two images of support and two outer passes for each of them, two views of the contrastive task.
    assertEquals(summary.arms["meta/fine-tune"].pretraining.samples, 2 * (2 + 1 + 2) * 4);
    const units = await unitsOf(path);
    assertEquals(await unitsOf(killed), units);
    assertEquals(units.map(({ arm }) => arm), ["meta", "scratch", "supervised"]);
    for (const { arm, outcomes } of units) {
      assertEquals(outcomes.map(({ protocol }) => protocol), protocols[arm]);
      for (const { protocol, test } of outcomes) {
        assertEquals(test.accuracy, summary.arms[`${arm}/${protocol}`].testAccuracy);
      }
    }

    const metrics = await readMetrics(`${path}/metrics.jsonl`);
    const stages = new Set(metrics.map(({ arm, phase }) => `${arm} ${phase}`));
    assertEquals([...stages], [
      ...["meta pretrain", "meta fine-tune", "meta linear-probe"],
      ...["supervised pretrain", "supervised fine-tune", "supervised linear-probe"],
      "scratch fine-tune",
    ]);
    // One initialisation in pretraining; a fresh head in fine-tuning, the same for all arms.
    const startOf = (arm: string, phase: string) =>
      metrics.find((record) => record.arm === arm && record.phase === phase)!["validationLoss"];
    assertEquals(startOf("supervised", "pretrain"), startOf("meta", "pretrain"));
    assertNotEquals(startOf("scratch", "fine-tune"), startOf("supervised", "pretrain"));

    const html = await Deno.readTextFile(`${path}/report.html`);
    assertStringIncludes(html, "The images are made up: NOT CIFAR-10");
    assertStringIncludes(html, "<svg");
    for (const name of ["steps", "flops", "after-pretraining"]) {
      assert((await Deno.readTextFile(`${path}/validation-${name}.svg`)).startsWith("<svg"));
    }
    const { tensors } = await loadCheckpoint(
      `${path}/checkpoints/meta-pretrain/step-000000002.safetensors`,
    );
    assert("params.pretext.rotation.output.weight" in tensors);
    assert("state.encoder.stage1.norm1.mean" in tensors);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** The summaries of all units of a run, but for seconds. */
async function unitsOf(path: string): Promise<UnitSummary[]> {
  const units = await readUnits([path]);
  return units.map(({ unit }) =>
    JSON.parse(JSON.stringify(unit, (key, value) => key === "seconds" ? 0 : value))
  );
}

/** Kills a run when a stage begins to save its first checkpoint; gives the run folder. */
async function killAt(child: Deno.ChildProcess, out: string, stage: string): Promise<string> {
  let ended = false;
  const output = child.output().finally(() => ended = true);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    let name: string | undefined;
    try {
      name = [...Deno.readDirSync(`${out}/cifar-maml`)][0]?.name;
      Deno.statSync(`${out}/cifar-maml/${name}/checkpoints/${stage}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      if (ended) throw new Error(new TextDecoder().decode((await output).stderr));
      continue;
    }
    if (!ended) child.kill("SIGKILL");
    const { signal } = await output;
    assertEquals(signal, "SIGKILL");
    return `${out}/cifar-maml/${name}`;
  }
}

Deno.test("cifar-maml that diverges fails, says where, and saves nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/tiny.yaml`, tiny);
    const { code, out, err } = await run(
      ...["--config", `${folder}/tiny.yaml`, "--engine", "reference", "--data", "synthetic"],
      ...[
        "--set",
        "only.arms=[scratch]",
        "--set",
        "fineTune.steps=30",
        "--set",
        "fineTune.rate=1e12",
      ],
      ...["--out", folder],
    );
    assertEquals(code, 1, err);
    assertStringIncludes(err, 'Training of arm "scratch", phase "fine-tune" has diverged: ');
    const path = out.trimEnd().split("\n").at(-1)!;
    const { state, error } = JSON.parse(await Deno.readTextFile(`${path}/status.json`));
    assertEquals(state, "failed");
    assertStringIncludes(error, "has diverged");
    await assertRejects(
      () => Deno.stat(`${path}/checkpoints/scratch-fine-tune`),
      Deno.errors.NotFound,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("cifar-maml refuses an unknown key before it does anything", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, out, err } = await run("--set", "fineTune.stepz=3", "--out", folder);
    assertEquals([code, out], [2, ""]);
    assertStringIncludes(err, 'Did you mean "steps"?');
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
