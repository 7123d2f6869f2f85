/**
 * Functions of TensorFlow.js as primitives.
 *
 * @module
 */
import { type Aval, formatAval } from "../ir/aval.ts";
import type { NdArray } from "../ir/nd_array.ts";
import type { Linear, Primitive } from "../ir/primitive.ts";
import { apply, applyAll, type Node, type Tensor } from "../ir/tensor.ts";
import { concat } from "../ops/concat.ts";
import { like } from "../ops/fill.ts";
import { reshape } from "../ops/reshape.ts";
import { slice } from "../ops/slice_pad.ts";
import type { TfjsPrimitive } from "./executor.ts";
import { tfTypeOf } from "./held.ts";
import type { Tf, TfTensor } from "./load.ts";

/** Options of {@linkcode tfOp}. */
export interface TfOpOptions {
  /** Name in printed programs and in errors. */
  readonly name: string;
  /** The TensorFlow.js module, with a started backend: `executor.tf`. */
  readonly tf: Tf;
}

type Results = (...tensors: TfTensor[]) => readonly TfTensor[];

/** A function of TensorFlow.js with everything that is derived from it. */
interface TfFunction {
  readonly tf: Tf;
  readonly name: string;
  readonly fn: Results;
  /** Shapes of the results where they are known without running the function. */
  avals?(inputs: readonly Aval[]): readonly Aval[];
  readonly transpose?: Primitive<null>["transpose"];
}

/**
 * Makes a function of TensorFlow.js usable in programs.
 *
 * The executor of {@linkcode openTfjs} runs it natively, the reference interpreter in float32; it
 * cannot be compiled for WebGPU. Its derivatives are those of `tf.grads`, of every order for which
 * TensorFlow.js knows the derivatives of the operations involved. `vmap` runs it once for every
 * example.
 *
 * The function runs once on zeros for every new set of shapes to learn the shape of the result.
 *
 * @param fn A pure function of tensors (`f32` as float32, `i32` as int32, `bool`) that returns a
 *   float32 tensor.
 * @param options A name, and the TensorFlow.js module.
 * @returns A function of tensors of programs.
 * @throws {Error} When it is differentiated: if TensorFlow.js has no derivative for an operation
 *   of `fn`; the message names both.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { grad, openTfjs, type Tensor, tfOp, trace } from "@mutasesumele/toolkit";
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
  { name, tf }: TfOpOptions,
): (...tensors: Tensor[]) => Tensor {
  const primitive = definePrimitive({ name, tf, fn: (...tensors) => [fn(...tensors)] });
  return (...tensors) => apply(primitive, null, tensors);
}

function definePrimitive(op: TfFunction): Primitive<null> & TfjsPrimitive {
  const { tf, name, fn } = op;
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
    evaluate: (_, inputs) => {
      const results: NdArray[] = [];
      tf.tidy(() => {
        results.push(...fn(...inputs.map((array) => toTensor(tf, array))).map(toReference));
      });
      return results;
    },
    jvp: (node, tangents) => {
      const varying = tangents.map((tangent) => tangent !== null);
      const key = varying.join();
      let tangentOp = tangentOps.get(key);
      if (!tangentOp) tangentOps.set(key, tangentOp = defineTangent(op, varying));
      const given = tangents.filter((tangent) => tangent !== null);
      return applyAll(tangentOp, null, [...node.inputs, ...given]);
    },
    transpose: op.transpose ?? "not linear",
    vmap: ({ inputs, primitive, params }, operands, batch) => {
      const examples = Array.from(
        { length: batch },
        (_, at) =>
          applyAll(
            primitive,
            params,
            operands.map(({ tensor, batched }, k) =>
              batched ? example(tensor, at, inputs[k]!) : tensor
            ),
          ),
      );
      return examples[0]!.map((_, k) =>
        concat(examples.map((results) => reshape(results[k]!, [1, ...results[k]!.shape])), 0)
      );
    },
    lower: {
      kind: "kernel",
      lower: () => {
        throw new Error(
          `Cannot compile '${name}' for WebGPU: it is a function of TensorFlow.js. ` +
            `Run the program on the engine 'tfjs'.`,
        );
      },
    },
    tfjs: (_, operands) => fn(...operands),
  };
}

/** One example of a batched tensor. */
function example(tensor: Tensor, at: number, { shape }: Aval): Tensor {
  const start = tensor.shape.map((_, axis) => axis === 0 ? at : 0);
  return reshape(slice(tensor, { start, shape: [1, ...shape] }), shape);
}

/**
 * The tangent `J v` of a function in its varying operands, from operands and tangents.
 *
 * TensorFlow.js has only the reverse mode, so it is the derivative of `<J' u, v>` with respect to
 * `u`; its transpose is the gradient itself.
 */
function defineTangent(op: TfFunction, varying: readonly boolean[]): Primitive<null> {
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
      return derivatives(name, () => tf.grads(product)(seeds));
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
      const given = cotangents.map((cotangent, k) => cotangent ?? like(node.outputs[k]!, 0));
      const results = applyAll(gradient, null, [...node.inputs.slice(0, count), ...given]);
      let next = 0;
      return node.inputs.map((_, k) => k >= count && linear[k] ? results[next++]! : null);
    },
  });
}

/** Cotangents of the wanted operands, from operands and cotangents of the results. */
function gradientOf({ tf, name, fn }: TfFunction, wanted: readonly boolean[]): Results {
  const count = wanted.length;
  return (...all) => {
    const [primals, cotangents] = [all.slice(0, count), all.slice(count)];
    const loss = (...some: TfTensor[]): TfTensor => {
      let next = 0;
      const operands = primals.map((tensor, k) => wanted[k] ? some[next++]! : tensor);
      return innerProduct(tf, fn(...operands), cotangents);
    };
    return derivatives(name, () => tf.grads(loss)(primals.filter((_, k) => wanted[k])));
  };
}

function innerProduct(tf: Tf, a: readonly TfTensor[], b: readonly TfTensor[]): TfTensor {
  return a.map((tensor, k) => tf.sum(tf.mul(tensor, b[k]!))).reduce((so, more) => tf.add(so, more));
}

function derivatives<T>(name: string, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    throw new Error(
      `Cannot differentiate '${name}': ${(error as Error).message.replace(/\.?$/, ".")} ` +
        `Write the function with primitives, or use it where no further derivative is taken.`,
      { cause: error },
    );
  }
}

function avalsOnZeros({ tf, fn }: TfFunction, inputs: readonly Aval[]): Aval[] {
  const avals: Aval[] = [];
  tf.tidy(() => {
    const zeros = inputs.map(({ shape, dtype }) => tf.zeros([...shape], tfTypeOf(dtype)));
    for (const { shape, dtype } of fn(...zeros)) {
      if (dtype !== "float32") {
        throw new TypeError(`its result is of type ${dtype}, expected float32.`);
      }
      avals.push({ shape: [...shape], dtype: "f32" });
    }
  });
  return avals;
}

function toTensor(tf: Tf, { shape, dtype, data }: NdArray): TfTensor {
  const numbers = dtype === "f32" ? Float32Array.from(data) : data;
  return tf.tensor(numbers as Int32Array, [...shape], tfTypeOf(dtype));
}

function toReference(tensor: TfTensor): NdArray {
  return { shape: [...tensor.shape], dtype: "f32", data: Float64Array.from(tensor.dataSync()) };
}
