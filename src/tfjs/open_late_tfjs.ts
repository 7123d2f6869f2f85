/** TensorFlow.js for programs that may do without: fetched when it is opened, and not with the program. */
import { TfjsExecutor, type TfjsOptions } from "./executor.ts";
import type { Tf } from "./load.ts";
import { startTfjs, type TfjsModules } from "./start_tfjs.ts";

/** The version that the package is tested with. */
export const TFJS_VERSION = "4.22.0";

/** Deno fetches what an import names literally before a program begins, and anything else when it comes to it. */
async function fetchModule(name: "tfjs" | "tfjs-backend-wasm"): Promise<unknown> {
  try {
    return await import(`npm:@tensorflow/${name}@${TFJS_VERSION}`);
  } catch (cause) {
    throw new Error(
      `Cannot load TensorFlow.js, without which nothing but the slow engine 'reference' is left here: ${
        cause instanceof Error ? cause.message : String(cause)
      } Fetch it where there is a network, with: deno cache npm:@tensorflow/${name}@${TFJS_VERSION}`,
      { cause },
    );
  }
}

const FETCHED: TfjsModules = {
  tfjs: async () => await fetchModule("tfjs") as Tf,
  wasm: async () =>
    await fetchModule("tfjs-backend-wasm") as Awaited<ReturnType<TfjsModules["wasm"]>>,
};

/**
 * Opens an executor on a TensorFlow.js that may not be there yet.
 *
 * @param options Which backend, and where its files are.
 * @returns The executor; close it when done.
 * @throws {Error} If it cannot be fetched, or the backend does not start.
 */
export async function openLateTfjs(options: TfjsOptions = {}): Promise<TfjsExecutor> {
  const { backend = "wasm", wasmPath } = options;
  return new TfjsExecutor(await startTfjs(FETCHED, { backend, wasmPath }));
}
