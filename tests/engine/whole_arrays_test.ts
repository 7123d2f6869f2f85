/**
 * What is given, returned or constant cannot be computed in parts: the error says which array it is.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { DeviceMemoryError } from "../../src/gpu/buffers.ts";
import type { Aval } from "../../src/ir/aval.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { add, broadcastTo, constant, mul, sum } from "../../src/tensor/mod.ts";
import { madeUpPaper } from "../predict/made_up_adapter.ts";

const f32 = (...shape: number[]): Aval => ({ shape, dtype: "f32" });

const CASES: readonly {
  readonly what: string;
  readonly fn: (...args: Tensor[]) => Tensor[];
  readonly avals: readonly Aval[];
  readonly error: string;
}[] = [
  {
    what: "an argument",
    fn: (a, b) => [add(sum(a!), sum(b!))],
    avals: [f32(3), f32(40, 64)],
    error: "It is its argument 1, f32[40, 64], which cannot be computed in parts. " +
      "Give it as several arguments that each fit, as packImages() does with images",
  },
  {
    what: "a result",
    fn: (a) => [sum(a!), broadcastTo(mul(a!, 2), [40, 64])],
    avals: [f32(64)],
    error: "It is its result 1, f32[40, 64], which cannot be computed in parts. " +
      "Return it as several arrays that each fit",
  },
  {
    what: "a constant",
    fn: (a) => [sum(mul(a!, constant(Array.from({ length: 2560 }, (_, k) => k % 7))))],
    avals: [f32(1)],
    error: "It is its constant, f32[2560], which cannot be computed in parts. " +
      "Make it of smaller ones that are joined, or give it as several arguments",
  },
];

for (const { what, fn, avals, error } of CASES) {
  Deno.test(`${what} beyond one binding is refused with its name, its size, the limit and ways out`, async () => {
    using paper = madeUpPaper({ traits: { maxStorageBinding: 8192 } });
    const { message } = await assertRejects(
      () => paper.engine.jit(fn).prepare(...avals),
      DeviceMemoryError,
    );
    assertEquals(
      message.replace(/"\w+"/, '"it"'),
      `Cannot load "it": its largest array takes 10240 bytes; made up (software) binds at most 8192 bytes ` +
        `at once. ${error}; or use smaller batches, images or models.`,
    );
    using roomy = madeUpPaper({ traits: { maxStorageBinding: 16384 } });
    await roomy.engine.jit(fn).prepare(...avals);
  });
}
