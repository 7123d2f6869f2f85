/** Temporary memory that programs share: who keeps it, and when it is given back. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Arena } from "../../src/compile/loaded_plan.ts";
import { BufferPool, DeviceMemoryError } from "../../src/gpu/buffers.ts";
import { paperGpu } from "../../src/predict/paper_device.ts";
import { MADE_UP } from "../predict/made_up_adapter.ts";

Deno.test("Arena gives back what no plan uses any more, and nothing that another one uses", () => {
  const pool = new BufferPool(paperGpu(MADE_UP));
  const arena = new Arena(pool);
  const held = (): readonly number[] => [pool.stats.liveBytes, pool.stats.pooledBytes];
  const first = arena.reserve([1024, 4096]);
  const second = arena.reserve([4096, 512, 2048]);
  // Both of the first plan serve the second one, too.
  assertEquals(second.filter((buffer) => first.includes(buffer)).length, 2);
  assertEquals(new Set(second).size, 3);
  const [added] = second.filter((buffer) => !first.includes(buffer));
  const third = arena.reserve([4096]);
  assertEquals(third, [first[1]]);
  assertEquals(held(), [5120 + added!.size, 0]);
  arena.leave(second);
  assert(!pool.has(added!) && first.every((buffer) => pool.has(buffer)));
  assertEquals(held(), [5120, 0]);
  assertEquals(arena.missing([4096, 1024]), []);
  assertEquals(arena.missing([4096, 1024, 256]), [256]);
  arena.leave(first);
  assertEquals(held(), [4096, 0]);
  assertEquals(arena.reserve([4096]), third);
  arena.leave(third);
  assertEquals(held(), [4096, 0]);
  arena.leave(third);
  assertEquals(held(), [0, 0]);
  // Constants belong to one plan.
  const constant = pool.acquire(256);
  arena.leave([constant]);
  assertEquals([held(), pool.has(constant)], [[0, 0], false]);
});

Deno.test("a plan for which there is too little memory takes nothing, and others keep what they have", () => {
  const pool = new BufferPool(paperGpu(MADE_UP), { byteBudget: 1024 });
  const arena = new Arena(pool);
  const kept = arena.reserve([256]);
  assertThrows(
    () => arena.reserve([256, 256, 4096]),
    DeviceMemoryError,
    "Cannot acquire temporary",
  );
  assertEquals([pool.stats.liveBytes, pool.stats.pooledBytes], [256, 0]);
  assert(pool.has(kept[0]!));
  assertEquals(arena.missing([256, 512]), [512]);
  arena.leave(kept);
  assertEquals(pool.stats.liveBytes, 0);
});
