/**
 * Multi-task self-supervised meta-learning: exact second-order meta-gradients of convolutional
 * networks on WebGPU.
 *
 * This entry is light: tensors, transformations, engines (WebGPU and a float64 reference), networks,
 * optimizers, meta-learning and self-supervised tasks, without a package and without anything of Deno or
 * Node, so it runs in browsers and workers too. What brings packages or touches files has entries of its
 * own: `/data`, `/train`, `/run`, `/report`, `/experiment`, `/study`, `/tfjs`, `/doctor`, and each
 * experiment, such as `/experiments/cifar-maml`, is a program.
 *
 * @example A first meta-gradient, on the best engine there is
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { hostArray, keyWords, maml, openEngine, sgd } from "@mutasesumele/toolkit";
 * import { square, sub, sum, type Tensor } from "@mutasesumele/toolkit";
 *
 * // One task wants x to be y; one inner step moves x there by a tenth of the slope 2 (x - y).
 * const loss = (x: Tensor, _shared: object, y: Tensor): Tensor => sum(square(sub(x, y)));
 * const metaGradient = maml({ inner: loss, outer: loss }, {
 *   innerSteps: 1,
 *   optimizer: sgd(),
 *   innerRate: 0.1,
 * });
 * using engine = await openEngine("auto");
 * const gradient = engine.jit((params: Tensor, y: Tensor, key: Tensor) =>
 *   metaGradient({ params, shared: {}, rates: {} }, { support: y, query: y, constants: {} }, key)
 *     .grads.params
 * );
 * const key = hostArray(keyWords(0), [2], "u32");
 * const { data } = await engine.read(await gradient(hostArray(3, []), hostArray([1]), key));
 * // Exact, through the inner step: (1 - 0.2) (1 - 0.2) 2 (3 - 1).
 * assertAlmostEquals(data[0]!, 2.56, 1e-5);
 * ```
 *
 * @module
 */
export * from "./src/adapter/mod.ts";
export * from "./src/data/in_memory.ts";
export * from "./src/engine/mod.ts";
export * from "./src/ir/mod.ts";
export * from "./src/kernel/mod.ts";
export * from "./src/loss/mod.ts";
export * from "./src/meta/mod.ts";
export * from "./src/multitask/mod.ts";
export * from "./src/nn/mod.ts";
export * from "./src/optim/mod.ts";
export * from "./src/pretext/mod.ts";
export * from "./src/profile/mod.ts";
export * from "./src/random/mod.ts";
export * from "./src/tensor/mod.ts";
export * from "./src/text/mod.ts";
export {
  type ArgumentOptions,
  checkpoint,
  type Chosen,
  customJvp,
  grad,
  hessian,
  hvp,
  inline,
  jacfwd,
  type JacobianOf,
  jacrev,
  jvp,
  type Positions,
  simplify,
  trace,
  type Traced,
  valueAndGrad,
  valueAndGradAux,
  vjp,
  vmap,
  type VmapAxes,
  type VmapOptions,
} from "./src/transform/mod.ts";
export { type Flat, flatten, mapTree, type Structure, type Tree } from "./src/tree/tree.ts";
/** The primitives, without broadcasting: for own derivative rules and own primitives. */
export * as primitives from "./src/ops/mod.ts";
