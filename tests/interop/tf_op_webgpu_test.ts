/** Functions of TensorFlow.js inside of programs on the WebGPU engine, on one shared device. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Tensor4D } from "@tensorflow/tfjs";
import { type Engine, type HostArray, hostArray } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import type { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { shareTf } from "../../src/interop/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { checkpoint, grad, hvp, vmap } from "../../src/transform/mod.ts";
import { type Tf, tfOp } from "../../src/tfjs/mod.ts";
import { uniform } from "../cases/random.ts";
import { withoutWebgpu } from "../webgpu.ts";

/** Registers a test with an engine and TensorFlow.js on one device. */
function together(name: string, body: (engine: Engine, tf: Tf) => Promise<void>): void {
  Deno.test({
    name,
    ignore: withoutWebgpu,
    fn: async () => {
      const engine = await openEngine("webgpu");
      const { tf } = await shareTf(engine);
      try {
        await body(engine, tf);
        assertEquals(tf.memory().numTensors, 0, "tensors of TensorFlow.js are left over");
      } finally {
        engine.close();
        tf.removeBackend("webgpu");
      }
    },
  });
}

function random(shape: readonly number[], seed: number): HostArray {
  const next = uniform(seed);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return hostArray(Array.from({ length: size }, () => next() - 0.5), shape);
}

type Fn = (...tensors: Tensor[]) => Tensor[];

/** Runs both functions on the engine, thrice with other numbers, and compares with the second. */
async function assertSame(
  engine: Engine,
  [found, expected]: readonly [Fn, Fn],
  shapes: readonly (readonly number[])[],
): Promise<void> {
  const reference = await openEngine("reference");
  const [jitted, meaning] = [engine.jit(found), reference.jit(expected)];
  for (let round = 0; round < 3; round++) {
    const args = shapes.map((shape, k) => random(shape, 10 * round + k));
    const values = await jitted(...args);
    const results = await engine.read(values) as HostArray[];
    engine.release(values);
    const want = await reference.read(await meaning(...args)) as HostArray[];
    results.forEach(({ data, shape }, k) => {
      assertEquals(shape, want[k]!.shape);
      const largest = Math.max(...want[k]!.data.map(Math.abs), 1e-3);
      const error = Math.max(...Array.from(data, (x, at) => Math.abs(x - want[k]!.data[at]!)), 0);
      assert(error <= 2e-5 * largest, `result ${k}, round ${round}: off by ${error} of ${largest}`);
    });
  }
}

const total = (x: Tensor): Tensor => ops.sum(x, x.shape.map((_, axis) => axis));

together(
  "tfOp() computes between kernels, with results that are read before and after",
  async (engine, tf) => {
    const foreign = tfOp((x, y) => tf.mul(x!, tf.sin(y!)), { name: "x sin y", tf });
    const own = (x: Tensor, y: Tensor): Tensor => ops.mul(x, ops.sin(y));
    const pair = (
      use: (fn: typeof own) => Fn,
    ): [Fn, Fn] => [use(foreign as typeof own), use(own)];
    // Sizes that are no whole vectors of four, operands that are inputs, temporaries and results.
    for (const shape of [[1], [3], [4, 5], [7, 11, 2], [257]]) {
      await assertSame(
        engine,
        pair((fn) => (x, y) => {
          const inner = ops.exp(x!);
          const first = fn(inner, ops.reshape(y!, shape));
          const second = fn(ops.tanh(first), x!);
          return [first, ops.add(second, inner), fn(x!, x!), ops.neg(second), x!, second];
        }),
        [shape, shape],
      );
    }
    // Called programs, run several times in one plan.
    await assertSame(
      engine,
      pair((fn) => (x, y) => {
        const block = checkpoint((t: Tensor, u: Tensor) => ops.tanh(fn(ops.exp(t), u)));
        return [grad((t: Tensor) => total(block(block(t, y!), t)))(x!), block(y!, y!)];
      }),
      [[5, 3], [5, 3]],
    );
  },
);

together("tfOp() on WebGPU has derivatives up to order 3, and vmap", async (engine, tf) => {
  const foreign = tfOp((x, y) => tf.mul(x!, tf.sin(y!)), { name: "x sin y", tf });
  const own = (x: Tensor, y: Tensor): Tensor => ops.mul(x, ops.sin(y));
  const pair = (
    use: (fn: typeof own) => Fn,
  ): [Fn, Fn] => [use(foreign as typeof own), use(own)];
  type P = { x: Tensor; y: Tensor };
  const loss = (fn: typeof own) => ({ x, y }: P): Tensor => total(ops.exp(fn(x, y)));
  const squares = (fn: typeof own) => (p: P): Tensor => {
    const g = grad(loss(fn))(p);
    return total(ops.add(ops.mul(g.x, g.x), g.y));
  };
  const third = (fn: typeof own) => (p: P): Tensor => total(grad(squares(fn))(p).y);
  const shapes = [[2, 3], [2, 3], [2, 3], [2, 3]];
  await assertSame(
    engine,
    pair((fn) => (x, y, u, v) => [
      ...Object.values(grad(loss(fn))({ x: x!, y: y! })),
      ...Object.values(hvp(loss(fn))({ x: x!, y: y! }, { x: u!, y: v! })),
      ...Object.values(grad(third(fn))({ x: x!, y: y! })),
      vmap(grad((a: Tensor, b: Tensor) => total(fn(a, b))))(x!, y!),
    ]),
    shapes,
  );
});

together(
  "a convolution of TensorFlow.js and its filter gradient, which wasm lacks",
  async (engine, tf) => {
    const foreign = tfOp((x, w) => tf.conv2d(x as Tensor4D, w as Tensor4D, 1, "same"), {
      name: "convolution",
      tf,
    });
    const own = (x: Tensor, w: Tensor): Tensor =>
      ops.reshape(
        ops.conv2d(ops.reshape(x, [1, ...x.shape]), ops.reshape(w, [1, ...w.shape]), {
          input: [9, 7],
          kernel: [3, 3],
          stride: [1, 1],
          padding: [1, 1, 1, 1],
        }),
        [2, 9, 7, 4],
      );
    const use = (fn: typeof own): Fn => (x, w) => {
      const loss = (w: Tensor, x: Tensor): Tensor => total(ops.tanh(fn(x, w)));
      return [grad(loss)(w!, x!), grad((t: Tensor) => loss(w!, t))(x!)];
    };
    await assertSame(engine, [use(foreign as typeof own), use(own)], [[2, 9, 7, 3], [
      3,
      3,
      3,
      4,
    ]]);
  },
);

together(
  "tfOp() on WebGPU takes integers and booleans, empty arrays, and several at once",
  async (engine, tf) => {
    const chosen = tfOp((x, k, c) => tf.where(tf.cast(c!, "bool"), tf.cast(k!, "float32"), x!), {
      name: "chosen",
      tf,
    });
    const rows = tfOp((x, k) => tf.gather(x!, tf.cast(k!, "int32")), { name: "rows", tf });
    const casts = tfOp((k) => tf.cast(k!, "float32"), { name: "casts", tf });
    const constant = tfOp((x) => tf.add(tf.scalar(2), tf.zeros([x!.shape[0]!])), {
      name: "two",
      tf,
    });
    const same = tfOp((x) => x!, { name: "same", tf });
    const fn = engine.jit((x: Tensor, k: Tensor) => [
      chosen(x, k, ops.less(x, ops.fill(0, [5]))),
      rows(ops.reshape(x, [5, 1]), k),
      casts(k),
      casts(ops.less(x, ops.fill(0, [5]))),
      constant(x),
      same(x),
    ]);
    for (const sign of [1, -1]) {
      const x = hostArray([1.5, -2, 3, -4, 5].map((value) => sign * value));
      const values = await fn(x, hostArray([4, 3, 2, 1, 0], [5], "i32"));
      const results = await engine.read(values) as HostArray[];
      engine.release(values);
      const below = [...x.data].map((value) => value < 0);
      assertEquals(results.map(({ data }) => [...data]), [
        [4, 3, 2, 1, 0].map((k, at) => below[at] ? k : x.data[at]!),
        [...x.data].reverse(),
        [4, 3, 2, 1, 0],
        below.map(Number),
        [2, 2, 2, 2, 2],
        [...x.data],
      ]);
    }
    const empty = await engine.jit((x: Tensor) => same(ops.exp(x)))(hostArray([], [0, 3]));
    assertEquals((await engine.read(empty)).shape, [0, 3]);
    engine.release(empty);
  },
);

together(
  "functions that TensorFlow.js cannot run are named, with the way out",
  async (engine, tf) => {
    const message = async (fn: (...tensors: never[]) => unknown, ...shape: number[]) => {
      const op = tfOp(fn as never, { name: "op", tf });
      const error = await assertRejects(() => engine.jit((x: Tensor) => op(x))(random(shape, 1)));
      return (error as Error).message;
    };
    const { liveBuffers } = (engine.backend as WebGpuBackend).resources.buffers.stats;
    const cases: [(...tensors: never[]) => unknown, RegExp][] = [
      [() => 3, /Cannot apply 'op' to \(f32\[4\]\): it returned a number, expected one tensor/],
      [async (x) => await x, /it returned a promise/],
      [(x) => [x, x], /it returned an array of 2/],
      [(x) => tf.argMax(x), /of type int32, expected float32/],
      [(x) => (tf as never as { no(x: never): never }).no(x), /tf\.no is not a function/],
      [
        (x) => tf.engine().runKernel("Unknown", { x }),
        /'Unknown' not registered for backend 'webgpu'\. Write the function with primitives/,
      ],
      [
        (x) => tf.unique(x).values,
        /'Unique' not registered .*Run this program on another backend, which has it: .*cpu/,
      ],
    ];
    for (const [fn, expected] of cases) {
      const said = await message(fn, 4);
      assert(expected.test(said), said);
    }
    let calls = 0;
    const failing = tfOp((x) => {
      if (calls++ > 0) throw new Error("out of luck");
      return tf.neg(x!);
    }, { name: "failing", tf });
    const error = await assertRejects(() => engine.jit((x: Tensor) => failing(x))(random([4], 1)));
    assert(/Cannot run 'failing' of \(f32\[4\]\) .*out of luck/.test((error as Error).message));
    assertEquals(
      (engine.backend as WebGpuBackend).resources.buffers.stats.liveBuffers,
      liveBuffers,
    );
  },
);

together(
  "tfOp() runs on the reference engine while TensorFlow.js computes on the GPU",
  async (_, tf) => {
    const square = tfOp((x) => tf.square(x!), { name: "square", tf });
    const reference = await openEngine("reference");
    const result = await reference.jit((x: Tensor) => grad(square)(x))(hostArray([3], []));
    assertEquals([...(await reference.read(result)).data], [6]);
    assertEquals(tf.getBackend(), "webgpu");
  },
);

Deno.test({
  name: "a second derivative that TensorFlow.js lacks is named, with the way out",
  ignore: withoutWebgpu,
  fn: async () => {
    // TensorFlow.js forgets the tensors that it kept for a derivative that fails.
    const engine = await openEngine("webgpu");
    const { tf } = await shareTf(engine);
    const foreign = tfOp((x, w) => tf.conv2d(x as Tensor4D, w as Tensor4D, 1, "same"), {
      name: "convolution",
      tf,
    });
    const loss = (w: Tensor, x: Tensor): Tensor => total(ops.mul(foreign(x, w), foreign(x, w)));
    const twice = (w: Tensor, x: Tensor): Tensor => total(grad(loss)(w, x));
    const error = await assertRejects(() =>
      engine.jit((w: Tensor, x: Tensor) => grad(twice)(w, x))(
        random([3, 3, 3, 4], 1),
        random([2, 9, 7, 3], 2),
      )
    ) as Error;
    assert(/Cannot differentiate 'gradient of convolution'/.test(error.message), error.message);
    assert(
      /Conv2DBackpropFilter.*Use conv2d\(\) of this library/.test(error.message),
      error.message,
    );
    engine.close();
    tf.removeBackend("webgpu");
    tf.disposeVariables();
  },
});
