import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { add, hostArray, openEngine, scoped, type Tensor, type Value } from "../../mod.ts";

const tree = { a: hostArray([1, 2, 3]), list: [hostArray([4]), { deep: hostArray([5, 6]) }] };

Deno.test("a scoped tree is released at the end of its block, whatever ends it", async () => {
  using engine = await openEngine("reference");
  const empty = engine.memory().live;
  const kept: Value[] = [];
  assertThrows(() => {
    using values = scoped(engine, engine.put(tree));
    kept.push(values.a);
    assert(engine.memory().live > empty);
    throw new RangeError("stop");
  }, RangeError);
  assertEquals(engine.memory().live, empty);
  await assertRejects(() => engine.read(kept[0]!), Error, "it was released");
});

Deno.test("what is taken out of a scoped result lives on", async () => {
  using engine = await openEngine("reference");
  const step = engine.jit((x: Tensor) => ({ state: add(x, 1), metrics: { loss: add(x, 2) } }));
  let state: Value = engine.put(hostArray([0]));
  const live: number[] = [];
  for (let k = 0; k < 4; k++) {
    const { state: next, ...rest } = await step(state);
    using result = scoped(engine, rest);
    assertEquals((await engine.read(result.metrics.loss)).data[0], k + 2);
    engine.release(state);
    state = next;
    live.push(engine.memory().live);
  }
  assertEquals(new Set(live).size, 1);
  assertEquals((await engine.read(state)).data[0], 4);
});

Deno.test("a scoped value is still a value, and may be released or donated before its time", async () => {
  using engine = await openEngine("reference");
  const empty = engine.memory().live;
  const double = engine.jit((x: Tensor) => add(x, x), { donate: [0] });
  {
    using x = scoped(engine, engine.put(hostArray([1, 2])));
    using y = scoped(engine, await double(x));
    engine.release(x);
    assertEquals((await engine.read({ y })).y.data, new Float32Array([2, 4]));
  }
  assertEquals(engine.memory().live, empty);
});

Deno.test("scoped() refuses what can hold no values", async () => {
  using engine = await openEngine("reference");
  assertThrows(() => scoped(engine, 3 as unknown as object), TypeError, "Cannot let 3 end");
  assertThrows(() => scoped(engine, Object.freeze({})), TypeError, "a frozen tree");
});
