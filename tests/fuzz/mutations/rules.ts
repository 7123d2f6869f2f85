/** Faults of rules. @module */
import type { Mutation } from "./mutation.ts";

/** Faults of rules. */
export const rules: readonly Mutation[] = [
  {
    name: "tanh: 1 - y instead of 1 - y^2",
    file: "src/ops/tanh.ts",
    from: "sub(like(x!, 1), mul(y!, y!))",
    to: "sub(like(x!, 1), y!)",
    engine: "tfjs",
  },
  {
    name: "quotient: the derivative for the denominator is scaled",
    file: "src/ops/mul.ts",
    from: "neg(div(mul(y!, db), b!))",
    to: "neg(div(mul(y!, db), mul(b!, b!)))",
    engine: "tfjs",
  },
  {
    name: "power: the exponent stays",
    file: "src/ops/pow.ts",
    from: "pow(x!, exponent - 1)",
    to: "pow(x!, exponent)",
    engine: "tfjs",
  },
  {
    name: "maximum: the derivative goes to the smaller",
    file: "src/ops/select.ts",
    from: "return select(lessEqual(b!, a!), da ?? zero, db ?? zero);",
    to: "return select(lessEqual(a!, b!), da ?? zero, db ?? zero);",
    engine: "tfjs",
  },
  {
    name: "concatenation: all cotangents begin at the start",
    file: "src/ops/concat.ts",
    from: "at === axis ? offset : 0);\n      offset += shape[axis]!;",
    to:
      "at === axis ? Math.min(offset, ct.shape[axis]! - shape[axis]!, 1) : 0);\n      offset += shape[axis]!;",
    engine: "tfjs",
  },
  {
    name: "matrix product: a transposed operand stays transposed",
    file: "src/ops/matmul.ts",
    from: "matmul(ct, b!, { transposeA: false, transposeB: !transposeB })",
    to:
      "matmul(ct, b!, { transposeA: false, transposeB: !transposeB || b!.shape.at(-1) === b!.shape.at(-2) })",
    engine: "tfjs",
  },
  {
    name: "largest element: the derivative goes to all that are equal to it",
    file: "src/ops/reduce_max.ts",
    from: "const isWinner = equal(winner, iota(x!.shape, axes));",
    to:
      "const isWinner = equal(x!, broadcast(reduceMax(x!, axes), x!.shape, keptAxes(x!.shape, axes)));\n    void winner; void iota;",
    engine: "tfjs",
  },
  {
    name: "standardization: the scale's derivative loses a factor",
    file: "src/ops/standardize.ts",
    from: "neg(mul(mul(scale!, scale!), projection)),",
    to: "neg(mul(scale!, projection)),",
    engine: "tfjs",
  },
  {
    name: "reversal on the device is off by one",
    file: "src/ops/reverse.ts",
    from: "offsetIndex(scaleIndex(part, -1), x!.shape[axis]! - 1)",
    to: "offsetIndex(scaleIndex(part, -1), Math.max(1, x!.shape[axis]! - 2))",
  },
  {
    name: "gather of a map loses its batch axis",
    file: "src/ops/gather.ts",
    from: "gather(withBatch(x!, batch), withBatch(indices!, batch), batchAxes + 1)",
    to:
      "gather(withBatch(x!, batch), withBatch(indices!, batch), x!.batched ? batchAxes + 1 : batchAxes)",
    engine: "tfjs",
  },
  {
    name: "tfjs: padding before and after are exchanged",
    file: "src/tfjs/structural.ts",
    from: "[low[axis]!, high[axis]!]",
    to: "[high[axis]!, low[axis]!]",
    engine: "tfjs",
  },
];
