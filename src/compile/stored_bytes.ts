/**
 * What a program keeps in memory, before it is compiled.
 *
 * @module
 */
import type { DeviceTraits } from "../ir/lowering.ts";
import type { Program } from "../ir/program.ts";
import type { Node, Tensor } from "../ir/tensor.ts";
import { chooseBuffers } from "./choose_buffers.ts";

/**
 * Bytes of the tensors of a program that are kept in memory; what its calls keep inside is not among them.
 *
 * @param program A simplified program.
 * @param traits The adapter.
 * @returns For each of them its bytes, or those of the largest scratch buffer of its kernels.
 */
export function storedBytes(program: Program, traits: DeviceTraits): Map<Tensor, number> {
  // How many buffers a dispatch reads decides little, and long concatenations are split later.
  const choice = chooseBuffers(program, { ...traits, maxStorageBuffers: Infinity });
  const bytes = new Map<Tensor, number>();
  for (const node of program.nodes) {
    if (node.primitive.lower.kind === "alias") continue;
    for (const output of node.outputs) {
      if (!choice.has(output)) continue;
      bytes.set(output, 4 * Math.max(output.size, ...scratchOf(node, traits)));
    }
  }
  return bytes;
}

function scratchOf({ primitive, params, inputs, outputs }: Node, traits: DeviceTraits) {
  const { lower } = primitive;
  if (lower.kind !== "kernel" || outputs[0]!.size === 0) return [];
  return lower.lower(params, inputs, outputs[0]!, traits).scratch;
}
