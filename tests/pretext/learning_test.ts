/**
 * Pretext tasks learn on real images: here those that beat their trivial solver within a few steps, all
 * of them in `deno task soak pretext`.
 */
import { assert, assertEquals } from "@std/assert";
import { withoutShared } from "../shared.ts";
import { withoutWebgpu } from "../webgpu.ts";
import { TASKS } from "./fixtures.ts";
import { beats, learn, realImages, withEngine } from "./learning.ts";
import { LESSONS } from "./lessons.ts";

for (const lesson of LESSONS) {
  const { short, figure, solver } = lesson;
  if (!short) continue;
  Deno.test({
    name: `${short.task.name} beats its trivial solver on real images in ${short.steps} steps`,
    ignore: withoutShared || withoutWebgpu,
    fn: async () => {
      const images = await realImages();
      const learned = await withEngine((engine) =>
        learn({ ...lesson, ...short }, { engine, images, steps: short.steps })
      );
      const { before, after, trivial } = learned;
      assert(beats(learned), `${figure}: ${before}, then ${after}; ${solver}: ${trivial}`);
    },
  });
}

Deno.test("every task of the folder has a lesson", () => {
  const names = Object.values(TASKS).map(({ name }) => name).sort();
  assertEquals(LESSONS.map(({ task }) => task.name).sort(), names);
  for (const { task, short } of LESSONS) assertEquals(short?.task.name ?? task.name, task.name);
});
