import type { Tensor } from "../ir/tensor.ts";
import type { Params, VisiblePatches } from "../nn/mod.ts";

/**
 * The backbone, seen from a task: from images `f32[m, height, width, channels]` in `[0, 1]` and a
 * key `u32[2]` to embeddings `f32[m, embedding]`. It closes over the backbone's parameters and does
 * whatever normalization of channels the backbone expects.
 */
export type Encode = (images: Tensor, key: Tensor, options?: EncodeOptions) => Tensor;

/** What a task asks of a vision transformer besides. */
export interface EncodeOptions {
  /** The patches that count: the result is their tokens `f32[m, count, embedding]`. */
  readonly visible?: VisiblePatches;
}

/** What the loss of a task is computed from. */
export interface PretextInputs {
  /** The backbone; a task calls it exactly once. */
  readonly encode: Encode;
  /** Parameters of the task's head, from {@linkcode PretextTask.initHead}. */
  readonly head: Params;
  /** Images `f32[n, height, width, channels]` in `[0, 1]`. */
  readonly images: Tensor;
  /** Key `u32[2]` of all that is random: targets, augmentation, dropout. */
  readonly key: Tensor;
  /** Classes `i32[n]`; read only by tasks that {@linkcode PretextTask.needsLabels}. */
  readonly labels?: Tensor;
}

/**
 * What a person can look at: pictures `f32[m, height, width, channels]` of 1 or 3 channels, the same
 * number of each of the three; heights and widths may differ.
 */
export interface PretextPictures {
  /** What the backbone was shown, in `[0, 1]`. */
  readonly input: Tensor;
  /** What would be right, in `[0, 1]`. */
  readonly target: Tensor;
  /** What the head has made of it, like the target; values that no screen shows may occur. */
  readonly prediction: Tensor;
}

/** What a task gives. */
export interface PretextLoss {
  /** The loss, a scalar. */
  readonly loss: Tensor;
  /** Figures that describe how well the task is solved, scalars; for example `accuracy`. */
  readonly metrics: Readonly<Record<string, Tensor>>;
  /** Draws the batch, in the trace of the loss: costs nothing where nobody asks. */
  pictures(): PretextPictures;
}

/** A task that makes its own targets from images (or reads labels), and learns through a head. */
export interface PretextTask {
  /** Name in tables and files. */
  readonly name: string;
  /** Whether the loss reads class labels. */
  readonly needsLabels: boolean;
  /** Draws the head's parameters from a key `u32[2]`, for embeddings of the given length. */
  initHead(key: Tensor, embedding: number): Params;
  /** Computes the loss of a batch: a pure function, differentiable in backbone and head. */
  loss(inputs: PretextInputs): PretextLoss;
}
