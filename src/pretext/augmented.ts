import { requireCall } from "../ir/options.ts";
import { foldIn } from "../random/mod.ts";
import type { Augment } from "./augment/mod.ts";
import type { PretextTask } from "./pretext_task.ts";

/** Folded into the key of a task for the augmentation in front of it. */
const AUGMENT = 0xa06;

/**
 * A pretext task on images that were augmented before, as the labelled images of the wanted task are. What
 * the task itself draws does not change.
 *
 * @param task The task.
 * @param augment Changes its images `f32[n, height, width, channels]` by a key.
 * @returns A task of the same name.
 *
 * @example
 * ```ts
 * import { augmented, horizontalFlip, rotation } from "@mutasesumele/toolkit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(augmented(rotation(), horizontalFlip).name, "rotation");
 * ```
 */
export function augmented(task: PretextTask, augment: Augment): PretextTask {
  requireCall("augmented", arguments, 2);
  return {
    ...task,
    loss: (inputs) => {
      const images = augment(inputs.images, foldIn(inputs.key, AUGMENT));
      return task.loss({ ...inputs, images });
    },
  };
}
