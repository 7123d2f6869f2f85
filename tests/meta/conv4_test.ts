import { assert, assertEquals } from "@std/assert";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { check } from "../../src/ir/check.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { trace } from "../../src/transform/trace.ts";
import { runProgram } from "../cases/device.ts";
import { SHARED, sharedTest } from "../shared.ts";
import { webgpuTest } from "../webgpu.ts";
import { type Conv4Reference, type Conv4Workload, conv4Workload } from "../workloads/conv4.ts";

const ORDERS = ["exact", "first"] as const;

function readReference(url: URL): Conv4Reference {
  return JSON.parse(Deno.readTextFileSync(url)) as Conv4Reference;
}

function ownReference(file: string): Conv4Reference {
  return readReference(new URL(`../workloads/${file}.json`, import.meta.url));
}

function assertClose(
  workload: Conv4Workload,
  results: readonly ArrayLike<number>[],
  { reference, tolerance }: { reference: Conv4Reference; tolerance: number },
): void {
  const found = workload.compareTo(reference, results);
  assert(found.loss <= tolerance, `loss: relative error ${found.loss}`);
  assert(found.gradient <= tolerance, `gradient: relative error ${found.gradient}`);
  const { name, error } = found.worst;
  assert(error <= 10 * tolerance, `${name}: relative error ${error}`);
}

function evaluated(workload: Conv4Workload): ArrayLike<number>[] {
  const { program, outputs } = trace(workload.fn, workload.args);
  check(program);
  assertEquals(outputs.kind, "object");
  return evaluate(program, workload.arrays).map(({ data }) => data);
}

function onDevice(workload: Conv4Workload, gpu: Gpu): Promise<readonly ArrayLike<number>[]> {
  const { program } = trace(workload.fn, workload.args);
  return runProgram(new WebGpuBackend(gpu), program, workload.arrays);
}

for (const order of ORDERS) {
  const file = order === "exact" ? "w_small.json" : "w_small_first_order.json";
  sharedTest(`metaGradient() agrees with the float64 reference on W-small, order ${order}`, () => {
    const workload = conv4Workload("small", { order });
    const reference = readReference(new URL(`workloads/${file}`, SHARED));
    assertClose(workload, evaluated(workload), { reference, tolerance: 1e-9 });
  });

  webgpuTest(`WebGPU computes W-small to 1e-5, order ${order}`, async (gpu) => {
    const workload = conv4Workload("small", { order });
    const results = await onDevice(workload, gpu);
    const reference = ownReference(`w_small_${order}`);
    assertClose(workload, results, { reference, tolerance: 1e-5 });
  });
}

webgpuTest("WebGPU computes W-mid to 1e-2", async (gpu) => {
  const workload = conv4Workload("mid", { order: "exact" });
  const results = await onDevice(workload, gpu);
  assertClose(workload, results, { reference: ownReference("w_mid_exact"), tolerance: 1e-2 });
});
