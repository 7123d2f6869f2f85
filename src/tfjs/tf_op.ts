/**
 * Functions of TensorFlow.js as primitives.
 *
 * @module
 */
import { requireOptions } from "../ir/options.ts";
import { type Aval, formatAval } from "../ir/aval.ts";
import type { Linear, Primitive } from "../ir/primitive.ts";
import { apply, applyAll, type Node, type Tensor } from "../ir/tensor.ts";
import { eachExample } from "../ops/each_example.ts";
import * as ops from "../ops/mod.ts";
import { requireOtherName } from "../ops/own_names.ts";
import type { TfjsPrimitive } from "./executor.ts";
import type { Tf, TfTensor } from "./load.ts";
import {
  avalsOnZeros,
  evaluateOnHost,
  explained,
  loadOnDevice,
  type TfFunction,
} from "./tf_function.ts";
import { wayOut } from "./way_out.ts";

/** Options of {@linkcode tfOp}. */
export interface TfOpOptions {
  /** Name in printed programs and in errors. */
  readonly name: string;
  /** The TensorFlow.js module, with a started backend: `executor.tf`. */
  readonly tf: Tf;
}

/** A function of TensorFlow.js with everything that is derived from it. */
interface Rules extends TfFunction {
  /** Shapes of the results where they are known without running the function. */
  avals?(inputs: readonly Aval[]): readonly Aval[];
  readonly transpose?: Primitive<null>["transpose"];
}

/**
 * Makes a function of TensorFlow.js usable in programs.
 *
 * On the engine `webgpu` TensorFlow.js computes it on the engine's own device, between two submissions
 * and over the engine's own buffers; its backend there becomes the current one of the module. On `tfjs`
 * it is one operation among others; on `reference` it runs in float32. Its derivatives are those of
 * `tf.grads`, of every order for which TensorFlow.js knows the derivatives of the operations involved.
 * `vmap` runs it once for every example.
 *
 * The function runs once on zeros for every new set of shapes to learn the shape of the result, on the
 * backend that is current then.
 *
 * @param fn A pure function of tensors (`f32` as float32, `i32` as int32, `bool`) that returns a
 *   float32 tensor, at once; it keeps none of its operands.
 * @param options A name, and the TensorFlow.js module.
 * @returns A function of tensors of programs.
 * @throws {TypeError} If `fn` is no function, or name or module are missing; when it is applied: if the
 *   function throws, or returns anything else than a float32 tensor, with the way out where
 *   TensorFlow.js lacks an operation.
 * @throws {Error} When it is differentiated: if TensorFlow.js has no derivative for an operation
 *   of `fn`; the message names both, and the way out.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { grad, type Tensor, trace } from "@mutasesumele/toolkit";
 * import { openTfjs, tfOp } from "@mutasesumele/toolkit/tfjs";
 *
 * const executor = await openTfjs({ backend: "cpu" });
 * const { tf } = executor;
 * const square = tfOp((x) => tf.square(x!), { name: "square", tf });
 * const { program } = trace((x: Tensor) => grad(square)(x), [{ shape: [], dtype: "f32" }]);
 * const [gradient] = await executor.run(program, [
 *   { shape: [], dtype: "f32", data: new Float32Array([3]) },
 * ]);
 * assertEquals(gradient?.data, new Float32Array([6]));
 * executor.close();
 * ```
 */
export function tfOp(
  fn: (...tensors: TfTensor[]) => TfTensor,
  options: TfOpOptions,
): (...tensors: Tensor[]) => Tensor {
  const { name, tf } = options ?? {};
  if (typeof fn !== "function" || typeof name !== "string" || tf === undefined) {
    throw new TypeError(
      `Cannot make a primitive of TensorFlow.js: found ${typeof fn} and ${
        options === undefined ? "no options" : `options { ${Object.keys(options).join(", ")} }`
      }, expected a function and { name, tf }, tf being the module.`,
    );
  }
  requireOptions("tfOp", options, { name: true, tf: true });
  requireOtherName("a primitive", name, `tf.${name}`);
  const primitive = definePrimitive({ name, tf, fn: (...tensors) => [fn(...tensors)] });
  return (...tensors) => apply(primitive, null, tensors);
}

function definePrimitive(op: Rules): Primitive<null> & TfjsPrimitive {
  const { name, fn } = op;
  const known = new Map<string, readonly Aval[]>();
  const tangentOps = new Map<string, Primitive<null>>();
  return {
    name,
    avals: (_, inputs) => {
      const key = inputs.map(formatAval).join();
      let found = known.get(key);
      if (!found) known.set(key, found = op.avals?.(inputs) ?? avalsOnZeros(op, inputs));
      return found;
    },
    evaluate: (_, inputs) => evaluateOnHost(op, inputs),
    jvp: (node, tangents) => {
      const varying = tangents.map((tangent) => tangent !== null);
      const key = varying.join();
      let tangentOp = tangentOps.get(key);
      if (!tangentOp) tangentOps.set(key, tangentOp = defineTangent(op, varying));
      const given = tangents.filter((tangent) => tangent !== null);
      return applyAll(tangentOp, null, [...node.inputs, ...given]);
    },
    transpose: op.transpose ?? "not linear",
    vmap: eachExample,
    lower: { kind: "host", load: (node, device) => loadOnDevice(op, node, device) },
    tfjs: (_, operands) => explained(op.tf, () => fn(...operands)),
  };
}

/**
 * The tangent `J v` of a function in its varying operands, from operands and tangents.
 *
 * TensorFlow.js has only the reverse mode, so it is the derivative of `<J' u, v>` with respect to
 * `u`; its transpose is the gradient itself.
 */
function defineTangent(op: Rules, varying: readonly boolean[]): Primitive<null> {
  const { tf, name } = op;
  const count = varying.length;
  const pullBack = gradientOf(op, varying);
  const gradients = new Map<string, Primitive<null>>();
  return definePrimitive({
    tf,
    name: `tangent of ${name}`,
    avals: (inputs) => definePrimitive(op).avals(null, inputs.slice(0, count)),
    fn: (...all) => {
      const [primals, tangents] = [all.slice(0, count), all.slice(count)];
      const seeds = op.fn(...primals).map((result) => tf.zerosLike(result));
      const product = (...cotangents: TfTensor[]): TfTensor =>
        innerProduct(tf, pullBack(...primals, ...cotangents), tangents);
      return derivatives({ tf, name }, () => tf.grads(product)(seeds));
    },
    transpose: (node: Node<null>, cotangents, linear): readonly Linear[] => {
      const wanted = varying.map(() => false);
      const positions = varying.flatMap((is, k) => is ? [k] : []);
      positions.forEach((position, k) => wanted[position] = linear[count + k]!);
      const key = wanted.join();
      let gradient = gradients.get(key);
      if (!gradient) {
        gradient = definePrimitive({
          tf,
          name: `gradient of ${name}`,
          fn: gradientOf(op, wanted),
        });
        gradients.set(key, gradient);
      }
      const given = cotangents.map((cotangent, k) => cotangent ?? ops.like(node.outputs[k]!, 0));
      const results = applyAll(gradient, null, [...node.inputs.slice(0, count), ...given]);
      let next = 0;
      return node.inputs.map((_, k) => k >= count && linear[k] ? results[next++]! : null);
    },
  });
}

/** Cotangents of the wanted operands, from operands and cotangents of the results. */
function gradientOf({ tf, name, fn }: TfFunction, wanted: readonly boolean[]): TfFunction["fn"] {
  const count = wanted.length;
  return (...all) => {
    const [primals, cotangents] = [all.slice(0, count), all.slice(count)];
    const loss = (...some: TfTensor[]): TfTensor => {
      let next = 0;
      const operands = primals.map((tensor, k) => wanted[k] ? some[next++]! : tensor);
      return innerProduct(tf, fn(...operands), cotangents);
    };
    return derivatives({ tf, name }, () => tf.grads(loss)(primals.filter((_, k) => wanted[k])));
  };
}

function innerProduct(tf: Tf, a: readonly TfTensor[], b: readonly TfTensor[]): TfTensor {
  return a.map((tensor, k) => tf.sum(tf.mul(tensor, b[k]!))).reduce((so, more) => tf.add(so, more));
}

function derivatives<T>({ tf, name }: Omit<TfFunction, "fn">, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `Cannot differentiate '${name}': ${message.replace(/\.?$/, ".")} ${wayOut(tf, message)}`,
      { cause: error },
    );
  }
}
