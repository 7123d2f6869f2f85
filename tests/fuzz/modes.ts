/**
 * What is computed of a program: its results, a scalar of them, derivatives, maps.
 *
 * @module
 */
import type { Aval } from "../../src/ir/aval.ts";
import type { NdArray } from "../../src/ir/nd_array.ts";
import { zerosNd } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add, mul, sum } from "../../src/tensor/mod.ts";
import { hvp, jvp, valueAndGradAux, vmap } from "../../src/transform/mod.ts";
import type { Draw } from "./draw.ts";
import { drawInput, drawTangent } from "./inputs.ts";
import { build, inputsOf, type Recipe } from "./recipe.ts";

/** What is computed of a program. */
export const modes = [
  "out",
  "value",
  "grad",
  "jvp",
  "hvp",
  "vmap",
  "vmap of grad",
  "grad of vmap",
] as const;

/** What is computed of a program. */
export type Mode = (typeof modes)[number];

/** A function of tensors, and how its inputs are drawn. */
export interface Subject {
  /** The function. */
  readonly fn: (...args: Tensor[]) => Tensor[];
  /** Shapes and element types of its inputs. */
  readonly avals: readonly Aval[];
  /** Draws inputs. */
  inputs(draw: Draw): NdArray[];
}

/** Examples of a map. */
const BATCH = 3;

/** A scalar of results in which every element of every `f32` result has another weight. */
export function lossOf(outputs: readonly Tensor[]): Tensor {
  return outputs.filter(({ dtype }) => dtype === "f32")
    .map((y, k) => sum(mul(y, add(mul(y, 0.25), k + 1))))
    .reduce((a, b) => add(a, b));
}

/** How `lossOf` is written in a test. */
export const LOSS_TEXT =
  `const loss = (ys: Tensor[]) => ys.filter(({ dtype }) => dtype === "f32")\n` +
  `  .map((y, k) => sum(mul(y, add(mul(y, 0.25), k + 1)))).reduce((a, b) => add(a, b));`;

/** For each mapped input the axis that is mapped. */
export type Axes = readonly (number | null)[];

/** Axes of a map of a program: at least one input is mapped. */
export function drawAxes(recipe: Recipe, draw: Draw): Axes {
  const inputs = inputsOf(recipe);
  const sure = draw.integer(0, inputs.length - 1);
  return inputs.map(({ shape }, k) =>
    k === sure || draw.chance(0.6) ? draw.integer(0, shape.length) : null
  );
}

/** What a mode computes of a program. */
export function subjectOf(recipe: Recipe, mode: Mode, axes: Axes, special = false): Subject {
  const program = build(recipe);
  const lines = inputsOf(recipe);
  const plain = lines.map(({ shape, dtype }) => ({ shape, dtype }));
  const point = (draw: Draw): NdArray[] => lines.map((line) => drawInput(line, draw, special));
  const direction = (draw: Draw): NdArray[] => lines.map((line) => drawTangent(line, draw));
  const loss = (args: Tensor[]): Tensor => lossOf(program(...args));
  const gradient = (...args: Tensor[]): Tensor[] => {
    const { value, grad, aux } = valueAndGradAux((params: Tensor[]) => {
      const outputs = program(...params);
      return { loss: lossOf(outputs), aux: outputs };
    })(args);
    return [value, ...grad, ...aux];
  };
  switch (mode) {
    case "out":
      return { fn: program, avals: plain, inputs: point };
    case "value":
      return { fn: (...args) => [loss(args)], avals: plain, inputs: point };
    case "grad":
      return { fn: gradient, avals: plain, inputs: point };
    case "jvp":
      return {
        fn: (...args) => {
          const [primals, tangents] = halves(args);
          const { value, tangent } = jvp(program, primals, tangents);
          return [...value, ...tangent];
        },
        avals: [...plain, ...plain],
        inputs: (draw) => [...point(draw), ...direction(draw)],
      };
    case "hvp":
      return {
        fn: (...args) => hvp(loss)(...halves(args)),
        avals: [...plain, ...plain],
        inputs: (draw) => [...point(draw), ...direction(draw)],
      };
    case "vmap":
      return { fn: vmap(program, axes), ...batched(recipe, axes, special) };
    case "vmap of grad":
      return { fn: vmap(gradient, axes), ...batched(recipe, axes, special) };
    case "grad of vmap":
      return {
        fn: (...args) => {
          const { value, grad } = valueAndGradAux((params: Tensor[]) => ({
            loss: sum(vmap((...one: Tensor[]) => loss(one), axes)(...params)),
            aux: null,
          }))(args);
          return [value, ...grad];
        },
        ...batched(recipe, axes, special),
      };
  }
}

/** How a mode is written in a test, as a function of the program's inputs. */
export function modeText(mode: Mode, axes: Axes): string {
  const map = JSON.stringify(axes);
  const gradient = `(...xs: Tensor[]) => {\n` +
    `  const r = valueAndGradAux((ps: Tensor[]) => {\n` +
    `    const ys = [program(...ps)].flat();\n    return { loss: loss(ys), aux: ys };\n  })(xs);\n` +
    `  return [r.value, ...r.grad, ...r.aux];\n}`;
  switch (mode) {
    case "out":
      return `const fn = program;`;
    case "value":
      return `const fn = (...xs: Tensor[]) => loss([program(...xs)].flat());`;
    case "grad":
      return `const fn = ${gradient};`;
    case "jvp":
      return `const fn = (...xs: Tensor[]) =>\n` +
        `  jvp(program, xs.slice(0, xs.length / 2), xs.slice(xs.length / 2));`;
    case "hvp":
      return `const fn = (...xs: Tensor[]) => hvp((ps: Tensor[]) => loss([program(...ps)].flat()))(\n` +
        `  xs.slice(0, xs.length / 2), xs.slice(xs.length / 2));`;
    case "vmap":
      return `const fn = vmap(program, ${map});`;
    case "vmap of grad":
      return `const fn = vmap(${gradient}, ${map});`;
    case "grad of vmap":
      return `const fn = (...xs: Tensor[]) => valueAndGrad((ps: Tensor[]) => sum(vmap(\n` +
        `  (...one: Tensor[]) => loss([program(...one)].flat()), ${map})(...ps)))(xs);`;
  }
}

/** Splits a list in the middle. */
export function halves<T>(items: readonly T[]): [T[], T[]] {
  const half = items.length / 2;
  return [items.slice(0, half), items.slice(half)];
}

function batched(recipe: Recipe, axes: Axes, special: boolean): Omit<Subject, "fn"> {
  const lines = inputsOf(recipe).map((line, k) => {
    const axis = axes[k]!;
    if (axis === null) return line;
    const shape = [...line.shape.slice(0, axis), BATCH, ...line.shape.slice(axis)];
    return { ...line, shape };
  });
  return {
    avals: lines.map(({ shape, dtype }) => ({ shape, dtype })),
    inputs: (draw) => lines.map((line) => drawInput(line, draw, special)),
  };
}

/** One example of a batch: `at` along the mapped axes, which disappear. */
export function exampleOf(inputs: readonly NdArray[], axes: Axes, at: number): NdArray[] {
  return inputs.map((array, k) => {
    const axis = axes[k]!;
    if (axis === null) return array;
    const result = zerosNd(array.shape.filter((_, j) => j !== axis), array.dtype);
    const inner = array.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    result.data.forEach((_, j) => {
      const outer = Math.floor(j / inner);
      result.data[j] = array.data[(outer * array.shape[axis]! + at) * inner + j % inner]!;
    });
    return result;
  });
}
