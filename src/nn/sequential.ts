import { describe } from "../ir/describe.ts";
import { requireCall } from "../ir/options.ts";
import { flatten } from "../tree/tree.ts";
import { foldIn, splitKey } from "../random/mod.ts";
import { type Layer, type Params, type ParamsOf, requireApplyOptions } from "./layer.ts";

/** Parameters of {@linkcode sequential}: one entry for every layer that has any. */
export type SequentialParams<L extends Readonly<Record<string, unknown>>> = {
  readonly [Name in keyof L as keyof ParamsOf<L[Name]> extends never ? never : Name]: ParamsOf<
    L[Name]
  >;
};

/**
 * Applies layers one after the other.
 *
 * Parameters and state have one entry, under the layer's name, for every layer that has any.
 *
 * @param layers The layers by name, in the order of application.
 * @returns One layer.
 * @throws {TypeError} If a name is a number (objects would reorder it) or contains a dot, or something is no layer.
 *
 * @example
 * ```ts
 * import { linear, ones, randomKey, reluLayer, sequential } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * const model = sequential({
 *   hidden: linear({ inputs: 3, outputs: 8 }),
 *   relu: reluLayer(),
 *   output: linear({ inputs: 8, outputs: 2 }),
 * });
 * const { params, state } = model.init(randomKey(0));
 * assertEquals(Object.keys(params), ["hidden", "output"]);
 * const { output } = model.apply(params, state, ones([5, 3]), { training: true });
 * assertEquals(output.shape, [5, 2]);
 * ```
 */
export function sequential<const L extends Readonly<Record<string, Layer<object>>>>(
  layers: L,
): Layer<SequentialParams<L>> {
  const entries = Object.entries(layers ?? {});
  for (const [name, layer] of entries) {
    if (typeof layer?.init !== "function" || typeof layer.apply !== "function") {
      throw new TypeError(
        `Cannot build a sequence of layers: found ${
          describe(layer)
        } for '${name}', expected a layer.`,
      );
    }
    if (/^\d+$/.test(name) || name.includes(".") || name === "") {
      throw new TypeError(
        `Cannot build a sequence of layers: found the name '${name}', expected one that is not ` +
          `a number and has no dot, such as 'layer${name.replaceAll(".", "_")}'.`,
      );
    }
  }
  requireCall("sequential", arguments, 1);
  return {
    init(key) {
      const params: Record<string, object> = {};
      const state: Record<string, Params> = {};
      const keys = entries.length === 0 ? [] : splitKey(key, entries.length);
      entries.forEach(([name, layer], k) => {
        const initial = layer.init(keys[k]!);
        if (flatten(initial.params).leaves.length > 0) params[name] = initial.params;
        if (flatten(initial.state).leaves.length > 0) state[name] = initial.state;
      });
      return { params: params as SequentialParams<L>, state };
    },
    apply(params, state, x, options) {
      requireCall("apply", arguments, 4);
      requireApplyOptions(options);
      const { training, key } = options;
      let output = x;
      const next: Record<string, Params[string]> = { ...state };
      entries.forEach(([name, layer], k) => {
        const applied = layer.apply(
          (params as Params)[name] as Params | undefined ?? {},
          (state[name] ?? {}) as Params,
          output,
          key ? { training, key: foldIn(key, k) } : { training },
        );
        output = applied.output;
        if (state[name] !== undefined) next[name] = applied.state;
      });
      return { output, state: next };
    },
  };
}
