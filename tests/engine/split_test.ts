/**
 * Programs that take more memory than the device has are computed in parts.
 */
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import type { Plan } from "../../src/compile/plan.ts";
import { Engine, type HostArray, hostArray } from "../../src/engine/mod.ts";
import { fittingProgram } from "../../src/engine/fitting_program.ts";
import { type BackendOptions, WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { DeviceMemoryError } from "../../src/gpu/buffers.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Aval } from "../../src/ir/aval.ts";
import { callNotes } from "../../src/ir/call_notes.ts";
import { print } from "../../src/ir/print.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { formatProfile, profile } from "../../src/profile/mod.ts";
import { matmul, sum, tanh } from "../../src/tensor/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { Draw } from "../fuzz/draw.ts";
import { metaCase } from "../transform/meta_case.ts";
import { webgpuTest } from "../webgpu.ts";

/** A function compiled for a device with less memory, and what is planned for it. */
async function compiled(
  gpu: Gpu,
  { fn, avals }: { readonly fn: (...args: Tensor[]) => Tensor[]; readonly avals: readonly Aval[] },
  options: Omit<BackendOptions, "profile" | "kernels"> = {},
) {
  const backend = new WebGpuBackend(gpu, options);
  const engine = new Engine(backend);
  const run = engine.jit(fn);
  const { program } = await run.prepare(...avals);
  const { plan: { plan } } = await backend.load(program);
  return {
    program,
    plan,
    temporaries: plan.slots.reduce((a, b) => a + b, 0),
    largest: Math.max(...plan.slots),
    results: async (args: readonly HostArray[]) => await engine.read(await run(...args)),
  };
}

function drawn(avals: readonly Aval[], draw: Draw): HostArray[] {
  return avals.map(({ shape, dtype }) => {
    const one = () => dtype === "f32" ? draw.integer(-999, 999) / 1000 : draw.integer(0, 1);
    const size = shape.reduce((a, b) => a * b, 1);
    return hostArray(Array.from({ length: size }, one), shape, dtype);
  });
}

function assertClose(found: readonly HostArray[], expected: readonly HostArray[]): void {
  found.forEach(({ data }, k) => {
    const before = expected[k]!.data;
    const size = Math.max(...Array.from(before, Math.abs));
    assert(size > 0 && Number.isFinite(size), `output ${k} says nothing: ${size}`);
    data.forEach((value, at) => assertLess(Math.abs(value - before[at]!), 1e-5 * size));
  });
}

webgpuTest("a meta-gradient beyond one binding is computed in parts", async (gpu) => {
  const meta = metaCase({ tasks: 8, size: 8, filters: 8, innerSteps: 1 });
  const whole = await compiled(gpu, meta);
  assertEquals(callNotes(whole.program), []);
  const binding = Math.floor(whole.largest / 3);
  const parts = await compiled(gpu, meta, { traits: { maxStorageBinding: binding } });
  assertEquals(callNotes(parts.program), ["split in 4 over axis 0 of size 8"]);
  assertStringIncludes(print(parts.program), "split in 4 over axis 0 of size 8");
  assert(parts.largest <= binding, `${parts.largest} bytes of ${binding}`);
  assert(
    parts.temporaries < whole.temporaries / 2,
    `${parts.temporaries} bytes of temporaries, ${whole.temporaries} before`,
  );
  for (const call of [1, 2]) {
    const args = drawn(meta.avals, new Draw(5, 0, call));
    assertClose(await parts.results(args), await whole.results(args));
  }
});

Deno.test("fittingProgram() plans what fits once, and leaves it as it is", async () => {
  const [x] = [{ shape: [4], dtype: "f32" }] as const;
  const { program } = trace((x: Tensor) => sum(tanh(x)), [x]);
  const planned: Program[] = [];
  const plan = { slots: [] } as unknown as Plan;
  const result = await fittingProgram(program, {
    name: "sum",
    plan: (one) => {
      planned.push(one);
      return Promise.resolve(plan);
    },
    lack: () => undefined,
  });
  assert(result.program === program && result.plan === plan);
  assertEquals(planned.length, 1);
});

/** Two products through what is larger than all operands and results. */
const WIDE = {
  fn: (a: Tensor, b: Tensor, c: Tensor): Tensor[] => [matmul(tanh(matmul(a, b)), c)],
  avals: [[64, 2], [2, 64], [64, 2]].map((shape): Aval => ({ shape, dtype: "f32" })),
};

webgpuTest(
  "a program beyond the budget is computed in parts, and its profile says so",
  async (gpu) => {
    const whole = await compiled(gpu, WIDE);
    const byteBudget = Math.floor(0.7 * whole.temporaries);
    const parts = await compiled(gpu, WIDE, { byteBudget });
    assertEquals(callNotes(parts.program), ["split in 2 over axis 0 of size 64"]);
    const args = drawn(WIDE.avals, new Draw(6, 0, 1));
    assertClose(await parts.results(args), await whole.results(args));

    const engine = new Engine(new WebGpuBackend(gpu, { byteBudget }));
    const measured = await profile(engine, WIDE.fn, WIDE.avals, { runs: 1, roofline: false });
    assertEquals(measured.splits, callNotes(parts.program));
    assertStringIncludes(formatProfile(measured), "\nsplit in 2 over axis 0 of size 64\n");
  },
);

webgpuTest("what cannot be computed in parts is refused with its name and size", async (gpu) => {
  const square = (a: Tensor, b: Tensor): Tensor[] => {
    const product = matmul(a, b);
    return [sum(matmul(product, product))];
  };
  const avals: Aval[] = [{ shape: [64, 2], dtype: "f32" }, { shape: [2, 64], dtype: "f32" }];
  const error = await assertRejects(
    () => compiled(gpu, { fn: square, avals }, { traits: { maxStorageBinding: 8192 } }),
    DeviceMemoryError,
  );
  for (
    const part of [
      'Cannot load "square": its largest array takes 16384 bytes',
      "binds at most 8192 bytes at once",
      "It cannot be computed in parts: the value f32[64, 64] of 'matmul' takes 16384 bytes, " +
      "expected at most 8192, and 'matmul' needs it whole along axis 0",
      "Use smaller batches, images or models",
    ]
  ) assertStringIncludes(error.message, part);
});
