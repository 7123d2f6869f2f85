/** Cases of constants, views, reductions and selection of rows. @module */
import * as ops from "../../src/ops/mod.ts";
import { bool, f32, grid, i32, type PrimitiveCase, primitiveCase, u32 } from "./case.ts";

const values = [0.5, -1, 2.25, 3, -4.5, 0.125, 7, -8, 9.75, 1, -11, 0.0625, 13, -14, 15];

/** Constants and identities. The operand of a constant is there to give the laws something to vary. */
const constants: readonly PrimitiveCase[] = [
  primitiveCase("input", [f32([3, 5])], { build: (x) => x }),
  primitiveCase("literal", [f32([3, 5])], {
    build: (x) => ops.add(x, ops.literal(values, [3, 5])),
  }),
  primitiveCase("literal i32", [i32([3])], {
    build: (x) => ops.add(x, ops.literal([3, -5, 7], [3], "i32")),
  }),
  primitiveCase("literal bool", [f32([3])], {
    build: (x) => ops.select(ops.literal([1, 0, 1], [3], "bool"), x, ops.neg(x)),
  }),
  primitiveCase("fill", [f32([3, 5])], { build: (x) => ops.mul(x, ops.fill(1.5, [3, 5])) }),
  primitiveCase("fill u32", [u32([3])], {
    build: (x) => ops.xor(x, ops.fill(0xdeadbeef, [3], "u32")),
  }),
  primitiveCase("iota", [f32([3, 5])], {
    build: (x) => ops.mul(x, ops.iota([3, 5], [1], "f32")),
  }),
  primitiveCase("iota over two axes", [i32([3, 5, 7])], {
    build: (x) => ops.add(x, ops.iota([3, 5, 7], [0, 2])),
  }),
  primitiveCase("identity", [f32([3, 5])], { build: ops.identity }),
  primitiveCase("barrier", [f32([3, 5])], { build: (x) => ops.barrier(x, 1) }),
  primitiveCase("stop_gradient", [f32([3, 5])], { build: ops.stopGradient, differentiable: [] }),
];

/** Views: elements move, values do not change. */
const views: readonly PrimitiveCase[] = [
  primitiveCase("reshape", [f32([3, 5, 7])], { build: (x) => ops.reshape(x, [7, 15]) }),
  primitiveCase("reshape to a scalar", [f32([1, 1])], { build: (x) => ops.reshape(x, []) }),
  primitiveCase("reshape bool", [bool([3, 5])], { build: (x) => ops.reshape(x, [15]) }),
  primitiveCase("permute", [f32([3, 5, 7])], { build: (x) => ops.permute(x, [2, 0, 1]) }),
  primitiveCase("permute i32", [i32([3, 5])], { build: (x) => ops.permute(x, [1, 0]) }),
  primitiveCase("permute six axes", [f32([1, 3, 2, 1, 5, 2])], {
    build: (x) => ops.permute(x, [5, 1, 3, 0, 4, 2]),
  }),
  primitiveCase("broadcast a scalar", [f32([])], { build: (x) => ops.broadcast(x, [3, 5], []) }),
  primitiveCase("broadcast in the middle", [f32([3, 5])], {
    build: (x) => ops.broadcast(x, [3, 7, 5], [0, 2]),
  }),
  primitiveCase("broadcast around", [u32([5])], {
    build: (x) => ops.broadcast(x, [3, 5, 7], [1]),
  }),
  primitiveCase("broadcast bool", [bool([3])], { build: (x) => ops.broadcast(x, [5, 3], [1]) }),
  primitiveCase("reverse", [f32([3, 5, 7])], { build: (x) => ops.reverse(x, [0, 2]) }),
  primitiveCase("reverse i32", [i32([7])], { build: (x) => ops.reverse(x, [0]) }),
  primitiveCase("slice", [f32([5, 7])], {
    build: (x) => ops.slice(x, { start: [1, 3], shape: [3, 1] }),
  }),
  primitiveCase("slice with strides", [f32([7, 5, 3])], {
    build: (x) => ops.slice(x, { start: [1, 0, 2], shape: [3, 2, 1], stride: [2, 3, 1] }),
  }),
  primitiveCase("slice u32", [u32([7])], {
    build: (x) => ops.slice(x, { start: [2], shape: [2], stride: [3] }),
  }),
  primitiveCase("slice bool", [bool([7])], {
    build: (x) => ops.slice(x, { start: [2], shape: [3] }),
  }),
  primitiveCase("pad", [f32([3, 5])], {
    build: (x) => ops.pad(x, { low: [1, 0], high: [0, 2] }),
  }),
  primitiveCase("pad between elements", [f32([3, 5, 1])], {
    build: (x) => ops.pad(x, { low: [1, 0, 3], high: [0, 2, 1], interior: [2, 1, 4] }),
  }),
  primitiveCase("pad i32", [i32([3])], { build: (x) => ops.pad(x, { low: [2], high: [1] }) }),
  primitiveCase("concat", [f32([3, 1]), f32([3, 5]), f32([3, 7])], {
    build: (a, b, c) => ops.concat([a!, b!, c!], 1),
  }),
  primitiveCase("concat in front", [f32([1, 5]), f32([3, 5])], {
    build: (a, b) => ops.concat([a!, b!], 0),
  }),
  primitiveCase("concat with itself", [f32([3, 5])], { build: (x) => ops.concat([x, x], 1) }),
  primitiveCase("concat u32", [u32([3]), u32([5])], { build: (a, b) => ops.concat([a!, b!], 0) }),
  primitiveCase("concat bool", [bool([3]), bool([1])], {
    build: (a, b) => ops.concat([a!, b!], 0),
  }),
];

const reductions: readonly PrimitiveCase[] = [
  primitiveCase("sum of all", [f32([3, 5])], { build: (x) => ops.sum(x, [0, 1]) }),
  primitiveCase("sum over the first axis", [f32([3, 5])], { build: (x) => ops.sum(x, [0]) }),
  primitiveCase("sum over the middle axis", [f32([3, 5, 7])], { build: (x) => ops.sum(x, [1]) }),
  primitiveCase("sum over two axes", [f32([3, 5, 7])], { build: (x) => ops.sum(x, [0, 2]) }),
  primitiveCase("sum of one", [f32([3, 1])], { build: (x) => ops.sum(x, [1]) }),
  ...(["normal", "mean", "scale"] as const).map((part) =>
    primitiveCase(`standardize ${part}`, [f32([3, 5, 2])], {
      build: (x) => ops.standardize(x, [0, 1], 1e-3)[part],
    })
  ),
  primitiveCase("standardize vectors", [f32([3, 7])], {
    build: (x) => ops.standardize(x, [1], 1e-3).normal,
  }),
  primitiveCase("reduce_max of all", [f32([3, 5])], { build: (x) => ops.reduceMax(x, [0, 1]) }),
  primitiveCase("reduce_max over the last axis", [f32([3, 7])], {
    build: (x) => ops.reduceMax(x, [1]),
  }),
  primitiveCase("reduce_max over windows", [f32([3, 2, 5, 2, 1])], {
    build: (x) => ops.reduceMax(x, [1, 3]),
  }),
  primitiveCase("reduce_max with ties", [grid([3, 7], 1, [-1, 1])], {
    build: (x) => ops.reduceMax(x, [1]),
    differentiable: [],
  }),
  primitiveCase("argmax of all", [f32([3, 5])], { build: (x) => ops.argMax(x, [0, 1]) }),
  primitiveCase("argmax over the first axis", [f32([5, 3])], { build: (x) => ops.argMax(x, [0]) }),
  primitiveCase("argmax over windows", [f32([3, 2, 5, 2, 1])], {
    build: (x) => ops.argMax(x, [1, 3]),
  }),
  primitiveCase("argmax with ties", [grid([3, 7], 1, [-1, 1])], {
    build: (x) => ops.argMax(x, [1]),
  }),
];

const rows: readonly PrimitiveCase[] = [
  primitiveCase("gather", [f32([5, 3]), i32([7], 0, 4)], { build: (x, k) => ops.gather(x!, k!) }),
  primitiveCase("gather of scalars", [f32([5]), i32([3], 0, 4)], {
    build: (x, k) => ops.gather(x!, k!),
  }),
  primitiveCase("gather clamps", [f32([5, 3]), i32([7], -3, 8)], {
    build: (x, k) => ops.gather(x!, k!),
  }),
  primitiveCase("gather in batches", [f32([3, 5, 2]), i32([3, 7], 0, 4)], {
    build: (x, k) => ops.gather(x!, k!, 1),
  }),
  primitiveCase("gather u32", [u32([5]), i32([3], 0, 4)], { build: (x, k) => ops.gather(x!, k!) }),
  primitiveCase("gather bool", [bool([5, 3]), i32([3], 0, 4)], {
    build: (x, k) => ops.gather(x!, k!),
  }),
  primitiveCase("scatter_add", [f32([7, 3]), i32([7], 0, 4)], {
    build: (x, k) => ops.scatterAdd(x!, k!, { rows: 5 }),
  }),
  primitiveCase("scatter_add clamps", [f32([7]), i32([7], -2, 5)], {
    build: (x, k) => ops.scatterAdd(x!, k!, { rows: 3 }),
  }),
  primitiveCase("scatter_add in batches", [f32([3, 7, 2]), i32([3, 7], 0, 4)], {
    build: (x, k) => ops.scatterAdd(x!, k!, { rows: 5, batchAxes: 1 }),
  }),
];

const bits: readonly PrimitiveCase[] = [
  primitiveCase("random_bits", [u32([2])], { build: (key) => ops.randomBits(key, [3, 5]) }),
  primitiveCase("random_bits of many keys", [u32([3, 2])], {
    build: (key) => ops.randomBits(key, [7]),
  }),
  primitiveCase("random_bits scalar", [u32([2])], { build: (key) => ops.randomBits(key, []) }),
];

/** Cases of constants, views, reductions, selection of rows and random bits. */
export const structuralCases: readonly PrimitiveCase[] = [
  ...constants,
  ...views,
  ...reductions,
  ...rows,
  ...bits,
];
