import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Program } from "../../src/ir/program.ts";
import {
  addToLedger,
  EMPTY_LEDGER,
  forwardUnits,
  type MetaOrder,
  mixedModeUnits,
} from "../../src/meta/mod.ts";
import { trace } from "../../src/transform/trace.ts";
import { callees } from "./host.ts";
import { CONV4_SIZES, type Conv4Size, conv4Workload } from "../workloads/conv4.ts";

/** Floating-point operations of the convolutions of a program, calls included. */
function convolutionFlops(program: Program): number {
  let flops = 0;
  for (const { primitive, params, inputs, outputs } of program.nodes) {
    if (primitive.name.startsWith("conv2d")) flops += primitive.flops!(params, inputs, outputs);
  }
  for (const [callee, calls] of callees(program)) flops += calls * convolutionFlops(callee);
  return flops;
}

/** Operations of one image's forward pass in each convolution of Conv4. */
function forwardFlops({ filters }: Conv4Size): number[] {
  return [32, 16, 8, 4].map((extent, layer) =>
    2 * 9 * (layer === 0 ? 3 : filters) * filters * extent * extent
  );
}

function measure(size: Conv4Size, order: MetaOrder): number {
  const workload = conv4Workload(size, { order });
  return convolutionFlops(trace(workload.fn, workload.args).program);
}

const SIZE: Conv4Size = { ...CONV4_SIZES.mid, queries: 1 };

for (const innerSteps of [1, 5]) {
  Deno.test(`mixedModeUnits() is the exact cost of Conv4's convolutions, S = ${innerSteps}`, () => {
    const size = { ...SIZE, innerSteps };
    const images = size.tasks * size.way;
    const expected = forwardFlops(size).map((flops, layer) => {
      const inputVaries = layer > 0;
      const step = mixedModeUnits({ inputVaries, updateNeedsGradient: false });
      const outer = inputVaries ? 3 : 2;
      return flops * images * (innerSteps * step + outer);
    });
    const found = measure(size, "exact");
    assertEquals(found, expected.reduce((a, b) => a + b));
  });
}

for (const [order, method] of [["exact", "exact"], ["first", "first"]] as const) {
  Deno.test(`forwardUnits() is within 10% of Conv4's convolutions, order ${order}`, () => {
    const forward = forwardFlops(SIZE).reduce((a, b) => a + b) * SIZE.way;
    const nominal = forward *
      forwardUnits({ method, tasks: SIZE.tasks, innerSteps: SIZE.innerSteps });
    const ratio = measure(SIZE, order) / nominal;
    assert(Math.abs(ratio - 1) < 0.1, `measured ${ratio} of the nominal cost`);
  });
}

Deno.test("forwardUnits() counts every method", () => {
  const sizes = { tasks: 4, innerSteps: 5 };
  assertEquals(forwardUnits({ method: "exact", ...sizes }), 192);
  assertEquals(forwardUnits({ method: "first", ...sizes }), 72);
  assertEquals(forwardUnits({ method: "joint", ...sizes }), 15);
  assertEquals(forwardUnits({ method: "supervised", ...sizes }), 3);
  assertEquals(forwardUnits({ method: "exact" }), 12);
});

Deno.test("mixedModeUnits() counts the recomputed gradient only where the update needs it", () => {
  const count = (inputVaries: boolean, updateNeedsGradient: boolean) =>
    mixedModeUnits({ inputVaries, updateNeedsGradient });
  assertEquals([count(true, false), count(true, true)], [11, 12]);
  assertEquals([count(false, false), count(false, true)], [5, 6]);
});

Deno.test("addToLedger() adds up and leaves the old ledger alone", () => {
  const once = addToLedger(EMPTY_LEDGER, { steps: 1, samples: 10, flops: 5, seconds: 0.5 });
  const twice = addToLedger(once, { steps: 1, flops: 5 });
  assertEquals(once, { steps: 1, samples: 10, flops: 5, seconds: 0.5 });
  assertEquals(twice, { steps: 2, samples: 10, flops: 10, seconds: 0.5 });
  assertEquals(EMPTY_LEDGER, { steps: 0, samples: 0, flops: 0, seconds: 0 });
});

Deno.test("addToLedger() throws on negative and infinite amounts", () => {
  assertThrows(() => addToLedger(EMPTY_LEDGER, { steps: -1 }), RangeError, "found -1 steps");
  assertThrows(() => addToLedger(EMPTY_LEDGER, { flops: NaN }), RangeError, "found NaN flops");
});
