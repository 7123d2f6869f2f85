import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import type { Aval } from "../../src/ir/aval.ts";
import { callNotes } from "../../src/ir/call_notes.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import { print } from "../../src/ir/print.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { ntXent } from "../../src/loss/mod.ts";
import { uniform } from "../../src/random/mod.ts";
import * as t from "../../src/tensor/mod.ts";
import { checkpoint, grad, simplify, trace, vmap } from "../../src/transform/mod.ts";
import { SplitError, splitProgram } from "../../src/transform/split_program.ts";
import { Draw } from "../fuzz/draw.ts";
import { metaCase } from "./meta_case.ts";

const f32 = (...shape: number[]): Aval => ({ shape, dtype: "f32" });
const KEY: Aval = { shape: [2], dtype: "u32" };

/** A function and its arguments. */
interface Case {
  readonly fn: (...args: never[]) => unknown;
  readonly avals: readonly Aval[];
}

function programOf({ fn, avals }: Case): Program {
  return simplify(trace(fn as (...args: Tensor[]) => unknown, avals).program);
}

function drawn({ shape, dtype }: Aval, draw: Draw): NdArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const one = () => dtype === "f32" ? draw.integer(-999, 999) / 700 : draw.integer(0, 1);
  return ndArray({ shape, dtype }, Array.from({ length: size }, one));
}

/** Bytes of the largest value that a program computes and does not return, calls included. */
function largest({ nodes, outputs }: Program): number {
  // What is only sliced is computed where the slices are.
  const needed = new Set(
    nodes.flatMap(({ primitive, inputs }) => primitive.name === "slice" ? [] : inputs),
  );
  let most = 0;
  for (const { primitive: { lower }, params, outputs: made } of nodes) {
    if (lower.kind === "call") most = Math.max(most, largest(lower.program(params)));
    if (lower.kind === "source" || lower.kind === "alias") continue;
    for (const tensor of made) {
      const kept = needed.has(tensor) || lower.kind !== "pointwise";
      if (kept && !outputs.includes(tensor)) most = Math.max(most, 4 * tensor.size);
    }
  }
  return most;
}

/** Splits a program and compares it with itself, in float64. */
function assertSplits(
  program: Program,
  { limit, recompute = false, key = 1 }: {
    readonly limit: number;
    readonly recompute?: boolean;
    readonly key?: number;
  },
): Program {
  assert(largest(program) > limit, `nothing is larger than ${limit}`);
  const split = splitProgram(program, { limit, recompute });
  assert(largest(split) <= limit, `${largest(split)} bytes of at most ${limit}`);
  assertEquals(split.inputs, program.inputs);
  const draw = new Draw(key, 0, 0);
  const point = program.inputs.map((aval) => drawn(aval, draw));
  const [found, expected] = [split, program].map((one) => evaluate(one, point));
  found!.forEach(({ data }, k) => {
    const size = Math.max(...Array.from(expected![k]!.data, Math.abs));
    assert(size > 0 && Number.isFinite(size), `output ${k} says nothing: ${size}`);
    data.forEach((value, at) =>
      assertLess(Math.abs(value - expected![k]!.data[at]!), 1e-12 * Math.max(1, size))
    );
  });
  return split;
}

const parts = (program: Program): number[] =>
  callNotes(program).map((text) => Number(/split in (\d+)/.exec(text)![1]));

Deno.test("splitProgram() does an exact meta-gradient with dropout task by task", () => {
  const program = programOf(metaCase({ tasks: 4, size: 4, filters: 4, innerSteps: 2 }));
  const bytes = largest(program);
  const halves = assertSplits(program, { limit: bytes / 2 });
  assertEquals(callNotes(halves), ["split in 2 over axis 0 of size 4"]);
  assertEquals(parts(assertSplits(program, { limit: bytes / 4, key: 2 })), [4]);
  assertStringIncludes(print(halves), "nodes, split in 2 over axis 0 of size 4>");
});

Deno.test("splitProgram() returns a program of which nothing is too large", () => {
  const program = programOf(metaCase({ tasks: 2, size: 2, filters: 4, innerSteps: 1 }));
  assert(splitProgram(program, { limit: largest(program) }) === program);
});

/** Programs whose axes are summed, compared, used whole in between, and go through calls. */
const CASES: Readonly<Record<string, Case & { readonly limit: number; readonly turns: number }>> = {
  "a gradient is accumulated": {
    fn: (w: Tensor, x: Tensor) => grad((w: Tensor) => t.sum(t.square(t.tanh(t.matmul(x, w)))))(w),
    avals: [f32(5, 6), f32(30, 5)],
    limit: 360,
    turns: 2,
  },
  "turns may differ": { fn: (x: Tensor) => t.sum(t.sin(x)), avals: [f32(37)], limit: 60, turns: 4 },
  "a maximum, and what is done with it": {
    fn: (x: Tensor) => {
      const negative = t.sub(t.sin(x), 2);
      return [t.sum(t.softmax(negative, { axes: [0] }), { axes: [1] }), t.max(negative)];
    },
    avals: [f32(31, 2)],
    limit: 130,
    turns: 2,
  },
  "statistics over the axis, twice": {
    fn: (x: Tensor) => {
      const own = (x: Tensor) => t.tanh(t.standardize(t.sin(x), [0], 1e-3).normal);
      return grad((x: Tensor) => t.sum(t.square(own(own(x)))))(x);
    },
    avals: [f32(36)],
    limit: 72,
    turns: 2,
  },
  "all pairs of a batch": {
    fn: (w: Tensor, x: Tensor) => grad((w: Tensor) => ntXent(t.tanh(t.matmul(t.sin(x), w))))(w),
    avals: [f32(16, 3), f32(8, 16)],
    limit: 400,
    turns: 2,
  },
  "random numbers along the axis": {
    fn: (x: Tensor, key: Tensor) =>
      t.sum(t.mul(t.sin(t.mul(x, uniform(key, [30, 5]))), x), { axes: [0] }),
    avals: [f32(30, 5), KEY],
    limit: 200,
    turns: 3,
  },
  "an axis that is joined with others and parted from them": {
    fn: (x: Tensor) => {
      const joined = t.tanh(t.reshape(t.sin(x), [24, 5]));
      return t.sum(t.square(t.reshape(joined, [6, 4, 5])), { axes: [0, 2] });
    },
    avals: [f32(6, 2, 2, 5)],
    limit: 240,
    turns: 2,
  },
  "calls whose results are too large": {
    fn: (x: Tensor) => {
      const call = checkpoint((x: Tensor) => t.sin(t.mul(x, x)));
      return t.sum(call(call(x)), { axes: [0] });
    },
    avals: [f32(20, 2)],
    limit: 80,
    turns: 2,
  },
  "rows by index, and backwards": {
    fn: (table: Tensor, x: Tensor, rows: Tensor) =>
      grad((table: Tensor) => t.sum(t.sin(t.mul(t.take(table, rows), x))))(table),
    avals: [f32(2, 3), f32(24, 3), { shape: [24], dtype: "i32" }],
    limit: 300,
    turns: 2,
  },
  "a product of every example with itself": {
    fn: vmap((x: Tensor) => t.sum(t.square(t.matmul(t.sin(x), t.transpose(x))))),
    avals: [f32(4, 5, 3)],
    limit: 200,
    turns: 2,
  },
};
for (const [name, { limit, turns, ...one }] of Object.entries(CASES)) {
  for (const recompute of [false, true]) {
    Deno.test(`splitProgram(): ${name}${recompute ? ", computed again" : ""}`, () => {
      const split = assertSplits(programOf(one), { limit, recompute });
      assert(Math.max(...parts(split)) >= turns, `${callNotes(split)}`);
    });
  }
}

Deno.test("splitProgram() splits along a second axis where the first is too short", () => {
  const program = programOf({
    fn: (a: Tensor, b: Tensor) => t.sum(t.sin(t.mul(t.reshape(a, [4, 1]), t.reshape(b, [1, 4])))),
    avals: [f32(4), f32(4)],
  });
  const split = assertSplits(program, { limit: 8 });
  assertStringIncludes(print(split), "note: split in 4 over axis 0 of size 4}");
  assertEquals(callNotes(split), [
    "split in 4 over axis 0 of size 4",
    "split in 2 over axis 1 of size 4",
  ]);
});

Deno.test("splitProgram() keeps the work as it was, and repeats it only where it is told to", () => {
  const { limit: _, turns: __, ...one } = CASES["statistics over the axis, twice"]!;
  const program = programOf(one);
  const sines = ({ nodes }: Program): number =>
    nodes.reduce(
      (sum, { primitive: { lower, name }, params, outputs }) =>
        sum + (lower.kind === "call"
          ? sines(lower.program(params))
          : name === "sin"
          ? outputs[0]!.size
          : 0),
      0,
    );
  const [kept, again] = [false, true].map((recompute) =>
    sines(splitProgram(program, { limit: 72, recompute }))
  );
  assertEquals(kept, sines(program));
  assert(again! > kept!, `${again} sines`);
});

Deno.test("splitProgram() names what cannot be split, its size, the limit and who needs it", () => {
  const winner = programOf({
    fn: (x: Tensor) => t.argMax(t.sin(x), { axes: [0] }),
    avals: [f32(30)],
  });
  const error = assertThrows(() => splitProgram(winner, { limit: 60 }), SplitError);
  assertEquals(
    error.message,
    "the value f32[30] of 'sin' takes 120 bytes, expected at most 60, and 'argmax' needs it whole " +
      "along axis 0",
  );
});
