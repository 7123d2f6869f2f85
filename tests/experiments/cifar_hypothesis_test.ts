/** Two arms of the study at tiny size: units that the verdict reads, the same after a kill. */
import { withoutWebgpu } from "../webgpu.ts";
import { assert, assertEquals } from "@std/assert";
import { readUnits } from "../../src/study/read_units.ts";
import type { UnitSummary } from "../../src/study/unit_summary.ts";

const tiny = `
model: { backbone: { encoder: { widths: [2, 2, 2], embedding: 4 } }, hidden: 4 }
batchSize: 4
trainImages: 300
validation: 20
testImages: 20
only: { arms: [alpha-zero, joint-famo, joint-nash], regimes: [labels-20] }
arms: { joint-nash: { like: joint-famo, weighting: { nash-mtl: {} }, protocols: [as-is] } }
regimes: { labels-20: { source: { labelsPerClass: 3 }, target: { labelsPerClass: 3 } } }
meta: { tasks: { contrastive: { projection: 4 }, rotation: {} } }
pretrain: { steps: 3 }
evaluateEvery: 3
evaluationBatch: 20
saveEvery: 1
`;

function start(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "experiments/cifar-hypothesis.ts", ...args],
    cwd: new URL("../..", import.meta.url),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

/** The only run folder below a folder, when it is there. */
async function runFolder(out: string): Promise<string> {
  for (;;) {
    try {
      const [entry] = [...Deno.readDirSync(`${out}/cifar-hypothesis`)];
      if (entry) return `${out}/cifar-hypothesis/${entry.name}`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function unitsOf(path: string): Promise<UnitSummary[]> {
  return (await readUnits([path])).map(({ unit }) =>
    JSON.parse(JSON.stringify(unit, (key, value) => key === "seconds" ? 0 : value))
  );
}

async function ended(child: Deno.ChildProcess): Promise<void> {
  const { code, stderr } = await child.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

// On every engine it would say the same; without an adapter cifar-maml is run, killed and resumed.
const name = "arms of cifar-hypothesis run, and a killed run of them resumes to the same units";
Deno.test(name, { ignore: withoutWebgpu }, async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/tiny.yaml`, tiny);
    const args = [
      ...["--preset", "smoke", "--config", `${folder}/tiny.yaml`, "--engine", "reference"],
      ...["--data", "synthetic", "--seed", "2"],
    ];
    await ended(start(...args, "--out", `${folder}/whole`));
    const path = await runFolder(`${folder}/whole`);
    const units = await unitsOf(path);
    assertEquals(units.map(({ arm, regime }) => `${regime}/${arm}`), [
      ...["labels-20/alpha-zero", "labels-20/joint-famo", "labels-20/joint-nash"],
    ]);
    const by = Object.fromEntries(units.map((unit) => [unit.arm, unit]));
    assertEquals(new Set(units.map(({ configuration }) => configuration)).size, 3);
    for (const { arm, outcomes, phases, chance, facts } of units) {
      assertEquals([chance, phases[0]!.phase, facts["refused"]], [0.1, "pretrain", {}], arm);
      assert(outcomes.length >= (arm === "joint-nash" ? 1 : 3), arm);
    }
    const cost = (arm: string) => by[arm]!.phases[0]!.cost;
    // Four images a batch, three steps: two outer passes, rotation, two views; FAMO looks twice.
    assertEquals(cost("alpha-zero").samples, 3 * 4 * (2 + 1 + 2));
    assertEquals(cost("joint-famo").samples, 3 * 4 * 2 * (1 + 1 + 2));
    // Alignment is logged where there is a wanted loss and another, at every evaluation.
    const logged = (arm: string) => Object.keys(by[arm]!.phases[0]!.curve.at(-1)!);
    for (const arm of ["joint-famo", "alpha-zero"]) {
      assert(
        ["rotationCosine", "contrastiveCosine"].every((key) => logged(arm).includes(key)),
        arm,
      );
    }
    assertEquals(logged("alpha-zero").includes("correctionCosine"), true);
    const last = by["alpha-zero"]!.phases[0]!.curve.at(-1)!;
    assert(last["correctionRatio"]! < 1e-9, "exact and first order are one at alpha 0");

    // Killed once in each arm, in the second while its weighting has a state.
    const again = `${folder}/again`;
    let child = start(...args, "--out", again);
    const killed = await runFolder(again);
    for (
      const stage of ["joint-famo", "alpha-zero", "joint-nash"].map((arm) => `${arm}-pretrain`)
    ) {
      let over = false;
      const output = child.output().finally(() => over = true);
      while (!over) {
        try {
          Deno.statSync(`${killed}/checkpoints/${stage}`);
          child.kill("SIGKILL");
          break;
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const { signal, stderr } = await output;
      assertEquals(signal, "SIGKILL", `${stage}: ${new TextDecoder().decode(stderr)}`);
      child = start("--resume", killed);
    }
    await ended(child);
    assertEquals(await unitsOf(killed), units);
    const metrics = (run: string) => Deno.readTextFile(`${run}/metrics.jsonl`);
    assertEquals(await metrics(killed), await metrics(path));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
