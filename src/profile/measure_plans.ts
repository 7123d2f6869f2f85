/**
 * What plans take beside the sum of what their dispatches do at best, measured by kernels of plans, in streams.
 *
 * @module
 */
import type { AdapterProfile, PlanTimes } from "../adapter/adapter_profile.ts";
import { leastWork } from "../adapter/predict_time.ts";
import type { DeviceTraits } from "../ir/lowering.ts";
import { correlation } from "../ops/variants/correlation.ts";
import type { CorrelationShape } from "../ops/variants/correlation_shape.ts";
import { filterGradient } from "../ops/variants/filter_gradient.ts";
import {
  chooseVariant,
  type KernelOperation,
  type VariantCall,
} from "../ops/variants/kernel_variant.ts";
import { kernelWork } from "../predict/kernel_work.ts";
import { Measured, type MeasuredKernels, type Pass, SMALL } from "./measured_kernels.ts";

/** Side of the images, vectors of channels that are read and written: a first layer, two of 32, one of 16. */
const SHAPES = [[32, 1, 8], [16, 8, 8], [8, 8, 8], [16, 4, 4]] as const;

/** Images of the smallest shape that is measured. */
const IMAGES = 20;

/**
 * How often every kernel comes in a stream of little work and in one of much: each has some fifty dispatches, beside
 * which its submission takes no time.
 */
const ROUNDS = [10, 4] as const;

/** How large a dispatch is beside another of the same kernel. */
function share([small]: Pass, [large]: Pass): number {
  return groupsOf([small!]) / groupsOf([large!]);
}

/** Workgroups of a pass. */
function groupsOf(pass: Pass): number {
  return pass.reduce((sum, { workgroups: [x, y, z] }) => sum + x * y * z, 0);
}

/** A kernel of plans on a shape. */
interface PlanKernel {
  readonly operation: "convolution" | "filterGradient";
  readonly call: VariantCall;
  readonly bytes: number;
  readonly measured: Measured;
}

/** A kernel of the stream: dispatches with little work and with much, and the nanoseconds that it takes at best. */
interface Part {
  readonly passes: readonly [Pass, Pass];
  readonly work: (much: 0 | 1, profile: AdapterProfile) => number;
}

/** A kernel that is measured by itself, in the stream by a few workgroups and by all of them. */
function otherPart(measured: Measured): Part {
  const [less, more] = measured.passes;
  const few = less.map((one) => ({ ...one, workgroups: [SMALL, 1, 1] as const }));
  return {
    passes: [few, more],
    work: (much, { workgroup }) =>
      (much === 1 ? measured.work(1) : measured.work(0) * share(few, less)) +
      workgroup * groupsOf(much === 1 ? more : few),
  };
}

/** Where kernels of plans are made and sized. */
export type PlanBench = Pick<MeasuredKernels, "runs" | "isLong" | "bytes">;

/** What is measured of plans. */
export class MeasuredPlans {
  /** What is to be measured with all other quantities. */
  readonly all: readonly Measured[];
  readonly #kernels: readonly PlanKernel[];
  /** What is dispatched in turn, with little work or with much, and how much that is. */
  readonly #parts: readonly Part[];
  readonly #stream: Measured;

  private constructor(kernels: readonly PlanKernel[], others: readonly Measured[]) {
    this.#kernels = kernels;
    this.#parts = [
      ...others.map(otherPart),
      ...kernels.map(({ measured }): Part => ({
        passes: [[], measured.passes[0]],
        work: (much, { dispatch }) => much * (measured.slope() - dispatch),
      })),
    ];
    // In another order every time, as in plans no two dispatches are alike.
    const stream = (much: 0 | 1): Pass =>
      Array.from({ length: ROUNDS[much] }, (_, round) => {
        const first = round % this.#parts.length;
        const order = [...this.#parts.slice(first), ...this.#parts.slice(0, first)];
        return (round % 2 === 0 ? order : order.reverse()).flatMap(({ passes }) => passes[much]);
      }).flat();
    this.#stream = new Measured("plans", [stream(0), stream(1)], 1, { inTurn: true });
    this.all = [...kernels.map(({ measured }) => measured), this.#stream];
  }

  /**
   * Makes the kernels and the stream.
   *
   * @param bench Where kernels run: of {@linkcode MeasuredKernels} only what makes and sizes them.
   * @param traits What decides which kernels plans have.
   * @param others Quantities whose kernels take part in the stream.
   */
  static async prepare(
    bench: PlanBench,
    traits: DeviceTraits,
    others: readonly Measured[],
  ): Promise<MeasuredPlans> {
    const kernels = await Promise.all(
      SHAPES.flatMap(([side, in4, out4]) => [
        planKernel(bench, "convolution", (images) => {
          const shape = { ...shapeOf({ side, in4, out4, images }), transposed: 0 };
          return planCall(correlation, shape, traits);
        }),
        planKernel(bench, "filterGradient", (images) => {
          const shape = shapeOf({ side, in4, out4, images });
          return planCall(filterGradient, shape, traits);
        }),
      ]),
    );
    return new MeasuredPlans(kernels, others);
  }

  /**
   * Compares what was measured with what is predicted without it.
   *
   * @param profile All else that was measured.
   */
  times(profile: AdapterProfile): PlanTimes {
    const ratio = (wanted: PlanKernel["operation"]): number => {
      const logs = this.#kernels.filter(({ operation }) => operation === wanted)
        .map(({ call, bytes, measured }) => {
          const counted = leastWork(profile, { work: kernelWork(call), bytes });
          return Math.log(Math.max(0.05, (measured.slope() - profile.dispatch) / counted));
        });
      return Math.exp(logs.reduce((a, b) => a + b) / logs.length);
    };
    // Two streams tell what their work takes, and what their dispatches take without any.
    const [work0, work1] = ([0, 1] as const).map((much) =>
      ROUNDS[much] * this.#parts.reduce((sum, part) => sum + part.work(much, profile), 0)
    ) as [number, number];
    const [time0, time1] = [this.#stream.middle(0), this.#stream.middle(1)];
    const [count0, count1] = this.#stream.passes.map(({ length }) => length) as [number, number];
    const least = (count0 * time1 - count1 * time0) / (count0 * work1 - count1 * work0);
    const work = Math.max(1, least);
    const dispatch = (time0 - work * work0) / count0;
    return {
      dispatch: Math.max(profile.dispatch, dispatch),
      work,
      convolution: ratio("convolution"),
      filterGradient: ratio("filterGradient"),
    };
  }
}

/** A convolution of 3x3 that keeps the size of its images. */
function shapeOf(
  { side, in4, out4, images }: Readonly<Record<"side" | "in4" | "out4" | "images", number>>,
): Omit<CorrelationShape, "transposed"> {
  return {
    ...{ batch: 1, images, height: side, width: side, outHeight: side, outWidth: side, in4, out4 },
    ...{ kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1, padTop: 1, padLeft: 1 },
  };
}

/** The kernel that plans have for a shape. */
function planCall<S extends CorrelationShape | Omit<CorrelationShape, "transposed">>(
  operation: KernelOperation<S>,
  shape: S,
  traits: DeviceTraits,
): { readonly call: VariantCall; readonly bytes: number; readonly largest: number } {
  const call = chooseVariant(operation, shape, traits).plan(shape, traits);
  const { images, height, width, in4, out4 } = shape;
  const [x, y] = [in4, out4].map((vectors) => 16 * images * height * width * vectors);
  const others = 4 * operation.size(shape) * call.parts;
  return { call, bytes: x! + y! + others, largest: Math.max(x!, y!, others) };
}

/** A kernel on so many images that it takes long enough, or that its arrays hold no more. */
async function planKernel(
  bench: PlanBench,
  operation: PlanKernel["operation"],
  of: (images: number) => ReturnType<typeof planCall>,
): Promise<PlanKernel> {
  for (let images = IMAGES;; images *= 2) {
    const { call, bytes } = of(images);
    const measured = await bench.runs(call);
    const large = of(2 * images).largest > bench.bytes;
    if (large || await bench.isLong(measured.passes[0])) {
      return { operation, call, bytes, measured };
    }
  }
}
