/** Starting a backend of TensorFlow.js, wherever its modules come from. */
import type { LoadTfjsOptions, Tf, TfjsBackendName } from "./load.ts";
import { repairWasmMatMul } from "./wasm_matmul.ts";

/** Where the modules come from: what is not asked for is not loaded. */
export interface TfjsModules {
  /** TensorFlow.js itself. */
  tfjs(): Promise<Tf>;
  /** Its backend `wasm`. */
  wasm(): Promise<{ setWasmPaths(path: string): void }>;
}

/** Loads TensorFlow.js and starts a backend; see `loadTfjs`. */
export async function startTfjs(
  modules: TfjsModules,
  { backend, wasmPath }:
    & { readonly backend: TfjsBackendName }
    & {
      readonly [K in keyof LoadTfjsOptions]: LoadTfjsOptions[K] | undefined;
    },
): Promise<Tf> {
  const tf = await modules.tfjs();
  if (backend === "wasm") {
    const { setWasmPaths } = await modules.wasm();
    if (wasmPath !== undefined) setWasmPaths(wasmPath.replace(/\/?$/, "/"));
    repairWasmMatMul(tf);
  }
  const started = starts.last.then(() => start(tf, backend));
  starts.last = started.catch(() => {});
  await started;
  return tf;
}

/**
 * The last start of a backend, for the next one to wait for: TensorFlow.js has one current backend and
 * the process one console, and two starts at a time would spoil each other.
 */
const starts: { last: Promise<void> } = { last: Promise.resolve() };

async function start(tf: Tf, backend: TfjsBackendName): Promise<void> {
  const before = tf.getBackend();
  const { messages, result } = await collectMessages(async () => {
    const started = await tf.setBackend(backend);
    if (started) tf.scalar(0).dispose();
    return started;
  });
  if (!result) {
    // TensorFlow.js leaves the failed backend current, with which nothing can be computed.
    if (before && before !== backend) await tf.setBackend(before);
    throw new Error(
      `Cannot start the backend '${backend}' of TensorFlow.js: ${
        messages[0] ?? "it gave no reason"
      } Give --allow-read for Deno's cache folder, or use the backend 'cpu'.`,
    );
  }
  for (const message of messages) {
    if (!message.includes("install our node backend")) console.warn(message);
  }
}

/** Runs `start` with what it writes to the console collected: its only account of a failure. */
async function collectMessages<T>(
  start: () => Promise<T>,
): Promise<{ messages: string[]; result: T }> {
  const messages: string[] = [];
  const { warn, error } = console;
  console.warn = console.error = (...parts: unknown[]): void => {
    messages.push(parts.join(" "));
  };
  try {
    return { result: await start(), messages };
  } finally {
    console.warn = warn;
    console.error = error;
  }
}
