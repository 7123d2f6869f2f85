import {
  decodeShards,
  type ShardImages,
  type ShardJob,
  type ShardOpened,
} from "./decode_shards.ts";
import { streamFromWorker } from "./worker_stream.ts";

/** Whether a worker may be loaded: modules of files, with all they import, need permission to read. */
async function mayLoad(url: URL): Promise<boolean> {
  if (typeof Worker === "undefined") return false;
  if (url.protocol !== "file:") return true;
  const path = new URL("..", url);
  return (await Deno.permissions.query({ name: "read", path })).state === "granted";
}

/**
 * Decodes parquet files in a worker, which can be ended and works ahead, or in this thread where there
 * are no workers or their modules may not be read: what is decoded is checked to be finite either way.
 *
 * @param job Which files, and how.
 * @param options Longest silence of the worker in milliseconds, and how many parts it makes ahead.
 * @returns What {@linkcode decodeShards} gives.
 * @throws {Error} If a file is damaged, or the worker is silent for too long.
 */
export async function* startDecoder(
  job: ShardJob,
  { patience, ahead = 2 }: { patience: number; ahead?: number },
): AsyncGenerator<ShardOpened | ShardImages> {
  const url = new URL("./decode_shards_worker.ts", import.meta.url);
  if (!await mayLoad(url)) return yield* decodeShards(job);
  const what = `read ${job.paths.join(", ")}`;
  const parts = streamFromWorker(url, { job, what, patience, ahead });
  for await (const part of parts) yield part as ShardOpened | ShardImages;
}
