/**
 * Folders of runs to watch.
 *
 * @module
 */
import { formatMetricRecord } from "../../src/run/metrics.ts";
import { encodeSafetensors } from "../../src/run/safetensors.ts";

/** What a folder of a run holds. */
export interface MadeRun {
  /** When it began. */
  readonly date: string;
  /** Its `status.json`. */
  readonly status?: object;
  /** Steps of its log. */
  readonly steps?: number;
}

/** One line of the log of a made run. */
export function metricsLine(step: number, scale = 1): string {
  const loss = scale / (1 + step);
  return formatMetricRecord({
    ...{ arm: "meta", phase: "train", step, loss, accuracy: 1 - loss / scale },
    ...{ rotationLoss: 2 * loss, rotationCosine: Math.cos(step), rotationWeight: 0.5 },
  });
}

/**
 * Writes the folder of a run.
 *
 * @param folder Where.
 * @param run What is in it.
 */
export async function makeRun(folder: string, { date, status, steps = 3 }: MadeRun): Promise<void> {
  await Deno.mkdir(`${folder}/checkpoints/meta-train`, { recursive: true });
  const record = [
    `experiment: demo\nseed: 3\ndate: '${date}'\ncommand:\n  - deno\n  - '<b>task</b>'\ncommit: abc`,
    "engine: auto\ndata: synthetic\npreset: null\nresumed: []",
    "environment:\n  engine: webgpu\n  adapter: llvmpipe\n  softwareAdapter: true\nconfig:\n  x: 1\n",
  ];
  await Deno.writeTextFile(`${folder}/config.yaml`, record.join("\n"));
  if (status) await Deno.writeTextFile(`${folder}/status.json`, JSON.stringify(status));
  await Deno.writeTextFile(`${folder}/report.html`, "<h1>report</h1><script>1</script>");
  const lines = Array.from({ length: steps }, (_, k) => metricsLine(k + 1));
  await Deno.writeTextFile(`${folder}/metrics.jsonl`, lines.join(""));
  const ledger = { steps: 2, samples: 64, flops: 2e9, seconds: 0.5 };
  const curve = [{ step: 0, seconds: 0 }, { step: 2, seconds: 0.5 }];
  const metadata = { record: JSON.stringify({ ledger, curve }) };
  const pieces = encodeSafetensors({ tensors: {}, metadata });
  await Deno.writeFile(
    `${folder}/checkpoints/meta-train/step-000000002.safetensors`,
    new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()),
  );
}
