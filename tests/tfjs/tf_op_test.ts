import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type * as tensorflow from "@tensorflow/tfjs";
import { type HostArray, hostArray } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { loadTfjs, openTfjs, tfOp } from "../../src/tfjs/mod.ts";
import { grad, hvp, jvp, trace, vmap } from "../../src/transform/mod.ts";
import { assertClose, assertVectorized, type Fn, randomLike, run } from "../cases/laws.ts";
import { ndArray } from "../../src/ir/nd_array.ts";

const tf = await loadTfjs();
const f32 = (...shape: number[]): { shape: number[]; dtype: "f32" } => ({ shape, dtype: "f32" });

/** `x sin(y)` in TensorFlow.js and in primitives. */
const foreign = tfOp((x, y) => tf.mul(x!, tf.sin(y!)), { name: "x sin y", tf });
const own = (x: Tensor, y: Tensor): Tensor => ops.mul(x, ops.sin(y));

/** Both as functions of the same operands. */
function pair(use: (fn: typeof own) => Fn): [Fn, Fn] {
  return [use(foreign as typeof own), use(own)];
}

function assertSame(use: (fn: typeof own) => Fn, count: number): void {
  const args = Array.from({ length: count }, (_, k) => randomLike(f32(2, 3), k + 1));
  const [found, expected] = pair(use).map((fn) => run(fn, args));
  found!.forEach((result, k) => {
    assertClose(result, expected![k]!, { tolerance: 1e-6, what: `result ${k}` });
  });
}

const total = (x: Tensor): Tensor => ops.sum(x, [0, 1]);

Deno.test("tfOp() computes in programs, also in forward mode", () => {
  assertSame((fn) => (x, y) => [fn(x!, ops.exp(y!))], 2);
  assertSame((fn) => (x, y, dx, dy) => [jvp(fn, [x!, y!], [dx!, dy!]).tangent], 4);
  assertSame((fn) => (x, y, dy) => [jvp((t: Tensor) => fn(x!, t), [y!], [dy!]).tangent], 3);
});

Deno.test("tfOp() is differentiated in reverse mode up to order 3", () => {
  type P = { x: Tensor; y: Tensor };
  const loss = (fn: typeof own) => ({ x, y }: P): Tensor => total(ops.exp(fn(x, y)));
  assertSame((fn) => (x, y) => Object.values(grad(loss(fn))({ x: x!, y: y! })), 2);
  assertSame(
    (fn) => (x, y, u, v) => Object.values(hvp(loss(fn))({ x: x!, y: y! }, { x: u!, y: v! })),
    4,
  );
  const squares = (fn: typeof own) => (p: P): Tensor => {
    const g = grad(loss(fn))(p);
    return total(ops.add(ops.mul(g.x, g.x), g.y));
  };
  assertSame((fn) => (x, y) => Object.values(grad(squares(fn))({ x: x!, y: y! })), 2);
  const third = (fn: typeof own) => (p: P): Tensor => total(grad(squares(fn))(p).y);
  assertSame((fn) => (x, y) => Object.values(grad(third(fn))({ x: x!, y: y! })), 2);
});

Deno.test("tfOp() takes integers, and differentiates in the others", () => {
  const scaled = tfOp((x, k) => tf.mul(x!, tf.cast(k!, "float32")), { name: "scaled", tf });
  const counts = ndArray({ shape: [3], dtype: "i32" }, [2, 0, 5]);
  const [value, gradient] = run((x, k) => [
    scaled(x!, k!),
    grad((t: Tensor) => ops.sum(ops.mul(scaled(t, k!), t), [0]))(x!),
  ], [ndArray(f32(3), [1, 2, 3]), counts]);
  assertEquals(Array.from(value!.data), [2, 0, 15]);
  assertEquals(Array.from(gradient!.data), [4, 0, 30]);
});

Deno.test("tfOp() is vectorized example by example", () => {
  const subject = {
    name: "x sin y",
    fn: ((x, y) => [foreign(x!, y!), grad((t: Tensor) => total(foreign(t, y!)))(x!)]) as Fn,
  };
  const examples = [1, 2, 3].map((seed) => [
    randomLike(f32(2, 3), seed),
    randomLike(f32(2, 3), seed + 9),
  ]);
  for (const mapped of [[true, true], [true, false], [false, true]]) {
    assertVectorized(subject, examples, mapped);
  }
});

Deno.test("tfOp() runs natively on the executor, and agrees with the reference", async () => {
  const executor = await openTfjs();
  const resize = tfOp(
    (x) => tf.image.resizeBilinear(x as tensorflow.Tensor4D, [4, 6], true),
    { name: "resize", tf },
  );
  const fn = (x: Tensor): Tensor[] => {
    const all = (t: Tensor): Tensor => ops.sum(ops.tanh(resize(t)), [0, 1, 2, 3]);
    return [resize(x), grad(all)(x)];
  };
  const { program } = trace(fn, [f32(2, 3, 5, 1)]);
  const x = randomLike(f32(2, 3, 5, 1), 1);
  const held = executor.tf.memory().numTensors;
  const results = await executor.run(program, [{ ...x, data: Float32Array.from(x.data) }]);
  evaluate(program, [x]).forEach((expected, k) => {
    assertClose(ndArray(expected, results[k]!.data), expected, { tolerance: 1e-6, what: `${k}` });
  });
  executor.close();
  assertEquals(executor.tf.memory().numTensors, held);
});

Deno.test("tfOp() names the operation that TensorFlow.js cannot differentiate", async () => {
  await loadTfjs("cpu");
  const convolution = tfOp(
    (x, w) => tf.conv2d(x as tensorflow.Tensor4D, w as tensorflow.Tensor4D, 1, "same"),
    { name: "convolution", tf },
  );
  const loss = (w: Tensor, x: Tensor): Tensor => {
    const y = convolution(x, w);
    return ops.sum(ops.mul(y, y), [0, 1, 2, 3]);
  };
  const avals = [f32(3, 3, 1, 2), f32(1, 4, 4, 1)];
  trace(grad(loss), avals);
  const twice = (w: Tensor, x: Tensor): Tensor => ops.sum(grad(loss)(w, x), [0, 1, 2, 3]);
  const error = assertThrows(() => trace(grad(twice), avals), Error);
  assert(/Cannot differentiate 'gradient of convolution'/.test(error.message), error.message);
  assert(/Conv2DBackpropFilter/.test(error.message), error.message);
  await loadTfjs("wasm");
});

Deno.test("functions of one name, and gradients in different operands, are not mixed up", async () => {
  for (const name of ["tfjs", "reference"] as const) {
    const engine = await openEngine(name);
    const square = tfOp((x) => tf.square(x!), { name: "op", tf });
    const negative = tfOp((x) => tf.neg(x!), { name: "op", tf });
    const fn = engine.jit((x: Tensor, y: Tensor) => [
      square(x),
      negative(x),
      ...Object.values(grad(({ x, y }: { x: Tensor; y: Tensor }) => foreign(x, y))({ x, y })),
      grad((t: Tensor) => foreign(t, y))(x),
      grad((t: Tensor) => foreign(x, t))(y),
    ]);
    const results = await engine.read(
      await fn(hostArray([3], []), hostArray([2], [])),
    ) as HostArray[];
    const [inX, inY] = [Math.sin(2), 3 * Math.cos(2)];
    [9, -3, inX, inY, inX, inY].forEach((expected, k) => {
      assertAlmostEquals(results[k]!.data[0]!, expected, 1e-6, `${name} ${k}`);
    });
    engine.close();
  }
});

Deno.test("tfOp() refuses bad arguments and names that programs are simplified by", () => {
  for (const name of ["mul", "neg", "fill", "concat", "reshape"]) {
    assertThrows(() => tfOp((x) => x!, { name, tf }), TypeError, `'tf.${name}' for example`);
  }
  const careless = tfOp as unknown as (...args: unknown[]) => void;
  assertThrows(() => careless((x: unknown) => x), TypeError, "no options");
  assertThrows(() => careless((x: unknown) => x, { name: "x" }), TypeError, "options { name }");
  assertThrows(() => careless("square", { name: "x", tf }), TypeError, "found string");
});

Deno.test("tfOp() reports what its function throws, with shapes", async () => {
  const x = ops.input(f32(2, 3));
  const product = tfOp((a, b) => tf.matMul(a!, b!), { name: "product", tf });
  assertThrows(() => product(x, x), TypeError, "Cannot apply 'product' to (f32[2, 3], f32[2, 3])");
  const whole = tfOp((a) => tf.argMax(a!), { name: "whole", tf });
  assertThrows(() => whole(x), TypeError, "its result is of type int32, expected float32");
  let calls = 0;
  const failing = tfOp((a) => {
    if (calls++ > 0) throw new Error("out of luck");
    return a!;
  }, { name: "failing", tf });
  const { program } = trace((t: Tensor) => failing(t), [f32(1)]);
  const executor = await openTfjs();
  await assertRejects(
    () => executor.run(program, [{ ...f32(1), data: new Float32Array(1) }]),
    Error,
    "Cannot run 'failing' of (f32[1]) on TensorFlow.js: ",
  );
  executor.close();
});

Deno.test("tfOp() inside of vmap() of grad() agrees with primitives", () => {
  assertSame((fn) => (x, y) => [
    vmap(grad((a: Tensor, b: Tensor) => ops.sum(fn(a, b), [0])))(x!, y!),
  ], 2);
});
