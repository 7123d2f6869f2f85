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
import { input } from "../ops/source.ts";
import { pad, type PadParams, slice } from "../ops/slice_pad.ts";
import { callP } from "./call.ts";
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
  const done = new Map<Tensor, Tensor>();
  for (const tensor of program.inputs) done.set(tensor, tensor);
  for (const node of program.nodes) {
    if (node.primitive.name === "input") continue;
    const inputs = node.inputs.map((tensor) => done.get(tensor)!);
    const results = alignNode(node, inputs);
    node.outputs.forEach((output, k) => done.set(output, results[k]!));
  }
  return simplify(programOf(program.inputs, program.outputs.map((output) => done.get(output)!)));
}

function alignNode(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  const { primitive, params } = node;
  if (primitive.lower.kind === "call") {
    const { program, hoisted } = alignCallee(primitive.lower.program(params));
    const padded = hoisted.map(({ position, params }) => pad(inputs[position]!, params));
    return applyAll(callP, { program }, [...inputs, ...padded]);
  }
  const axes = CHANNEL_AXES[primitive.name];
  if (axes) {
    const operands = inputs.map((tensor, k) => padChannels(tensor, axes[k]!));
    const [result] = applyAll(primitive, params, operands);
    const { shape } = node.outputs[0]!;
    return [slice(result!, { start: shape.map(() => 0), shape })];
  }
  const same = inputs.every((tensor, k) => tensor === node.inputs[k]);
  return same ? node.outputs : applyAll(primitive, params, inputs);
}

function padChannels(tensor: Tensor, axes: readonly number[]): Tensor {
  return pad(tensor, {
    low: tensor.shape.map(() => 0),
    high: tensor.shape.map((extent, axis) => axes.includes(axis) ? (4 - extent % 4) % 4 : 0),
  });
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
  const done = new Map<Tensor, Tensor>(program.inputs.map((tensor) => [tensor, tensor]));
  for (const node of program.nodes) {
    if (node.primitive.name === "input") continue;
    const [output] = node.outputs;
    const position = program.inputs.indexOf(node.inputs[0]!);
    if (node.primitive.name === "pad" && position >= 0) {
      hoisted.push({ position, params: node.params as PadParams });
      extra.push(input(output!));
      done.set(output!, extra.at(-1)!);
      continue;
    }
    const inputs = node.inputs.map((tensor) => done.get(tensor)!);
    const same = inputs.every((tensor, k) => tensor === node.inputs[k]);
    const results = same ? node.outputs : applyAll(node.primitive, node.params, inputs);
    node.outputs.forEach((result, k) => done.set(result, results[k]!));
  }
  if (hoisted.length === 0) return { program, hoisted };
  const outputs = program.outputs.map((tensor) => done.get(tensor)!);
  return { program: simplify(programOf([...program.inputs, ...extra], outputs)), hoisted };
}
