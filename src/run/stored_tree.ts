/**
 * Trees of values as named tensors of a checkpoint, and back.
 *
 * @module
 */
import * as is from "../ir/kinds.ts";
import { requireArguments } from "../ir/options.ts";
import type { Engine, HostArray, HostData, Value } from "../engine/mod.ts";
import { flatten, unflatten, uniquePaths } from "../tree/tree.ts";
import type { StoredTensor } from "./safetensors.ts";

const STORED = { f32: "F32", i32: "I32", u32: "U32", bool: "BOOL" } as const;

/**
 * Reads a tree of values into tensors named by their paths, such as `params.encoder.norm.gamma`.
 *
 * @param engine The engine that holds the values.
 * @param tree Nested objects of values.
 * @returns The tensors by name.
 *
 * @example
 * ```ts
 * import { hostArray, openEngine } from "@mutasesumele/toolkit";
 * import { storeTree } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = await openEngine("reference");
 * const tensors = await storeTree(engine, { layer: { bias: engine.put(hostArray([1, 2])) } });
 * assertEquals(Object.keys(tensors), ["layer.bias"]);
 * engine.close();
 * ```
 */
export async function storeTree(
  engine: Engine,
  tree: unknown,
): Promise<Record<string, StoredTensor>> {
  requireArguments("storeTree", { engine }, { engine: is.engine });
  const flat = flatten<Value>(tree);
  const paths = uniquePaths(flat, "store a tree");
  const arrays = await engine.read(flat.leaves) as HostArray[];
  return Object.fromEntries(arrays.map(({ shape, dtype, data }, k) => {
    const stored = { dtype: STORED[dtype], shape, data: dtype === "bool" ? bytesOf(data) : data };
    return [paths[k]!, stored as StoredTensor];
  }));
}

/**
 * Puts the tensors of a checkpoint on an engine, in a tree like another one.
 *
 * @param engine Where to put them.
 * @param template A tree of values with the wanted structure, shapes and element types.
 * @param tensors Tensors by path; those that the template lacks are passed over.
 * @returns New values in the structure of the template.
 * @throws {TypeError} If a tensor is missing or has another shape or element type.
 *
 * @example
 * ```ts
 * import { hostArray, openEngine } from "@mutasesumele/toolkit";
 * import { restoreTree, storeTree } from "@mutasesumele/toolkit/run";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = await openEngine("reference");
 * const tree = engine.put({ bias: hostArray([1, 2]) });
 * const restored = restoreTree(engine, tree, await storeTree(engine, tree));
 * assertEquals((await engine.read(restored)).bias.data, new Float32Array([1, 2]));
 * engine.close();
 * ```
 */
export function restoreTree<T>(
  engine: Engine,
  template: T,
  tensors: Readonly<Record<string, StoredTensor>>,
): T {
  requireArguments("restoreTree", { engine, template, tensors }, {
    engine: is.engine,
    template: true,
    tensors: is.object,
  });
  const flat = flatten<Value>(template);
  const { leaves, structure } = flat;
  const paths = uniquePaths(flat, "restore a tree");
  const arrays = leaves.map((leaf, k): HostArray => {
    requireArguments("restoreTree", { template: leaf }, {
      template: is.objectWith({ shape: is.list, dtype: is.text }, "a tree of values, each of them"),
    });
    const { shape, dtype } = leaf;
    const stored = tensors[paths[k]!];
    if (stored?.dtype !== STORED[dtype] || stored.shape.join() !== shape.join()) {
      throw new TypeError(
        `Cannot restore '${paths[k]}' from a checkpoint: found ${
          stored ? `${stored.dtype} [${stored.shape}]` : "nothing"
        }, expected ${STORED[dtype]} [${shape}]. It was written for another configuration.`,
      );
    }
    return { shape, dtype, data: stored.data as HostData };
  });
  return unflatten(structure, engine.put(arrays));
}

function bytesOf(data: HostData): Uint8Array {
  return data instanceof Uint8Array ? data : Uint8Array.from(data);
}
