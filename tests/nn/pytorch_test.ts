/**
 * Networks against PyTorch, layer for layer: numbers that `tests/nn/pytorch/compare.py` has written, and
 * weights that travel there and back as safetensors.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { openEngine } from "../../src/engine/mod.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import { nodeFlops } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  classifierHead,
  conv4,
  decoder,
  encoder,
  type Layer,
  type Params,
  resNet,
  visionTransformer,
} from "../../src/nn/mod.ts";
import { randomKey } from "../../src/random/mod.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  restoreTree,
  type StoredTensor,
  storeTree,
} from "../../src/run/mod.ts";
import { mean, square, valuesOf } from "../../src/tensor/mod.ts";
import { grad, trace } from "../../src/transform/mod.ts";
import { flatten, unflatten } from "../../src/tree/tree.ts";
import { withoutWebgpu } from "../webgpu.ts";
import { waves } from "../waves.ts";
import golden from "./pytorch/golden.json" with { type: "json" };

/** What PyTorch gave in evaluation, in training, and in evaluation with the statistics of that. */
interface Outputs {
  readonly before: readonly number[];
  readonly trained: readonly number[];
  readonly after: readonly number[];
}

/** The networks of `SMALL` in compare.py. */
const SMALL: Readonly<Record<keyof typeof golden, readonly [Layer, readonly number[]]>> = {
  conv4: [conv4({ ways: 3, channels: 4, imageSize: 16 }), [3, 16, 16, 3]],
  encoder: [encoder({ widths: [3, 4], embedding: 5, imageSize: 12, dropout: 0 }), [3, 12, 12, 3]],
  decoder: [decoder({ inputs: 5, imageSize: 8, outputs: 2, widths: [4, 3] }), [3, 5]],
  classifier: [classifierHead({ inputs: 5, classes: 3, hidden: 4 }), [4, 5]],
  "resnet-18": [resNet({ depth: 18, width: 2 }), [3, 9, 9, 3]],
  "resnet-18 group": [resNet({ depth: 18, width: 4, normalization: "group" }), [2, 8, 8, 3]],
  "resnet-18 layer": [resNet({ depth: 18, width: 2, normalization: "layer" }), [2, 8, 8, 3]],
  "resnet-50": [resNet({ depth: 50, width: 2 }), [2, 16, 16, 3]],
  "resnet-18 imagenet": [resNet({ depth: 18, width: 2, stem: "imagenet" }), [2, 33, 33, 3]],
  vit: [visionTransformer({ imageSize: 8, features: 6, depth: 2, heads: 2 }), [2, 8, 8, 3]],
};

/** Element k in row-major order is centre + height * sin(0.7 k + phase). */
const wave = waves(0.3, 0);

function assertNear(actual: readonly number[], expected: readonly number[], tolerance: number) {
  assertEquals(actual.length, expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  actual.forEach((value, k) => assertAlmostEquals(value, expected[k]!, tolerance * scale));
}

for (const [name, expected] of Object.entries(golden) as [keyof typeof golden, Outputs][]) {
  Deno.test(`${name} gives PyTorch's numbers in training and evaluation`, () => {
    const [layer, shape] = SMALL[name];
    const initial = layer.init(randomKey(0));
    const { leaves, paths, structure } = flatten<Tensor>({
      params: initial.params,
      state: initial.state,
    });
    const order = paths.toSorted();
    const waves = leaves.map((leaf, k) => {
      const centred = /\.(gamma|variance)$/.test(paths[k]!);
      return wave(leaf.shape, order.indexOf(paths[k]!), centred ? 1 : 0);
    });
    const { params, state } = unflatten<{ params: Params; state: Params }>(structure, waves);
    const images = wave(shape, 0.5, 0.5, 0.5);
    const run = (from: Params, training: boolean) =>
      layer.apply(params, from, images, { training });
    const trained = run(state, true);
    assertNear(valuesOf(run(state, false).output), expected.before, 1e-9);
    assertNear(valuesOf(trained.output), expected.trained, 1e-9);
    assertNear(valuesOf(run(trained.state, false).output), expected.after, 1e-9);
  });
}

Deno.test("networks and their gradients count the operations that PyTorch counts", () => {
  // torch.utils.flop_counter of torch 2.13 for networks.py, 8 images 32 x 32 x 3: forward, and with the
  // gradient of mean(output^2). It passes over the two products of attention, which are added here.
  const attention = 12 * 2 * 2 * 8 * 64 * 64 * 192;
  const rows: readonly (readonly [Layer, number, number])[] = [
    [conv4({ ways: 5 }), 63711232, 176977920],
    [encoder({ dropout: 0 }), 401506304, 1190363136],
    [resNet({ depth: 18 }), 8886681600, 26631733248],
    [resNet({ depth: 50 }), 20764950528, 62266540032],
    [visionTransformer(), 5445255168 + attention, 16326328320 + 3 * attention],
  ];
  const contraction = /conv|matmul|dot/;
  for (const [layer, forward, withGradient] of rows) {
    const { leaves, structure } = flatten<Tensor>({ ...layer.init(randomKey(0)) });
    const shapes = leaves.map(({ shape, dtype }) => ({ shape, dtype }));
    const images = { shape: [8, 32, 32, 3], dtype: "f32" } as const;
    const output = (params: Params, state: Params, x: Tensor): Tensor =>
      layer.apply(params, state, x, { training: true }).output;
    const count = (of: (params: Params, state: Params, x: Tensor) => unknown): number =>
      trace((...given: Tensor[]) => {
        const model = unflatten<{ params: Params; state: Params }>(structure, given.slice(0, -1));
        return of(model.params, model.state, given.at(-1)!) as Tensor;
      }, [...shapes, images]).program.nodes
        .filter(({ primitive }) => contraction.test(primitive.name))
        .reduce((sum, node) => sum + nodeFlops(node), 0);
    assertEquals(count(output), forward);
    const loss = (params: Params, state: Params, x: Tensor): Tensor =>
      mean(square(output(params, state, x)));
    assertEquals(
      count((p, state, x) => grad((own: Params) => loss(own, state, x))(p)),
      withGradient,
    );
  }
});

/** The networks of `LARGE` in compare.py. */
const LARGE: Readonly<Record<string, Layer>> = {
  conv4: conv4({ ways: 5 }),
  "resnet-18": resNet({ depth: 18 }),
  vit: visionTransformer({ imageSize: 16 }),
};

const SIZES: Readonly<Record<string, number>> = { conv4: 32, "resnet-18": 16, vit: 16 };

/** Python with PyTorch, or why there is none; its packages are found by `PYTHONPATH`. */
async function findPython(): Promise<{ readonly missing?: string }> {
  try {
    const { success, stderr } = await python(["-c", "import torch, numpy"]);
    return success ? {} : { missing: stderr.trim().split("\n").at(-1) ?? "Python failed" };
  } catch (error) {
    return { missing: String(error) };
  }
}

async function python(args: readonly string[]): Promise<{ success: boolean; stderr: string }> {
  const output = await new Deno.Command("python3", {
    args: [...args],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
  }).output();
  return { success: output.success, stderr: new TextDecoder().decode(output.stderr) };
}

const { missing } = await findPython();

Deno.test({
  name: `weights as safetensors mean the same in PyTorch, there and back${
    missing === undefined ? "" : ` (ignored, no PyTorch: ${missing})`
  }`,
  ignore: missing !== undefined || withoutWebgpu,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    using engine = await openEngine("webgpu");
    try {
      type Model = { params: Params; state: Params };
      const runs = new Map<string, (model: unknown) => Promise<Float32Array>>();
      const templates = new Map<string, unknown>();
      for (const [name, layer] of Object.entries(LARGE)) {
        const size = SIZES[name]!;
        const values = Float32Array.from(
          { length: 2 * size * size * 3 },
          (_, k) => 0.5 + 0.5 * Math.sin(0.7 * k),
        );
        const images = hostArray(values, [2, size, size, 3]);
        const evaluated = engine.jit(({ params, state }: Model, x: Tensor) =>
          layer.apply(params, state, x, { training: false }).output
        );
        runs.set(name, async (model) => {
          const output = await evaluated(model as never, images as never);
          return (await engine.read(output)).data as Float32Array;
        });
        const init = engine.jit((key: Tensor): Model => ({ ...layer.init(key) }));
        const model = await init(hostArray([0, 3], [2], "u32") as never);
        templates.set(name, model);
        const tensors = await storeTree(engine, model);
        const pieces = encodeSafetensors({
          tensors: { ...tensors, images: { dtype: "F32", shape: images.shape, data: values } },
          metadata: { network: name },
        });
        await Deno.writeFile(
          `${folder}/${name}.safetensors`,
          new Blob(pieces as BlobPart[]).stream(),
        );
      }
      const script = new URL("pytorch/compare.py", import.meta.url).pathname;
      const { success, stderr } = await python([script, "run", folder]);
      assertEquals(success, true, stderr);
      for (const name of Object.keys(LARGE)) {
        const [here, there] = await Promise.all(
          ["", ".there"].map(async (suffix) =>
            decodeSafetensors(await Deno.readFile(`${folder}/${name}${suffix}.safetensors`)).tensors
          ),
        );
        const outputOf = async (tensors: Readonly<Record<string, StoredTensor>>, prefix = "") => {
          const named = Object.entries(tensors).filter(([path]) => path.startsWith(prefix))
            .map(([path, tensor]) => [path.slice(prefix.length), tensor] as const);
          const model = restoreTree(engine, templates.get(name), Object.fromEntries(named));
          return Array.from(await runs.get(name)!(model));
        };
        const listed = (path: string): number[] => Array.from(there![path]!.data as Float32Array);
        assertNear(await outputOf(here!), listed("output"), 2e-5);
        assertNear(await outputOf(there!, "own."), listed("own.output"), 2e-5);
        const apart = listed("output").some((value, k) =>
          Math.abs(value - listed("own.output")[k]!) > 0.01
        );
        assert(apart, "the weights of PyTorch are others");
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
