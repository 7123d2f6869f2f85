import { assert } from "@std/assert";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import { cos, sin } from "../../src/ops/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { runProgram } from "../cases/device.ts";
import { webgpuTest } from "../webgpu.ts";

webgpuTest("sin() and cos() on WebGPU keep their digits far outside of one period", async (gpu) => {
  const backend = new WebGpuBackend(gpu);
  for (const reach of [1, 2 * Math.PI, 300, 12_000]) {
    for (const count of [1023, 1024]) {
      const at = Float32Array.from({ length: count }, (_, k) => reach * (2 * k / (count - 1) - 1));
      const point = ndArray({ shape: [count], dtype: "f32" }, at);
      const { program } = trace((x: Tensor) => [sin(x), cos(x)], [point]);
      const [sines, cosines] = await runProgram(backend, program, [point]);
      at.forEach((x, k) => {
        const error = Math.max(
          Math.abs(sines![k]! - Math.sin(x)),
          Math.abs(cosines![k]! - Math.cos(x)),
        );
        assert(error <= 2e-7, `at ${x}: off by ${error}`);
      });
    }
  }
});

webgpuTest("sin() and cos() on WebGPU stay within [-1, 1] at huge angles", async (gpu) => {
  const backend = new WebGpuBackend(gpu);
  const point = ndArray({ shape: [4], dtype: "f32" }, [1e7, -3e8, 1e20, -3e38]);
  const { program } = trace((x: Tensor) => [sin(x), cos(x)], [point]);
  for (const results of await runProgram(backend, program, [point])) {
    assert(Array.from(results).every((y) => Math.abs(y) <= 1), `found ${results}`);
  }
});
