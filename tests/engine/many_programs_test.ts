/** Programs that nobody uses any more leave nothing behind on an engine that lives on. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import { constant, type Engine, hostArray, matmul, relu, type Tensor } from "../../mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { withoutWebgpu } from "../webgpu.ts";

const PROGRAMS = 60;

/** Compiles and runs a program with constants and temporaries of its own, and drops it; gives one of its numbers. */
async function runOnce(engine: Engine, size: number): Promise<number> {
  const weights = constant(Array.from({ length: size }, (_, row) => new Array(size).fill(row % 2)));
  const run = engine.jit((x: Tensor) =>
    matmul(relu(matmul(relu(matmul(x, weights)), weights)), weights)
  );
  const result = await run(hostArray(new Float32Array(size * size).fill(1 / size), [size, size]));
  const { data } = await engine.read(result);
  engine.release(result);
  return data[0]!;
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
    collect();
  }
  // Those who are told of a collection are told in a task of their own.
  await new Promise((resolve) => setTimeout(resolve));
}

for (const name of ["webgpu", "tfjs"] as const) {
  Deno.test(`an engine ${name} gives back what dropped programs took`, {
    ignore: name === "webgpu" && withoutWebgpu,
  }, async () => {
    using engine = await openEngine(name);
    const kept = engine.jit((x: Tensor) => matmul(relu(matmul(x, constant([[1, 2], [3, 4]]))), x));
    const x = engine.put(hostArray([[1, -1], [2, -3]]));
    const expected = (await engine.read(await kept(x))).data;
    await runOnce(engine, 64);
    const one = engine.memory().live;
    for (let k = 1; k < PROGRAMS; k++) {
      const size = 64 + k;
      const found = await runOnce(engine, size);
      // Rows of ones after rows of zeros: each product multiplies by the number of ones.
      const ones = Math.floor(size / 2);
      assert(Math.abs(found / (ones ** 3 / size) - 1) < 1e-3, `${found} for the size ${size}`);
    }
    await collectGarbage();
    const { live } = engine.memory();
    assert(live < 8 * one, `${live} bytes after ${PROGRAMS} programs, ${one} after one`);
    // A program that is still used has all that it needs.
    assertEquals((await engine.read(await kept(x))).data, expected);
  });
}
