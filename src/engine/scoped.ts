/**
 * Trees of values that end with a block.
 *
 * @module
 */
import { describe } from "../ir/describe.ts";
import type { Engine } from "./engine.ts";
import { requireCall } from "../ir/options.ts";

/**
 * Lets a tree of values end with the block in which it is declared by `using`: then all its values are released, at
 * once. What is to live longer is taken out first; a value that was released or donated before does no harm.
 *
 * Values that are only dropped are freed too, later: see {@linkcode Engine}.
 *
 * @param engine The engine that holds the values.
 * @param tree Values in arrays and plain objects, or one value, as `put` and compiled functions return them.
 * @returns The same tree.
 * @throws {TypeError} If it is no object, or cannot be extended.
 *
 * @example
 * ```ts
 * import { hostArray, mul, openEngine, scoped, type Tensor } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = await openEngine("reference");
 * const before = engine.memory().live;
 * {
 *   using given = scoped(engine, engine.put({ x: hostArray([1, 2]), y: hostArray([3, 4]) }));
 *   using product = scoped(engine, await engine.jit((x: Tensor, y: Tensor) => mul(x, y))(given.x, given.y));
 *   assertEquals((await engine.read(product)).data, new Float32Array([3, 8]));
 * }
 * assertEquals(engine.memory().live, before);
 * ```
 */
export function scoped<T extends object>(engine: Engine, tree: T): T & Disposable {
  requireCall("scoped", arguments, 2);
  if (typeof tree !== "object" || tree === null || !Object.isExtensible(tree)) {
    throw new TypeError(
      `Cannot let ${
        typeof tree === "object" && tree !== null ? "a frozen tree" : describe(tree)
      } end with a block: expected values in an array or object as an engine returns them.`,
    );
  }
  const dispose = { value: () => engine.release(tree), configurable: true };
  return Object.defineProperty(tree, Symbol.dispose, dispose) as T & Disposable;
}
