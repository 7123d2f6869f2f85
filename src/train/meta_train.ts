/**
 * One step of meta-training: pretext tasks inside, the wanted task outside.
 *
 * @module
 */
import type { Tensor } from "../ir/tensor.ts";
import { accuracy, softmaxCrossEntropy } from "../loss/mod.ts";
import {
  adaptTasks,
  type BilevelProblem,
  metaGradient,
  type MetaOrder,
} from "../meta/mod.ts";
import type { Layer, Params } from "../nn/mod.ts";
import type { Optimizer, OptimizerState } from "../optim/mod.ts";
import type { PretextTask } from "../pretext/mod.ts";
import { foldIn } from "../random/mod.ts";
import { add, expandDims, mean, mul, slice, takeAlong } from "../tensor/mod.ts";
import { mapTree } from "../tree/tree.ts";
import { type ImageTable, takeImages } from "./device_images.ts";
import {
  type ClassifierOptions,
  labelledBatch,
  type StepInputs,
  type StepResult,
  type TrainStep,
} from "./train_classifier.ts";
