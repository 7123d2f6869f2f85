/** Soak: cifar-maml killed a hundred times, on every engine, some of them while it resumes. */
import { permissionFlags } from "../../src/experiment/permissions.ts";
import { loadCheckpoint } from "../../src/run/checkpoint.ts";
import { killAndResume, type KillReport, resumable, type Victim } from "./kill_loop.ts";

const root = new URL("../../", import.meta.url);

const TINY = [
  ...["model.backbone.encoder.widths=[2,2,2]", "model.backbone.encoder.embedding=4"],
  ...["model.hidden=4", "batchSize=4", "refreshBatches=2", "adaptationDraws=1"],
  ...["validation=10", "testImages=10", "meta.tasks.contrastive.projection=4", "pretrain.steps=6"],
  ...["fineTune.steps=6", "probe.steps=6", "evaluateEvery=2", "evaluationBatch=10", "saveEvery=2"],
].flatMap((assignment) => ["--set", assignment]);

/** Everything below a value but seconds and what is noted of files with times in them. */
function timeless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timeless);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name]) => !/seconds|^tensorboard\//i.test(name))
      .map(([name, inner]) => [name, timeless(inner)]),
  );
}

function cifarOn(engine: string): Victim {
  return {
    start: (args) =>
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          ...permissionFlags({
            args,
            always: ["experiments", ...caches],
            dataDirectory: undefined,
          }),
          ...["experiments/main.ts", "cifar-maml", ...args],
        ],
        cwd: root,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        env: { NO_COLOR: "1" },
      }).spawn(),
    begin: (out) => [
      ...["--engine", engine, "--data", "synthetic", "--seed", "3", "--out", out, ...TINY],
    ],
    runs: (out) => resumable(out, "cifar-maml"),
    results: async (path) => {
      const read = (name: string) => Deno.readTextFile(`${path}/${name}`);
      const stages: unknown[] = [];
      const folders = [...Deno.readDirSync(`${path}/checkpoints`)].map(({ name }) => name).sort();
      for (const stage of folders) {
        const { tensors, metadata } = await loadCheckpoint(
          `${path}/checkpoints/${stage}/step-000000006.safetensors`,
        );
        const parsed = Object.entries(metadata).map(([name, text]) =>
          /record|metrics/.test(name) ? [name, timeless(JSON.parse(text))] : [name, text]
        );
        stages.push([stage, tensors, parsed]);
      }
      return [
        await read("metrics.jsonl"),
        timeless(JSON.parse(await read("summary.json"))),
        stages,
      ];
    },
  };
}

/** TensorFlow.js reads its wasm out of the package cache. */
const caches = await packageCache();

async function packageCache(): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return [JSON.parse(new TextDecoder().decode(stdout)).npmCache];
}

/** Kills a third of `kills` on each engine. */
export async function kills(count: number, log: (line: string) => void): Promise<void> {
  const engines = ["webgpu", "tfjs", "reference"];
  const reports: KillReport[] = [];
  for (const [index, engine] of engines.entries()) {
    const folder = await Deno.makeTempDir();
    try {
      reports.push(
        await killAndResume(cifarOn(engine), {
          folder,
          kills: Math.ceil((count - index) / engines.length),
          seed: 1 + index,
          log: (line) => log(`${engine}: ${line}`),
        }),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  const total = (name: keyof KillReport) => reports.reduce((sum, report) => sum + report[name], 0);
  log(
    `${total("kills")} kills, ${total("duringResume")} of a resuming process, ` +
      `${total("beforeFolder")} before there was a folder; ${
        total("runs")
      } runs ended with the same ` +
      `parameters, metrics and record`,
  );
}
