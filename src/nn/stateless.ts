import { formatAval, sizeOf } from "../ir/aval.ts";
import { requireCall, requireOneOf, requireOptions } from "../ir/options.ts";
import { maxPool2d, mean, type PoolOptions, relu, reshape, transpose } from "../tensor/mod.ts";
import { type Layer, type NoParams, statelessLayer } from "./layer.ts";

/**
 * The rectified linear unit as a layer.
 *
 * @returns A layer from any shape to the same.
 *
 * @example
 * ```ts
 * import { constant, reluLayer, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { output } = reluLayer().apply({}, {}, constant([-1, 2]), { training: false });
 * assertEquals(valuesOf(output), [0, 2]);
 * ```
 */
export function reluLayer(): Layer<NoParams> {
  requireCall("reluLayer", arguments);
  return statelessLayer(relu);
}

/**
 * Max-pooling as a layer.
 *
 * @param options Size of the window, 2 unless told.
 * @returns A layer from `[n, height, width, channels]` to images smaller by that factor.
 *
 * @example
 * ```ts
 * import { maxPoolLayer, ones } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { output } = maxPoolLayer().apply({}, {}, ones([1, 5, 5, 3]), { training: false });
 * assertEquals(output.shape, [1, 2, 2, 3]);
 * ```
 */
export function maxPoolLayer(options: PoolOptions = {}): Layer<NoParams> {
  requireOptions("maxPoolLayer", options, { window: true, stride: true, padding: true });
  return statelessLayer((x) => maxPool2d(x, options));
}

/**
 * Mean over height and width, as a layer.
 *
 * @returns A layer from `[n, height, width, channels]` to `[n, channels]`.
 *
 * @example
 * ```ts
 * import { globalAveragePool, ones } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const { output } = globalAveragePool().apply({}, {}, ones([2, 5, 5, 3]), { training: false });
 * assertEquals(output.shape, [2, 3]);
 * ```
 */
export function globalAveragePool(): Layer<NoParams> {
  requireCall("globalAveragePool", arguments);
  return statelessLayer((x) => mean(x, { axes: [-3, -2] }));
}

/** Options of {@linkcode flattenLayer}. */
export interface FlattenOptions {
  /**
   * Order of the elements of an image: `"channels-last"` (default) as they are stored, by height,
   * width, channel; `"channels-first"` by channel, height, width, as in PyTorch.
   */
  readonly order?: "channels-last" | "channels-first";
}

/**
 * Makes every image one vector.
 *
 * @param options The order of its elements.
 * @returns A layer from `[n, height, width, channels]` to `[n, height * width * channels]`.
 * @throws {TypeError} When applied to anything but `[n, height, width, channels]`.
 *
 * @example
 * ```ts
 * import { constant, flattenLayer, valuesOf } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const layer = flattenLayer({ order: "channels-first" });
 * const { output } = layer.apply({}, {}, constant([[[[1, 2], [3, 4]]]]), { training: false });
 * assertEquals(valuesOf(output), [1, 3, 2, 4]);
 * ```
 */
export function flattenLayer(options: FlattenOptions = {}): Layer<NoParams> {
  requireOptions("flattenLayer", options, { order: true });
  const { order = "channels-last" } = options;
  requireOneOf("flattenLayer", ["order", order], ["channels-last", "channels-first"]);
  return statelessLayer((x) => {
    if (x.rank !== 4) {
      throw new TypeError(
        `Cannot flatten ${formatAval(x)}: expected images [n, height, width, channels].`,
      );
    }
    const ordered = order === "channels-first" ? transpose(x, [0, 3, 1, 2]) : x;
    return reshape(ordered, [x.shape[0]!, sizeOf(x.shape.slice(1))]);
  });
}
