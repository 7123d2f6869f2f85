/**
 * What kernels do, counted in their texts.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Compiler } from "../../src/compile/compile.ts";
import { makePlan } from "../../src/compile/plan.ts";
import type { DeviceTraits } from "../../src/ir/lowering.ts";
import {
  type Conv2dGeometry,
  lowerConv2d,
  lowerConv2dFilterGrad,
  lowerConv2dInputGrad,
} from "../../src/ops/conv2d_lowering.ts";
import { lowerMatmul } from "../../src/ops/matmul_lowering.ts";
import { compute } from "../../src/predict/wgsl_arithmetic.ts";
import { kernelWork } from "../../src/predict/kernel_work.ts";
import { simplify, trace } from "../../src/transform/mod.ts";
import { DISCRETE_COSTS, SOFTWARE_COSTS, SOFTWARE_TRAITS } from "../device_traits.ts";
import { KERNELS } from "../kernels/all_kernels.ts";
import { metaCase } from "../transform/meta_case.ts";

const HEAD = `
override N: u32;
struct Sizes { rows: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> z: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;
var<workgroup> tile: array<vec4f, 64>;
`;

function countOf(body: string, workgroups: readonly [number, number, number] = [2, 1, 1]) {
  const code = `${HEAD}
fn twice(v: vec4f, n: u32) -> vec4f {
  var sum = v;
  for (var k = 0u; k < n; k += 2u) { sum = sum * 2.0; }
  return sum;
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  let q = id.x;
  ${body}
}`;
  return kernelWork({ code, overrides: { N: 3, rows: 5 }, workgroups });
}

Deno.test("kernelWork() counts loads, stores, products and operations of the invocations that do them", () => {
  const all = countOf("y[q] = x[q] * 2.0 + x[q + 1u];");
  assertEquals([all.invocations, all.workgroups], [128, 2]);
  assertEquals([all.loads, all.stores, all.products], [128 * 8, 128 * 4, 128 * 8]);
  assertEquals([all.scalarLoads, all.scalarStores, all.operations], [0, 0, 0]);
  const few = countOf("if (q >= 10u) { return; } z[q] = exp(x[q].y);");
  assertEquals(few.invocations, 10);
  assertEquals([few.loads, few.scalarLoads, few.scalarStores], [0, 10, 10]);
  assertEquals(few.operations, 10 * 10);
});

Deno.test("kernelWork() multiplies by the turns of loops, whose bounds are sizes, constants or arguments", () => {
  const loads = (body: string): number => countOf(body).loads / 4 / 128;
  assertEquals(loads("for (var i = 0u; i < N; i++) { y[q] = x[i]; }"), 3);
  assertEquals(loads("for (var i = 1u; i <= sizes.rows; i++) { y[q] = x[i]; }"), 5);
  assertEquals(
    loads("let last = min(7u, N * 9u); for (var i = 2u; i < last; i += 2u) { y[q] = x[i]; }"),
    3,
  );
  assertEquals(
    loads(
      "for (var i = 0u; i < N; i++) { for (var k = i; k < min(i + 4u, 9u); k++) { y[q] = x[k]; } }",
    ),
    12,
  );
  assertEquals(loads("for (var i = 5u; i < N; i++) { y[q] = x[i]; }"), 0);
  const bottom = "var i = 1u; loop { y[q] = x[i]; i += 2u; if (i >= sizes.rows) { break; } }";
  assertEquals(loads(bottom), 2);
  assertEquals(loads(`var k = 0u; loop { ${bottom} k++; if (k >= N) { break; } }`), 6);
  assertEquals(countOf("y[q] = twice(x[q], 6u);").products, 128 * 4 * 3);
});

Deno.test("kernelWork() takes the ways that constants choose, and both where data choose", () => {
  const stores = (body: string): number => countOf(body).stores / 4 / 128;
  assertEquals(stores("if (N > 2u) { y[q] = x[q]; } else { y[q] = x[0]; y[0] = x[q]; }"), 1);
  assertEquals(stores("if (N > 3u) { y[q] = x[q]; } else { y[q] = x[0]; y[0] = x[q]; }"), 2);
  assertEquals(stores("if (x[q].x > 0.5) { y[q] = x[q]; } else { y[q] = x[0]; y[0] = x[q]; }"), 3);
  assertEquals(stores("if (sizes.rows == 5u) { return; } y[q] = x[q];"), 0);
  // A loop that stores once it is under way does so in most of its rounds.
  const under = "for (var i = 0u; i < 9u; i += 1u) { if (i >= 2u) { y[q] = x[q]; } }";
  assertEquals(stores(under), 9);
  assertEquals(stores("for (var i = 9; i > 0; i -= 2) { if (i < 6) { y[q] = x[q]; } }"), 5);
  // The bits of a constant are no constant here: both ways are counted.
  const bits = "if ((bitcast<u32>(2.4) & 0x7fffffffu) < 0x7f800000u) { y[q] = x[q]; }";
  assertEquals(stores(`${bits} else { y[q] = x[0]; y[0] = x[q]; }`), 3);
  assertEquals(stores("if (bitcast<i32>(N) == 3) { y[q] = x[q]; } else { return; }"), 1);
});

Deno.test("kernelWork() counts for each part of a pack what its workgroups do", () => {
  const pack = `let group = workgroup.x;
  if (group < 3u) {
    let p = group * 64u + lane;
    if (p >= 150u) { return; }
    y[p] = x[p];
  } else if (group < sizes.rows) {
    for (var i = 0u; i < N; i++) { z[group - 3u] = 1.0; }
  } else { y[q] = x[q] + x[q] * 2.0; }`;
  const code = `${HEAD}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let q = workgroup.x * 64u + lane;
  ${pack}
}`;
  const { stores, scalarStores, loads, invocations } = kernelWork({
    code,
    overrides: { N: 3, rows: 5 },
    workgroups: [6, 1, 1],
  });
  assertEquals([stores, scalarStores], [(150 + 64) * 4, 2 * 64 * 3]);
  assertEquals([loads, invocations], [(150 + 2 * 64) * 4, 6 * 64]);
});

Deno.test("kernelWork() knows products of matrices, workgroup memory, barriers and lanes", () => {
  const work = countOf(`
  tile[lane] = x[q];
  workgroupBarrier();
  let m = mat4x4f(tile[0], tile[1], tile[2], subgroupBroadcast(tile[3], 1u));
  y[q] = m * tile[lane] + dot(x[q], x[q]) * x[0];`);
  assertEquals(work.matrices, 128 * 28);
  assertEquals(work.shared, 128 * 4 * 6);
  assertEquals([work.barriers, work.shuffles], [128, 128 * 4]);
  assertEquals(work.products, 128 * (8 + 4 + 4));
});

Deno.test("kernelWork() counts what some of a workgroup do, and all that began it", () => {
  const body = "tile[lane] = x[q]; workgroupBarrier(); if (lane < 16u) { tile[lane] += tile[32]; }";
  const work = countOf(
    `${body} if (lane >= 4u) { return; } if (q >= 3u) { return; } y[q] = tile[lane];`,
  );
  assertEquals(work.invocations, 128);
  assertEquals(work.shared, 4 * (128 + 2 * 16 * 2 + 3));
  assertEquals([work.loads, work.stores], [4 * 128, 4 * 3]);
  assertEquals(countOf("if (lane >= 4u) { return; } y[q] = x[q];").invocations, 2 * 4);
});

Deno.test("kernelWork() names what it cannot read", () => {
  assertThrows(() => countOf("switch q { default {} }"), SyntaxError, "found");
  assertThrows(() => countOf("loop { y[q] = 0.0; break; }"), SyntaxError, "found 'a loop'");
});

Deno.test("the kernels of convolutions do the work that they are said to do", () => {
  const geometry: Conv2dGeometry = {
    ...{ batch: 2, images: 4, height: 16, width: 16, inChannels: 32, outChannels: 32 },
    ...{ kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1 },
    ...{ padTop: 1, padBottom: 1, padLeft: 1, padRight: 1 },
  };
  for (const lanes of [0, 8]) {
    const traits = { ...SOFTWARE_TRAITS, subgroupLanes: lanes };
    for (const lower of [lowerConv2d, lowerConv2dFilterGrad]) {
      for (const call of lower(geometry, traits).calls) {
        if (call.flops === 0) continue;
        const { matrices, products } = kernelWork(call);
        const ratio = (matrices + products) / call.flops;
        assert(ratio >= 0.99 && ratio < 1.3, `${call.kernel}: ${ratio} of its operations`);
      }
    }
  }
});

Deno.test("every kernel that a rule or a table may choose is read, and does the work that it is said to do", () => {
  const g: Conv2dGeometry = {
    ...{ batch: 2, images: 4, height: 16, width: 16, inChannels: 32, outChannels: 32 },
    ...{ kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1 },
    ...{ padTop: 1, padBottom: 1, padLeft: 1, padRight: 1 },
  };
  const product = { batch: 2, rows: 64, inner: 96, columns: 64 };
  const lowerings = [
    ...[lowerConv2d, lowerConv2dInputGrad, lowerConv2dFilterGrad].flatMap((lower) =>
      [g, { ...g, inChannels: 8, outChannels: 8 }].map((each) => (traits: DeviceTraits) =>
        lower(each, traits)
      )
    ),
    ...[false, true].map((transposeB) => (traits: DeviceTraits) =>
      lowerMatmul({ ...product, transposeA: false, transposeB }, traits)
    ),
  ];
  const traits = { ...SOFTWARE_TRAITS, subgroupLanes: 8, halfPrecision: true };
  const read = new Set<string>();
  for (const costs of [SOFTWARE_COSTS, DISCRETE_COSTS]) {
    for (const lower of lowerings) {
      const names = new Set<string>();
      const chooseKernel = (_: string, able: readonly string[]) =>
        void able.forEach((name) => names.add(name));
      lower({ ...traits, costs, chooseKernel });
      for (const name of names) {
        for (const call of lower({ ...traits, costs, chooseKernel: () => name }).calls) {
          read.add(call.kernel);
          const { matrices, products, operations } = kernelWork(call);
          if (call.flops === 0) continue;
          // Winograd's have fewer products, and sums between; half numbers count by themselves.
          const fewest = /winograd|half/.test(name) ? 0.1 : 0.99;
          const ratio = (matrices + products + (/half/.test(name) ? operations : 0)) / call.flops;
          // Of 8 channels, kernels that compute 32 waste three quarters.
          const most = (call.overrides["out4"] ?? 8) < 8 ? 10 : 1.5;
          assert(ratio >= fewest && ratio < most, `${name}: ${ratio} of its operations`);
        }
      }
    }
  }
  const others = ["resize_image"];
  assertEquals([...read, ...others].sort(), Object.keys(KERNELS).sort());
});

Deno.test("all kernels of a meta-gradient are read, and store what they are said to write", () => {
  const { fn, avals } = metaCase({ tasks: 2, size: 8, filters: 8, innerSteps: 1 });
  const program = simplify(trace(fn, avals as never).program);
  const compiling = new Compiler(SOFTWARE_TRAITS).compile(program);
  let compiled = compiling.next();
  while (!compiled.done) compiled = compiling.next();
  const { dispatches } = makePlan(compiled.value);
  assert(dispatches.length > 20);
  for (const { label, kernel, overrides, workgroups, bytes } of dispatches) {
    const work = kernelWork({ code: kernel.code, overrides, workgroups });
    const stored = 4 * (work.stores + work.scalarStores);
    assert(stored > 0 && stored <= 2 * bytes, `${label} stores ${stored} of ${bytes} bytes`);
    assert(work.invocations <= 64 * workgroups.reduce((a, b) => a * b, 1), label);
  }
});

Deno.test("bits of a float are not its number, and no reason to fail", () => {
  assertEquals(compute("&", -0.5, 3), undefined);
  assertEquals(compute("|", 2, Infinity), undefined);
  assertEquals([compute("&", 6, 3), compute("|", 6, 3)], [2, 7]);
});
