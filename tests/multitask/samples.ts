/**
 * Random Gram matrices of every kind, and methods applied to them in float64.
 *
 * @module
 */
import type { Tensor } from "../../src/ir/tensor.ts";
import type { Weighting } from "../../src/multitask/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import { constant, ones, valuesOf } from "../../src/tensor/mod.ts";
import { vmap } from "../../src/transform/mod.ts";
import { numbers } from "../meta/host.ts";

/** Rows of numbers. */
export type Matrix = number[][];

/** What the gradients of a sample are like. */
export const KINDS = ["free", "conflicting", "aligned", "opposed", "repeated", "zero"] as const;
/** One of them. */
export type Kind = typeof KINDS[number];

/** A Gram matrix and what it is made of. */
export interface Sample {
  readonly kind: Kind;
  readonly gram: Matrix;
  readonly lengths: readonly number[];
}

function normals(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Inner products of rows, on the host. */
export function gramOf(rows: Matrix): Matrix {
  return rows.map((a) => rows.map((b) => a.reduce((sum, x, k) => sum + x * b[k]!, 0)));
}

/** Gradients of `tasks` tasks, scaled each by up to 1e+-6 and all by one of 1e-10, 1, 1e10. */
export function sampleOf(random: () => number, tasks: number, kind: Kind, spread = 6): Sample {
  const normal = normals(random);
  const width = kind === "opposed" ? Math.max(1, tasks - 1) : 2 * tasks + 2;
  const rows = Array.from({ length: tasks }, () => Array.from({ length: width }, normal));
  const centre = rows[0]!.map((_, k) => rows.reduce((sum, row) => sum + row[k]!, 0) / tasks);
  const common = centre.map(() => 3 * normal());
  const shift = {
    conflicting: centre.map((x) => -0.9 * x),
    aligned: common,
    // A positive combination of the gradients is 0.
    opposed: centre.map((x) => -x),
    free: [],
    repeated: [],
    zero: [],
  }[kind];
  const moved = rows.map((row) => row.map((x, k) => x + (shift[k] ?? 0)));
  if (kind === "repeated") moved[tasks - 1] = moved[0]!.map((x) => x);
  if (kind === "zero") moved[tasks - 1] = moved[0]!.map(() => 0);
  // Squares of the lengths have to be numbers of f32: with 1e+-6 for each, up to 1e+-10 for all.
  const all = [1e-10, 1, 1e10][Math.floor(random() * 3)]!;
  const scaled = moved.map((row) => {
    const own = random() < 0.5 ? 1 : 10 ** (spread * (2 * random() - 1));
    return row.map((x) => x * own * (spread < 6 ? 1 : all));
  });
  const gram = gramOf(scaled);
  return { kind, gram, lengths: gram.map((row, k) => Math.sqrt(row[k]!)) };
}

/** The samples of one number of tasks. */
export function samples(tasks: number, count: number, spread?: number): Sample[] {
  const random = numbers(1000 + tasks);
  return Array.from(
    { length: count },
    (_, k) => sampleOf(random, tasks, KINDS[k % KINDS.length]!, spread),
  );
}

/** Matrix times vector, on the host. */
export function times(matrix: Matrix, vector: readonly number[]): number[] {
  return matrix.map((row) => row.reduce((sum, x, k) => sum + x * vector[k]!, 0));
}

/** Sum of numbers. */
export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Weights of the first step of a method for losses 1. */
export function weights(method: Weighting, gram: Tensor): Tensor {
  const tasks = gram.shape[0]!;
  return method.weigh({
    losses: ones([tasks]),
    gram,
    state: method.init(tasks),
    ...(method.needsKey ? { key: randomKey(0) } : {}),
  }).weights;
}

/** Weights of many matrices at once, in float64. */
export function solve(method: Weighting, all: readonly Sample[]): number[][] {
  const grams = constant(all.map(({ gram }) => gram));
  const found = valuesOf(vmap((gram: Tensor) => weights(method, gram))(grams));
  const tasks = all[0]!.gram.length;
  return all.map((_, k) => found.slice(k * tasks, (k + 1) * tasks));
}
