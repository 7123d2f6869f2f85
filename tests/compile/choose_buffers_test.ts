import { assert } from "@std/assert";
import { chooseBuffers } from "../../src/compile/choose_buffers.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add } from "../../src/ops/add.ts";
import { mul } from "../../src/ops/mul.ts";
import { reshape } from "../../src/ops/reshape.ts";
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
