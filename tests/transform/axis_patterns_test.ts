import { assert, assertEquals, assertLess } from "@std/assert";
import type { Aval } from "../../src/ir/aval.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import { programOf } from "../../src/ir/program.ts";
import { applyAll, type Node, type Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { input } from "../../src/ops/source.ts";
import { type AxisPattern, axisPatterns, partParams } from "../../src/transform/axis_patterns.ts";
import { Draw } from "../fuzz/draw.ts";

const f32 = (...shape: number[]): Tensor => input({ shape, dtype: "f32" });
const CONV: ops.Conv2dParams = {
  input: [4, 4],
  kernel: [3, 3],
  stride: [1, 1],
  padding: [1, 1, 1, 1],
};

/** One application of every primitive that goes along axes, and how many of its patterns have 2 or 4 steps. */
const NODES: Readonly<Record<string, readonly [Tensor, patterns: number]>> = {
  add: [ops.add(f32(4, 3, 2), f32(4, 3, 2)), 3],
  identity: [ops.identity(f32(4, 2)), 3],
  barrier: [ops.barrier(f32(4, 2), 1), 3],
  stop_gradient: [ops.stopGradient(f32(4, 2)), 3],
  select: [ops.select(input({ shape: [4], dtype: "bool" }), f32(4), f32(4)), 2],
  fill: [ops.fill(3, [4, 2]), 3],
  iota: [ops.iota([4, 2], [0]), 1],
  broadcast: [ops.broadcast(f32(4, 2), [2, 4, 3, 2], [1, 3]), 4],
  permute: [ops.permute(f32(4, 3, 2), [2, 0, 1]), 3],
  reverse: [ops.reverse(f32(4, 2), [1]), 2],
  slice: [ops.slice(f32(4, 4), { start: [0, 1], shape: [4, 2] }), 2],
  pad: [ops.pad(f32(4, 4), { low: [0, 1], high: [0, 1] }), 2],
  concat: [ops.concat([f32(4, 2), f32(4, 4)], 1), 2],
  "gather of rows": [ops.gather(f32(3, 2), input({ shape: [4], dtype: "i32" })), 3],
  "gather in a batch": [
    ops.gather(f32(4, 3, 2), input({ shape: [4, 2], dtype: "i32" }), 1),
    4,
  ],
  random_bits: [ops.randomBits(input({ shape: [4, 2], dtype: "u32" }), [4]), 2],
  sum: [ops.sum(f32(4, 3, 2), [0, 2]), 3],
  reduce_max: [ops.reduceMax(f32(4, 2), [0]), 3],
  argmax: [ops.argMax(f32(4, 2), [0]), 1],
  joined: [ops.reshape(f32(4, 2, 3), [8, 3]), 2],
  parted: [ops.reshape(f32(8, 3), [2, 4, 3]), 1],
  "joined behind": [ops.reshape(f32(3, 4, 2), [3, 8]), 2],
  matmul: [ops.matmul(f32(4, 3, 2), f32(4, 2, 4)), 5],
  "matmul, transposed": [
    ops.matmul(f32(4, 2), f32(4, 4), { transposeA: true, transposeB: true }),
    5,
  ],
  conv2d: [ops.conv2d(f32(2, 4, 4, 4, 2), f32(2, 3, 3, 2, 4), CONV), 6],
  conv2d_input_grad: [ops.conv2dInputGrad(f32(2, 3, 3, 2, 4), f32(2, 4, 4, 4, 4), CONV), 6],
  conv2d_filter_grad: [ops.conv2dFilterGrad(f32(2, 4, 4, 4, 2), f32(2, 4, 4, 4, 4), CONV), 6],
};

/** The application in two parts along a pattern. */
function inTwoParts(node: Node, pattern: AxisPattern, extent: number): Tensor {
  const part = ({ shape }: Aval, axis: number | null, half: number) => ({
    start: shape.map((size, k) => k === axis ? half * size / extent : 0),
    shape: shape.map((size, k) => {
      const count = half === 0 ? 1 : extent - 1;
      return k === axis ? count * size / extent : size;
    }),
  });
  const [output] = node.outputs;
  const [first, second] = [0, 1].map((half) => {
    const operands = node.inputs.map((tensor, k) => {
      const axis = pattern.inputs[k]!;
      return axis === null ? tensor : ops.slice(tensor, part(tensor, axis, half));
    });
    const { shape } = part(output!, pattern.output, half);
    return applyAll(node.primitive, partParams(node, shape), operands)[0]!;
  });
  if (pattern.output !== null) return ops.concat([first!, second!], pattern.output);
  return (pattern.combine === "sum" ? ops.add : ops.maximum)(first!, second!);
}

for (const [name, [tensor, count]] of Object.entries(NODES)) {
  Deno.test(`axisPatterns() of ${name}: parts along them make the whole`, () => {
    const { node } = tensor;
    const draw = new Draw(3, 0, 0);
    const point = node.inputs.map((aval) => {
      const one = () => aval.dtype === "f32" ? draw.integer(-99, 99) / 50 : draw.integer(0, 1);
      return ndArray(aval, Array.from({ length: aval.size }, one));
    });
    const [whole] = evaluate(programOf(node.inputs, [tensor]), point);
    const found = [2, 4].flatMap((extent) =>
      axisPatterns(node, extent).map((pattern) => ({ pattern, extent }))
    );
    assertEquals(found.length, count);
    for (const { pattern, extent } of found) {
      const [made] = evaluate(
        programOf(node.inputs, [inTwoParts(node, pattern, extent)]),
        point,
      );
      const where = `${JSON.stringify(pattern)} in ${extent}`;
      assertEquals(made!.shape, whole!.shape, where);
      made!.data.forEach((value, k) => assertLess(Math.abs(value - whole!.data[k]!), 1e-12, where));
    }
    assert(whole!.data.some((value) => value !== 0));
  });
}
