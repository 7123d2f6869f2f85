import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { hostArray, openEngine } from "../src/engine/mod.ts";
import type { Tensor } from "../src/ir/tensor.ts";
import { mul } from "../src/ops/mod.ts";
import { loadTfjs } from "../src/tfjs/mod.ts";

/** Runs `body` where WebAssembly cannot be instantiated, as where its file is out of reach. */
async function withoutWebAssembly(body: () => Promise<void>): Promise<void> {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (): Promise<never> => Promise.reject(new Error("no WebAssembly today"));
  try {
    await body();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

Deno.test("a start that failed leaves the backend before current and can be tried again", async () => {
  const { warn, error } = console;
  const tf = await loadTfjs("cpu");
  await withoutWebAssembly(async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      const failure = await assertRejects(() => openEngine("tfjs"));
      assertStringIncludes((failure as Error).message, "Cannot start the backend 'wasm'");
      assertStringIncludes((failure as Error).message, "no WebAssembly today");
      assertEquals(tf.getBackend(), "cpu");
      assertEquals([...tf.tidy(() => tf.square([3, 4]).dataSync())], [9, 16]);
    }
  });
  const engine = await openEngine("tfjs");
  assertStringIncludes(engine.info.adapter, "wasm");
  const square = engine.jit((x: Tensor) => mul(x, x));
  assertEquals([...(await engine.read(await square(hostArray([3, 4])))).data], [9, 16]);
  engine.close();
  assert(console.warn === warn && console.error === error, "the console was left changed");
});

Deno.test("starts at the same time wait for each other", async () => {
  const { warn, error } = console;
  const modules = await Promise.all(["wasm", "cpu", "wasm"].map((name) => loadTfjs(name as "cpu")));
  assert(modules.every((tf) => tf === modules[0]));
  assertEquals(modules[0]!.getBackend(), "wasm");
  assert(console.warn === warn && console.error === error, "the console was left changed");
});
