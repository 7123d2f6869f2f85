/**
 * A worker that decodes parquet files: it is sent a {@linkcode ShardJob} and a port, and answers every
 * message on the port with the next part.
 *
 * @module
 */
import { decodeShards } from "./decode_shards.ts";
import type { StreamAnswer } from "./worker_stream.ts";

addEventListener("message", (event) => {
  const { data: job, ports: [port] } = event as MessageEvent;
  const parts = decodeShards(job);
  const answer = async (): Promise<void> => {
    try {
      const { value, done } = await parts.next();
      const part: StreamAnswer = done ? { done: true } : { item: value };
      const buffers = !done && value.kind === "images"
        ? [value.images.buffer, value.labels.buffer]
        : [];
      port!.postMessage(part, buffers);
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      port!.postMessage({ error: { name, message } } satisfies StreamAnswer);
    }
  };
  let last = Promise.resolve();
  port!.onmessage = () => last = last.then(answer);
}, { once: true });
