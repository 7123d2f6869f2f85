/** Every pretext task learns on real images until it beats its trivial solver. */
import { beats, learn, realImages, withEngine } from "../pretext/learning.ts";
import { LESSONS } from "../pretext/lessons.ts";

/** Teaches all tasks; throws at the end if one of them failed or does not beat its solver. */
export async function pretextLearning(log: (line: string) => void): Promise<void> {
  const images = await realImages();
  const failed: string[] = [];
  for (const lesson of LESSONS) {
    const { task, steps, figure, solver } = lesson;
    try {
      // An engine for each: what one lesson breaks is not the next one's fault.
      const learned = await withEngine((engine) => learn(lesson, { engine, images, steps }));
      const { before, after, trivial, figures, seconds } = learned;
      const verdict = beats(learned) ? "" : "NOT BEATEN ";
      if (verdict !== "") failed.push(task.name);
      log(
        `${task.name}: ${verdict}${figure} ${before.toFixed(3)} -> ${
          after.toFixed(3)
        } in ${steps} ` +
          `steps, ${seconds.toFixed(0)} s; ${solver}: ${trivial.toFixed(3)}; ` +
          JSON.stringify(figures),
      );
    } catch (error) {
      failed.push(task.name);
      log(`${task.name}: FAILED ${error instanceof Error ? error.stack : error}`);
    }
  }
  const taught = `${LESSONS.length - failed.length} of ${LESSONS.length} tasks beat their solver`;
  log(taught);
  if (failed.length > 0) throw new Error(`${taught}; not: ${failed.join(", ")}.`);
}
