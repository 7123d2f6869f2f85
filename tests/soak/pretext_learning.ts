/** Every pretext task learns on real images until it beats its trivial solver. */
import { beats, learn, realImages, withEngine } from "../pretext/learning.ts";
import { LESSONS } from "../pretext/lessons.ts";

/** Teaches all tasks; throws if one does not beat its solver. */
export async function pretextLearning(log: (line: string) => void): Promise<void> {
  const images = await realImages();
  const failed: string[] = [];
  await withEngine(async (engine) => {
    for (const lesson of LESSONS) {
      const { task, steps, figure, solver } = lesson;
      const learned = await learn(lesson, { engine, images, steps });
      const { before, after, trivial, figures, seconds } = learned;
      if (!beats(learned)) failed.push(task.name);
      log(
        `${task.name}: ${figure} ${before.toFixed(3)} -> ${after.toFixed(3)} in ${steps} steps, ` +
          `${seconds.toFixed(0)} s; ${solver}: ${trivial.toFixed(3)}; ${JSON.stringify(figures)}`,
      );
    }
  });
  if (failed.length > 0) throw new Error(`No better than trivial: ${failed.join(", ")}.`);
}
