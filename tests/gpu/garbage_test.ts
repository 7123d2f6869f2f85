/** How often the runtime is made to collect its garbage. */
import { assert, assertEquals } from "@std/assert";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { GarbagePressure } from "../../src/gpu/garbage.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import { div, sum } from "../../src/tensor/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";

/** How many large array buffers are made meanwhile. */
async function pressuresOf(act: () => void | Promise<void>): Promise<number> {
  const { ArrayBuffer } = globalThis;
  let made = 0;
  globalThis.ArrayBuffer = class extends ArrayBuffer {
    constructor(bytes: number) {
      super(bytes < 2 ** 20 ? bytes : 0);
      if (bytes >= 2 ** 20) made++;
    }
  } as ArrayBufferConstructor;
  try {
    await act();
  } finally {
    globalThis.ArrayBuffer = ArrayBuffer;
  }
  return made;
}

Deno.test("GarbagePressure asks for a collection after 256 runs or dispatches made ready", async () => {
  const garbage = new GarbagePressure();
  const ticks = (...counts: readonly (number | undefined)[]) =>
    pressuresOf(() => counts.forEach((count) => garbage.tick(count)));
  const runs = (count: number) => ticks(...new Array<undefined>(count));
  assertEquals(await runs(255), 0);
  assertEquals(await runs(1), 1);
  assertEquals(await runs(3 * 256), 3);
  assertEquals(await ticks(100, 100), 0);
  assertEquals(await ticks(56), 1);
  assertEquals(await ticks(1000), 1);
  assertEquals(await runs(255), 0);
});

Deno.test("programs that are made ready ask for collections as those that run do", async () => {
  const backend = new WebGpuBackend(paperGpu(MADE_UP));
  const { program } = trace(
    (x: Tensor) => {
      let y = x;
      for (let k = 0; k < 40; k++) y = div(y, sum(y));
      return y;
    },
    [{ shape: [4], dtype: "f32" }],
  );
  let dispatches = 0;
  const made = await pressuresOf(async () => {
    while (dispatches < 256) dispatches += (await backend.load(program)).dispatches;
  });
  assertEquals(made, 1);
  assert(dispatches < 512, `${dispatches} dispatches at once`);
});
