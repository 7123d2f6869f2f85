/** What methods remember goes through a checkpoint: after it they weigh as if there had been none. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { weightings } from "../../src/components/mod.ts";
import { type HostArray, openEngine, type Value } from "../../src/engine/mod.ts";
import { hostArray } from "../../src/ir/host_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { weighGradients, type WeightingState } from "../../src/multitask/mod.ts";
import { keyWords } from "../../src/random/mod.ts";
import { loadCheckpoint, restoreTree, saveCheckpoint, storeTree } from "../../src/run/mod.ts";
import { concat, constant, slice } from "../../src/tensor/mod.ts";
import { numbers } from "../meta/host.ts";

const [TASKS, WIDTH, STEPS, CUT] = [3, 4, 7, 4];

/** Options with which a method uses its state within a few steps. */
const OPTIONS: Readonly<Record<string, object>> = {
  fixed: { weights: [1, 2, 3] },
  dwa: { epoch: 2 },
  lbtw: { epoch: 3 },
};

/** Methods that remember nothing. */
const FORGETFUL: readonly string[] = [
  ...["aligned-mtl", "cagrad", "equal", "fairgrad", "fixed", "gls", "graddrop"],
  ...["imtl-g", "log", "mgda", "nash-mtl", "pcgrad", "random", "similarity"],
  ...["stch", "upgrad"],
];

/** What a method sees in a step. */
interface Step<Array> {
  readonly losses: Array;
  readonly after: Array;
  readonly rows: Array;
  readonly key: Array;
}

const random = numbers(7);
const drawn = (): HostArray => hostArray(Array.from({ length: TASKS }, () => 0.5 + random()));
const course = Array.from({ length: STEPS }, (_, step): Step<HostArray> => ({
  losses: drawn(),
  after: drawn(),
  rows: hostArray(Array.from({ length: TASKS * WIDTH }, () => 2 * random() - 1), [TASKS, WIDTH]),
  key: hostArray(keyWords(step), [2], "u32"),
}));

Deno.test("every method goes on after a checkpoint as if there had been none", async () => {
  using engine = await openEngine("reference");
  const folder = await Deno.makeTempDir();
  const forgetful: string[] = [];
  try {
    for (const [name, component] of Object.entries(weightings)) {
      const method = component.make(component.options.parse(OPTIONS[name] ?? {}), {});
      const start = engine.jit((_: Tensor) => method.init(TASKS, [constant(Array(WIDTH).fill(0))]));
      const next = engine.jit(
        (state: WeightingState, { losses, after, rows, key }: Step<Tensor>) => {
          const { grad, weights, own, state: left } = weighGradients(method, {
            losses,
            grads: Array.from({ length: TASKS }, (_, task) => slice(rows, [task])),
            state,
            ...(method.needsKey && { key }),
          });
          return {
            seen: concat([grad, weights, own]),
            state: method.observe?.(left, after) ?? left,
          };
        },
      );
      const first = async () => await start(hostArray([0], [])) as Readonly<Record<string, Value>>;
      /** Does some steps; gives gradients and weights of each, and the last state. */
      const go = async (state: Readonly<Record<string, Value>>, from: number, to: number) => {
        const seen: number[][] = [];
        for (const step of course.slice(from, to)) {
          const result = await next(state as never, step as never);
          seen.push([...(await engine.read(result.seen as unknown as Value)).data]);
          state = result.state as unknown as Readonly<Record<string, Value>>;
        }
        return { seen, state };
      };
      const left = await go(await first(), 0, CUT);
      const path = `${folder}/${name}.safetensors`;
      await saveCheckpoint(path, { tensors: await storeTree(engine, left.state), metadata: {} });
      const unbroken = await go(left.state, CUT, STEPS);
      const { tensors } = await loadCheckpoint(path);
      const resumed = await go(restoreTree(engine, await first(), tensors), CUT, STEPS);
      assertEquals(resumed.seen, unbroken.seen, name);
      assertEquals(await storeTree(engine, resumed.state), await storeTree(engine, unbroken.state));
      // With what it began with instead it would weigh otherwise: the state matters here.
      if (Object.keys(left.state).length === 0) forgetful.push(name);
      else assertNotEquals((await go(await first(), CUT, STEPS)).seen, unbroken.seen, name);
    }
    assertEquals(forgetful, FORGETFUL);
    assert(Object.keys(weightings).length >= 25);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
