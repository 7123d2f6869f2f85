/**
 * The page: computes with every kernel family, every primitive to second order, the W-small meta-gradient
 * and random programs on the browser's WebGPU, and posts what it found to the server it came from.
 *
 * It is bundled for the browser, so nothing on its way can use `Deno`.
 *
 * @module
 */
import { builtInProfile } from "../../src/adapter/mod.ts";
import { numberChecks } from "../../src/doctor/number_check.ts";
import { selfCheck } from "../../src/doctor/self_check.ts";
import { Engine } from "../../src/engine/engine.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { argMax, max, sum } from "../../src/tensor/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { assertAgrees, referenceOf, runOn, runProgram } from "../cases/device.ts";
import { KERNELS } from "../kernels/all_kernels.ts";
import { gradientOf, randomLike, subjectOf } from "../cases/laws.ts";
import { type PrimitiveCase, primitiveCases } from "../cases/primitives.ts";
import { specialPointFaults } from "../cases/special_check.ts";
import { adapters } from "../fuzz/adapters.ts";
import { generate } from "../fuzz/generate.ts";
import { attempt, drawSetting } from "../fuzz/trial.ts";
import { conv4Workload } from "../workloads/conv4.ts";
import reference from "../workloads/w_small_exact.json" with { type: "json" };
import type { PageCheck, PageReport } from "./page_report.ts";

/** Most relative error of a primitive, as in the tests on Deno's adapter. */
const PRIMITIVE_TOLERANCE = 2e-5;

/** Most relative error of the meta-gradient. */
const WORKLOAD_TOLERANCE = 1e-5;

async function checked(name: string, check: () => Promise<string>): Promise<PageCheck> {
  const start = performance.now();
  try {
    const found = await check();
    const seconds = (performance.now() - start) / 1e3;
    return { name, right: true, found: `${found}, ${seconds.toFixed(1)} s` };
  } catch (error) {
    return { name, right: false, found: error instanceof Error ? error.message : String(error) };
  }
}

/** Throws if an error is too large, or not a number. */
function within(error: number, tolerance: number): string {
  const found = `relative error ${error.toExponential(1)}`;
  if (error <= tolerance) return found;
  throw new Error(`${found}, expected at most ${tolerance}`);
}

/** Runs the uses of one primitive and their first and second derivatives. */
async function checkPrimitive(
  backend: WebGpuBackend,
  cases: readonly PrimitiveCase[],
): Promise<string> {
  let count = 0;
  for (const entry of cases) {
    let subject = subjectOf(entry);
    const real = referenceOf(subject).every(({ dtype }) => dtype === "f32");
    const orders = real && entry.differentiable.length > 0 ? [0, 1, 2] : [0];
    for (const order of orders) {
      if (order > 0) subject = gradientOf(subject);
      const want = referenceOf(subject);
      const got = await runOn(backend, subject);
      assertAgrees(subject.name, got, { want, tolerance: PRIMITIVE_TOLERANCE });
      count++;
    }
  }
  return `${count} programs`;
}

/** Compiles the text of every hand-written kernel, whether this adapter would choose it or not. */
async function checkKernels({ resources: { gpu } }: WebGpuBackend): Promise<string> {
  const kernels = Object.entries(KERNELS);
  for (const [name, code] of kernels) {
    gpu.device.pushErrorScope("validation");
    gpu.device.createShaderModule({ label: name, code });
    const error = await gpu.device.popErrorScope();
    if (error) throw new Error(`${name}: ${error.message}`);
  }
  const { subgroups } = gpu;
  return `${kernels.length} kernels, ${subgroups ? `${subgroups.lanes} lanes` : "no subgroups"}`;
}

async function checkWorkload(backend: WebGpuBackend): Promise<string> {
  const workload = conv4Workload("small", { order: "exact" });
  const { program } = trace(workload.fn, workload.args);
  const results = await runProgram(backend, program, workload.arrays);
  const { loss, gradient } = workload.compareTo(reference, results);
  return within(Math.max(loss, gradient), WORKLOAD_TOLERANCE);
}

/** Reductions of workgroups that share columns: their barriers need control flow that this compiler finds uniform. */
async function checkTeams({ resources: { gpu } }: WebGpuBackend): Promise<string> {
  const backend = new WebGpuBackend(gpu, { profile: builtInProfile("discrete") });
  const shapes = [[[300, 8], [0]], [[300, 5], [0]], [[6, 90], [1]], [[70_000], [0]]] as const;
  for (const [shape, axes] of shapes) {
    const fn = (x: Tensor) => [sum(x, { axes }), max(x, { axes }), argMax(x, { axes })];
    const subject = {
      name: `[${shape}]`,
      fn,
      point: [randomLike({ shape, dtype: "f32" }, 1)],
      varying: [],
    };
    const [got, want] = [await runOn(backend, subject), referenceOf(subject)];
    assertAgrees(subject.name, got, { want, tolerance: PRIMITIVE_TOLERANCE });
  }
  return `${shapes.length} programs`;
}

/** Random programs, each compiled for another adapter like a GPU. */
async function checkRandomPrograms({ resources: { gpu } }: WebGpuBackend): Promise<string> {
  const names = Object.keys(adapters).filter((name) => /^(like a GPU|small)/.test(name));
  let elements = 0;
  for (const [program, adapter] of names.entries()) {
    const key = [1, program] as const;
    const recipe = generate(...key);
    const engines = {
      get: (_: string, name: string) =>
        Promise.resolve(new Engine(new WebGpuBackend(gpu, { traits: adapters[name]! }))),
      reset: () => {},
    };
    const setting = drawSetting(recipe, key, { engine: "webgpu", adapter, special: false });
    const verdict = await attempt(engines, recipe, setting);
    if (verdict.kind !== "right") {
      throw new Error(
        `program ${program}, ${adapter}, ${setting.mode}: ${verdict.kind}, ${verdict.message}`,
      );
    }
    elements += verdict.elements;
  }
  return `${names.length} programs of ${elements} numbers`;
}

/** What must be kept of NaN and infinities; names what this compiler does not keep beside it. */
async function checkNumbers(backend: WebGpuBackend): Promise<string> {
  const lost = (await numberChecks(new Engine(backend))).filter(({ kept }) => !kept);
  const names = (some: typeof lost): string => some.map(({ name }) => name).join("; ");
  const broken = lost.filter(({ promised }) => promised);
  if (broken.length > 0) throw new Error(`not kept: ${names(broken)}`);
  return `not kept, and not promised: ${names(lost) || "nothing"}`;
}

async function checkSpecialPoints(backend: WebGpuBackend): Promise<string> {
  const faults = await specialPointFaults(new Engine(backend));
  if (faults.length > 0) throw new Error(faults.join("; "));
  return "as the table says";
}

async function report(): Promise<PageReport> {
  const backend = await WebGpuBackend.open();
  const checks: PageCheck[] = [];
  const add = async (name: string, check: () => Promise<string>): Promise<void> => {
    await fetch("progress", { method: "POST", body: name });
    checks.push(await checked(name, check));
  };
  await add("every kernel compiles", () => checkKernels(backend));
  await add("kernel families", async () => {
    const results = await selfCheck(new Engine(backend));
    for (const { name, error, tolerance } of results) {
      await add(`kernel family ${name}`, () => Promise.resolve(within(error, tolerance)));
    }
    return String(results.length);
  });
  await add("numbers that are not finite", () => checkNumbers(backend));
  await add("special points to second order", () => checkSpecialPoints(backend));
  for (const primitive of new Set(primitiveCases.map(({ primitive }) => primitive))) {
    const cases = primitiveCases.filter((one) => one.primitive === primitive);
    await add(`primitive ${primitive} to second order`, () => checkPrimitive(backend, cases));
  }
  await add("W-small meta-gradient, exact", () => checkWorkload(backend));
  await add("reductions as on a GPU", () => checkTeams(backend));
  await add("random programs as on GPUs", () => checkRandomPrograms(backend));
  backend.close();
  return { adapter: backend.info.adapter, checks };
}

await fetch("report", { method: "POST", body: JSON.stringify(await report()) });
