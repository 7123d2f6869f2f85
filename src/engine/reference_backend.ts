/**
 * The float64 reference interpreter as an engine: exact, slow, without a device.
 *
 * @module
 */
import { type Aval, sizeOf } from "../ir/aval.ts";
import { evaluateSteps } from "../ir/evaluate.ts";
import { type NdArray, ndArray } from "../ir/nd_array.ts";
import { Pauses } from "../ir/pauses.ts";
import type { Backend, EngineInfo, EngineMemory } from "./engine.ts";
import { type HostArray, hostData } from "../ir/host_array.ts";

/** Options of {@linkcode ReferenceBackend}. */
export interface ReferenceOptions {
  /**
   * Whether arrays stay float64 between programs. By default they are rounded to float32, as on
   * every other engine, so that training goes on from a checkpoint with the same numbers.
   */
  readonly float64?: boolean;
}

/** A backend that evaluates programs in float64 on the host. */
export class ReferenceBackend implements Backend {
  readonly info: EngineInfo;
  readonly #pauses = new Pauses();
  #live = 0;
  #peak = 0;

  /** A backend that has no arrays yet. */
  constructor({ float64 = false }: ReferenceOptions = {}) {
    this.info = {
      name: "reference",
      adapter: "float64 reference interpreter",
      software: true,
      holds: float64 ? "float64" : "float32",
    };
  }

  upload(array: HostArray): NdArray {
    return this.#track(ndArray(array, array.data));
  }

  download(
    arrays: readonly { readonly aval: Aval; readonly handle: unknown }[],
  ): Promise<HostArray[]> {
    return Promise.resolve(arrays.map(({ aval, handle }) => ({
      shape: aval.shape,
      dtype: aval.dtype,
      data: hostData(Array.from((handle as NdArray).data), aval.dtype),
    })));
  }

  release(handle: unknown): void {
    this.#live -= bytesOf(handle as NdArray);
  }

  load(program: Parameters<Backend["load"]>[0]): ReturnType<Backend["load"]> {
    return Promise.resolve({
      dispatches: program.nodes.length,
      run: async (inputs: readonly unknown[]) => {
        const results = await this.#pauses.work(evaluateSteps(program, inputs as NdArray[]));
        return results.map((array) => this.#track(this.#held(array)));
      },
    });
  }

  memory(): EngineMemory {
    return { live: this.#live, peak: this.#peak };
  }

  resetPeak(): void {
    this.#peak = this.#live;
  }

  close(): void {
    this.#live = 0;
  }

  #held(array: NdArray): NdArray {
    const round = this.info.holds === "float32" && array.dtype === "f32";
    return round ? ndArray(array, Float32Array.from(array.data)) : array;
  }

  #track(array: NdArray): NdArray {
    this.#live += bytesOf(array);
    this.#peak = Math.max(this.#peak, this.#live);
    return array;
  }
}

function bytesOf({ shape }: NdArray): number {
  return sizeOf(shape) * 8;
}
