/** Programs of more operands than a kernel may read. @module */
import { assert, assertEquals } from "@std/assert";
import { Engine } from "../../src/engine/engine.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import * as t from "../../src/tensor/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";
import { webgpuTest } from "../webgpu.ts";
import { agreesTest, subject } from "./agrees.ts";

const many = (count: number): number[] => Array.from({ length: count }, (_, k) => k % 3 + 1);

agreesTest("no number of operands is too many", [
  subject("a hundred tensors joined", many(100).map((n) => [n]), (...x) => [t.concat(x)]),
  subject("a hundred joined and reduced", many(100).map((n) => [n, 4]), (...x) => {
    const all = t.concat(x);
    return [t.sum(all, { axes: 0 }), t.max(all, { axes: 1 }), t.exp(all)];
  }),
  subject("a sum of forty", many(40).map(() => [2, 4]), (...x) => {
    const total = x.reduce((a, b) => t.add(a, b));
    return [total, t.sum(total), t.sum(t.mul(total, total), { axes: 1 })];
  }),
  subject(
    "thirty results of one size from thirty tensors",
    many(30).map(() => [4]),
    (...x) => x.map((one, k) => t.mul(t.exp(one), x[(k + 7) % x.length]!)),
  ),
  subject("reductions of many with epilogues of many", many(12).map(() => [3, 4]), (...x) => {
    const sums = x.map((one) => t.sum(t.mul(one, x[0]!), { axes: 1 }));
    return sums.map((one, k) => t.sqrt(t.add(one, t.mul(sums[(k + 5) % 12]!, sums[0]!))));
  }),
  subject("views of ten tensors, in vectors and one by one", many(10).map(() => [4, 4]), (...x) => {
    const twisted = x.map((one) => t.add(one, t.transpose(one)));
    return [twisted.reduce((a, b) => t.mul(a, b)), t.sum(twisted.reduce((a, b) => t.add(a, b)))];
  }),
]);

webgpuTest("a thousand losses can be stacked", async (gpu) => {
  const engine = new Engine(new WebGpuBackend(gpu));
  const stack = engine.jit((...x: Tensor[]) => t.stack(x.map((one) => t.mul(one, 2))));
  const result = await engine.read(await stack(...many(1000).map((n) => hostArray([n], []))));
  assertEquals(Array.from(result.data), many(1000).map((n) => 2 * n));
});

Deno.test("nor has one kernel all of them where an adapter allows half a million", async () => {
  const maxStorageBuffersPerShaderStage = 524_288;
  const gpu = paperGpu({
    ...MADE_UP,
    limits: { ...MADE_UP.limits, maxStorageBuffersPerShaderStage } as GPUSupportedLimits,
  });
  const backend = new WebGpuBackend(gpu);
  const { program } = trace(
    (...x: Tensor[]) => [t.stack(x.map((one) => t.mul(one, 2))), x.reduce((a, b) => t.add(a, b))],
    many(1000).map(() => ({ shape: [], dtype: "f32" as const })),
  );
  const { plan } = (await backend.load(program)).plan;
  for (const { label, kernel: { code } } of plan.dispatches) {
    assert(deepest(code) < 100, `${label}: ${deepest(code)} deep`);
  }
});

/** How deep parentheses and braces of a text are nested. */
function deepest(code: string): number {
  let [depth, most] = [0, 0];
  for (const letter of code) {
    if (letter === "(" || letter === "{") most = Math.max(most, ++depth);
    else if (letter === ")" || letter === "}") depth--;
  }
  return most;
}
