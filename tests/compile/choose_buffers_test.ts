import { assert } from "@std/assert";
import { chooseBuffers } from "../../src/compile/choose_buffers.ts";
import { Compiler } from "../../src/compile/compile.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add } from "../../src/ops/add.ts";
import { broadcast } from "../../src/ops/broadcast.ts";
import { exp } from "../../src/ops/exp_log.ts";
import { mul } from "../../src/ops/mul.ts";
import { reshape } from "../../src/ops/reshape.ts";
import { slice } from "../../src/ops/slice_pad.ts";
import { sum } from "../../src/ops/sum.ts";
import {
  convert,
  cumSum,
  flip,
  less,
  square,
  sum as total,
  takeRows,
  tanh,
  where,
} from "../../src/tensor/mod.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import { hvp, simplify, trace } from "../../src/transform/mod.ts";
import { DISCRETE_COSTS, SOFTWARE_TRAITS } from "../device_traits.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";

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

Deno.test("chooseBuffers() counts a value for each place that other elements of it are wanted at", () => {
  const isStored = (use: (value: Tensor) => Tensor): boolean => {
    let value: Tensor | undefined;
    const { program } = trace((x: Tensor) => {
      value = Array.from({ length: 8 }).reduce<Tensor>((of) => exp(of), x);
      return use(value);
    }, [{ shape: [4096, 64], dtype: "f32" }]);
    return chooseBuffers(program, SOFTWARE_TRAITS).has(value!);
  };
  const rows = (value: Tensor, first: number) =>
    slice(value, { start: [first, 0], shape: [4095, 64] });
  assert(!isStored((value) => add(exp(value), mul(value, value))));
  assert(
    !isStored((value) => {
      const first = rows(value, 0);
      return add(exp(first), mul(first, first));
    }),
  );
  assert(isStored((value) => add(rows(value, 0), rows(value, 1))));
  // Of one operation as well: rows, and where they are.
  assert(isStored((value) => {
    const flat = reshape(value, [4096 * 64]);
    return takeRows(flat, convert(flat, "i32"));
  }));
});

Deno.test("kernels stay short where shifted values of shifted values are summed", () => {
  const discrete = { ...SOFTWARE_TRAITS, costs: DISCRETE_COSTS };
  const { program } = trace((x: Tensor, v: Tensor) => {
    const curve = (x: Tensor) => tanh(cumSum(square(x), { exclusive: true }));
    return hvp((x: Tensor) => total(square(curve(curve(x)))))(x, v);
  }, [[192], [192]].map((shape) => ({ shape, dtype: "f32" as const })));
  const work = new Compiler(discrete).compile(simplify(program));
  let step = work.next();
  while (!step.done) step = work.next();
  const kernels = step.value.steps.filter((step) => step.kind === "dispatch");
  const lines = Math.max(...kernels.map(({ kernel }) => kernel.code.split("\n").length));
  assert(lines < 2000 && kernels.length > 1, `${lines} lines, ${kernels.length} kernels`);
});

Deno.test("values of which others are read in turn are stored where that takes the fewest kernels", async () => {
  const dispatches = async (step: (x: Tensor) => Tensor): Promise<number> => {
    const { program } = trace((x: Tensor) => {
      for (let k = 0; k < 60; k++) x = step(x);
      return x;
    }, [{ shape: [300], dtype: "f32" }]);
    const traits = { costs: DISCRETE_COSTS, subgroupLanes: 32, maxStorageBuffers: 32 };
    return (await new WebGpuBackend(paperGpu(MADE_UP), { traits }).load(simplify(program)))
      .dispatches;
  };
  const sorted = await dispatches((x) => where(less(x, flip(x, 0)), x, flip(x, 0)));
  assert(sorted <= 12, `${sorted} dispatches`);
  const summed = await dispatches((x) => cumSum(x));
  assert(summed <= 100, `${summed} dispatches`);
});
