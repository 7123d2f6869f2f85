/** The main experiment at tiny size through the real command line. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { permissionFlags } from "../../src/experiment/permissions.ts";
import { loadCheckpoint } from "../../src/run/checkpoint.ts";
import { readMetrics } from "../../src/run/metrics.ts";

const root = new URL("../../", import.meta.url);

const tiny = `
model: { widths: [2, 2, 2], embedding: 4, hidden: 4 }
batchSize: 4
validation: 10
testImages: 10
meta: { tasks: { contrastive: { projection: 4 }, rotation: {} } }
pretrain: { steps: 2 }
fineTune: { steps: 2 }
probe: { steps: 2 }
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
const direct = (args: readonly string[]) => [
  "run",
  ...permissionFlags({ args, always: ["experiments"], dataDirectory: undefined }),
  "experiments/main.ts",
];

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

const arms = ["meta", "meta-probe", "scratch", "supervised", "supervised-probe"];

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
    const child = start(direct(again), again);
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
    assertEquals([summary.dataset.synthetic, summary.dataset.validation], [true, 10]);
    assertEquals(Object.keys(summary.arms).sort(), arms);
    for (const name of arms) {
      const { seconds, pretraining: { seconds: before, ...pretraining }, ...arm } =
        summary.arms[name];
      assert(seconds >= before && before >= 0);
      assert(arm.flops > 0 && arm.testAccuracy >= 0 && arm.testAccuracy <= 1);
      assertEquals([arm.steps, pretraining.steps], name === "scratch" ? [2, 0] : [4, 2]);
      assertEquals(arm.validation.at(-1).validationAccuracy, arm.validationAccuracy);
      assertEquals(arm.validation.length, name === "scratch" ? 3 : 6);
      const { seconds: _, pretraining: __, ...rest } = other.arms[name];
      assertEquals(rest, arm);
    }
    assertEquals(summary.arms.meta.pretraining.samples, 2 * 2 * 2 * 4);

    const metrics = await readMetrics(`${path}/metrics.jsonl`);
    const stages = new Set(metrics.map(({ arm, phase }) => `${arm} ${phase}`));
    assertEquals([...stages], [
      ...["meta pretrain", "meta fine-tune", "meta probe"],
      ...["supervised pretrain", "supervised fine-tune", "supervised probe", "scratch fine-tune"],
    ]);
    // One initialisation in pretraining; a fresh head in fine-tuning, the same for all arms.
    const startOf = (arm: string, phase: string) =>
      metrics.find((record) => record.arm === arm && record.phase === phase)!["validationLoss"];
    assertEquals(startOf("supervised", "pretrain"), startOf("meta", "pretrain"));
    assertNotEquals(startOf("scratch", "fine-tune"), startOf("supervised", "pretrain"));

    const html = await Deno.readTextFile(`${path}/report.html`);
    assertStringIncludes(html, "The images are not CIFAR-10");
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
      ...["--set", "arms=[scratch]", "--set", "fineTune.steps=30", "--set", "fineTune.rate=1e12"],
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
