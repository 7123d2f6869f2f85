/**
 * Channels of convolutions rounded up to whole vectors of four, with zeros.
 *
 * Devices load four channels at once. As part of the program, the padding is fused into what
 * computes the operand, the cropping into what uses the result, and the padding of a called
 * program's inputs moves out of the call, where all calls share it.
 *
 * @module
 */
import { type Program, programOf } from "../ir/program.ts";
import { applyAll, type Node, type Tensor } from "../ir/tensor.ts";
import { reshape } from "../ops/reshape.ts";
import { input } from "../ops/source.ts";
import { pad, type PadParams, slice } from "../ops/slice_pad.ts";
import { callP } from "./call.ts";
import { rewriteNodes, rewriteOutputs } from "./rewrite_nodes.ts";
import { simplify } from "./simplify.ts";

/** A called program with aligned channels, and the paddings that its callers now do. */
interface AlignedCallee {
  readonly program: Program;
  readonly hoisted: readonly { readonly position: number; readonly params: PadParams }[];
}

const callees = new WeakMap<Program, AlignedCallee>();

/** Channel axes of the two operands and the result of each convolution. */
const CHANNEL_AXES: Readonly<Record<string, readonly [number[], number[], number[]]>> = {
  conv2d: [[4], [3, 4], [4]],
  conv2d_input_grad: [[3, 4], [4], [4]],
  conv2d_filter_grad: [[4], [4], [3, 4]],
};

/**
 * Rounds the channels of all convolutions up to multiples of four, in called programs too.
 *
 * @param program The program.
 * @returns A simplified program with the same inputs and results.
 */
export function alignChannels(program: Program): Program {
  const paddings: Paddings = new Map();
  return simplify(rewriteNodes(program, (node, inputs) => alignNode(node, inputs, paddings)));
}

/** Tensors that were padded, by shape and padding, and what they became. */
type Paddings = Map<string, Map<Tensor, Tensor>>;

function alignNode(
  { primitive, params, outputs }: Node,
  inputs: readonly Tensor[],
  paddings: Paddings,
): readonly Tensor[] | undefined {
  if (primitive.lower.kind === "call") {
    const { program, hoisted } = alignCallee(primitive.lower.program(params));
    const padded = hoisted.map(({ position, params }) => pad(inputs[position]!, params));
    return applyAll(callP, { program }, [...inputs, ...padded]);
  }
  const axes = CHANNEL_AXES[primitive.name];
  if (!axes) return undefined;
  const operands = inputs.map((tensor, k) => padChannels(tensor, axes[k]!, paddings));
  const [result] = applyAll(primitive, params, operands);
  const { shape } = outputs[0]!;
  return [slice(result!, { start: shape.map(() => 0), shape })];
}

function padChannels(tensor: Tensor, axes: readonly number[], paddings: Paddings): Tensor {
  const { shape } = tensor;
  const high = shape.map((extent, axis) => axes.includes(axis) ? (4 - extent % 4) % 4 : 0);
  if (high.every((count) => count === 0)) return tensor;
  const key = `${shape} ${high}`;
  const known = paddings.get(key) ?? new Map<Tensor, Tensor>();
  paddings.set(key, known);
  const whole = unshaped(tensor);
  let padded = known.get(whole);
  if (!padded) known.set(whole, padded = padTensor(tensor, high, known));
  return padded;
}

/** Pads with zeros. The update of a tensor that was padded is an update of that: each step is as the first. */
function padTensor(
  tensor: Tensor,
  high: readonly number[],
  known: ReadonlyMap<Tensor, Tensor>,
): Tensor {
  const padding = { low: high.map(() => 0), high };
  const { primitive, params, inputs: [before, change] } = unshaped(tensor).node;
  const isUpdate = primitive.name === "sub" || primitive.name === "add";
  const padded = isUpdate ? known.get(unshaped(before!)) : undefined;
  if (!padded) return pad(tensor, padding);
  return applyAll(primitive, params, [padded, pad(reshape(change!, tensor.shape), padding)])[0]!;
}

function unshaped(tensor: Tensor): Tensor {
  const { primitive, inputs } = tensor.node;
  return primitive.name === "reshape" ? inputs[0]! : tensor;
}

function alignCallee(program: Program): AlignedCallee {
  let callee = callees.get(program);
  if (!callee) callees.set(program, callee = hoistPadding(alignChannels(program)));
  return callee;
}

/** Makes the paddings of a program's inputs inputs of their own. */
function hoistPadding(program: Program): AlignedCallee {
  const hoisted: { position: number; params: PadParams }[] = [];
  const extra: Tensor[] = [];
  const outputs = rewriteOutputs(program, ({ primitive, params, inputs, outputs: [output] }) => {
    const position = program.inputs.indexOf(inputs[0]!);
    if (primitive.name !== "pad" || position < 0) return undefined;
    hoisted.push({ position, params: params as PadParams });
    extra.push(input(output!));
    return [extra.at(-1)!];
  });
  if (hoisted.length === 0) return { program, hoisted };
  return { program: simplify(programOf([...program.inputs, ...extra], outputs)), hoisted };
}
