import { ChecksumError } from "./verify_file.ts";

/** What a worker answers when it is asked for the next item. */
export type StreamAnswer =
  | { readonly item: unknown; readonly done?: false; readonly error?: undefined }
  | { readonly done: true; readonly error?: undefined }
  | { readonly error: { readonly name: string; readonly message: string } };

/** Options of {@linkcode streamFromWorker}. */
export interface WorkerStreamOptions {
  /** What the worker is sent first, beside a port. */
  readonly job: unknown;
  /** What is done, for errors: `read a.parquet`. */
  readonly what: string;
  /** Longest wait for one item in milliseconds. */
  readonly patience: number;
  /** Items that the worker makes ahead, at least 1. */
  readonly ahead: number;
}

/** An error of a worker as one of this side. */
function rebuild({ name, message }: { name: string; message: string }): Error {
  if (name === "ChecksumError") return new ChecksumError(message);
  return name === "RangeError" ? new RangeError(message) : new Error(message);
}

/** Resolves after some time. */
const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Answers that have arrived, and the wait for more. */
class Inbox {
  readonly #answers: StreamAnswer[] = [];
  #wake: () => void = () => {};

  put(answer: StreamAnswer): void {
    this.#answers.push(answer);
    this.#wake();
  }

  /** Takes the next answer, `undefined` if none comes in time. */
  async take(patience: number): Promise<StreamAnswer | undefined> {
    if (this.#answers.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, patience);
      await promise;
      clearTimeout(timer);
      // If this side was the busy one, an answer may wait to be delivered.
      if (this.#answers.length === 0) await pause(50);
    }
    return this.#answers.shift();
  }
}

/**
 * Takes items from a worker, which works ahead, and ends the worker if it is silent for too long: a
 * loop without end cannot be ended in any other way.
 *
 * @param url Module of the worker. It is sent the job and a port, and for every message on the port
 * answers with a {@linkcode StreamAnswer}.
 * @param options The job, and how long to wait.
 * @returns The items in order.
 * @throws {Error} What the worker threw, or that it was silent.
 */
export async function* streamFromWorker(
  url: URL,
  { job, what, patience, ahead }: WorkerStreamOptions,
): AsyncGenerator<unknown> {
  const inbox = new Inbox();
  const worker = new Worker(url, { type: "module" });
  const { port1: port, port2 } = new MessageChannel();
  port.onmessage = ({ data }) => inbox.put(data);
  worker.onerror = (event) => {
    event.preventDefault();
    inbox.put({ error: { name: "Error", message: `Cannot ${what}: ${event.message}` } });
  };
  try {
    worker.postMessage(job, [port2]);
    for (let asked = 0; asked < ahead; asked++) port.postMessage(null);
    for (;;) {
      const answer = await inbox.take(patience);
      if (answer === undefined) {
        throw new Error(
          `Cannot ${what}: no progress within ${patience} ms, expected some. The file is damaged, or the machine is overloaded: fetch the file again, or raise patience.`,
        );
      }
      if (answer.error !== undefined) throw rebuild(answer.error);
      if (answer.done) return;
      port.postMessage(null);
      yield answer.item;
    }
  } finally {
    port.close();
    worker.terminate();
  }
}
