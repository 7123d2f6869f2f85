import { assert } from "@std/assert";
import { chooseBuffers } from "../../src/compile/choose_buffers.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add } from "../../src/ops/add.ts";
import { broadcast } from "../../src/ops/broadcast.ts";
import { exp } from "../../src/ops/exp_log.ts";
import { mul } from "../../src/ops/mul.ts";
import { reshape } from "../../src/ops/reshape.ts";
import { sum } from "../../src/ops/sum.ts";
import { trace } from "../../src/transform/mod.ts";
import { SOFTWARE_TRAITS } from "../device_traits.ts";

Deno.test("chooseBuffers() stores what a reshape hides when an expression reads too many buffers", () => {
  const inputs = Array.from({ length: 10 }, () => ({ shape: [4], dtype: "f32" as const }));
  const { program } = trace((...x: Tensor[]) => {
    const hidden = reshape(x.slice(0, 5).reduce(add), [2, 2]);
    return add(hidden, reshape(x.slice(5).reduce(mul), [2, 2]));
  }, inputs);
  const choice = chooseBuffers(program, { ...SOFTWARE_TRAITS, maxStorageBuffers: 10 });
  const leaves = choice.leaves(program.outputs[0]!.node.inputs[0]!);
  assert(leaves.size <= 6, `${leaves.size} buffers`);
  const [output] = program.outputs;
  const read = new Set(
    output!.node.inputs.flatMap((tensor) =>
      choice.has(tensor) ? [tensor] : [...choice.leaves(tensor)]
    ),
  );
  assert(read.size <= 6, `${read.size} buffers`);
});

Deno.test("chooseBuffers() counts a value once for all reductions in one pass, and for each of several", () => {
  const avals = [0, 1, 2].map(() => ({ shape: [64, 64, 64], dtype: "f32" as const }));
  const isStored = (sums: (value: Tensor, a: Tensor, b: Tensor) => Tensor[]): boolean => {
    let value: Tensor | undefined;
    const { program } = trace((x: Tensor, a: Tensor, b: Tensor) => {
      value = Array.from({ length: 8 }).reduce<Tensor>((of) => exp(of), x);
      return sums(value, a, b);
    }, avals);
    return chooseBuffers(program, SOFTWARE_TRAITS).has(value!);
  };
  // One expression within another's as well.
  assert(
    !isStored((value, a, b) => [sum(value, [0]), sum(mul(value, a), [0]), sum(mul(b, value), [0])]),
  );
  assert(isStored((value, a) => [[0], [1], [2]].map((axes) => sum(mul(value, a), axes))));
  // The second pass needs the result of the first.
  assert(isStored((value, a, b) => {
    const first = mul(value, broadcast(sum(mul(value, a), [0]), [64, 64, 64], [1, 2]));
    return [sum(mul(first, b), [0]), sum(mul(value, b), [0])];
  }));
});
