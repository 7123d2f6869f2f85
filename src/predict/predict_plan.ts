/**
 * The time that a plan will take on an adapter.
 *
 * @module
 */
import type { AdapterProfile } from "../adapter/adapter_profile.ts";
import { type KernelWork, predictTime } from "../adapter/predict_time.ts";
import type { Plan } from "../compile/plan.ts";
import { kernelWork } from "./kernel_work.ts";

/** A dispatch of a plan, as far as its time is concerned. */
export type PredictedDispatch = Pick<
  Plan["dispatches"][number],
  "kernel" | "overrides" | "workgroups" | "bytes"
>;

/** What one run of a plan takes, in nanoseconds. */
export interface PlanTime {
  /** Time of the host. */
  readonly host: number;
  /** Time of the device. */
  readonly device: number;
}

/** Predicts dispatches on one adapter; equal ones are counted once. */
export class TimePredictor {
  readonly #profile: AdapterProfile;
  readonly #work = new Map<string, KernelWork>();

  /** For an adapter with this profile. */
  constructor(profile: AdapterProfile) {
    this.#profile = profile;
  }

  /**
   * What a dispatch does.
   *
   * @param dispatch Kernel, constants, workgroups.
   * @throws {SyntaxError} If its kernel cannot be read.
   */
  work({ kernel: { code }, overrides, workgroups }: PredictedDispatch): KernelWork {
    const key = `${workgroups} ${JSON.stringify(overrides)} ${code}`;
    let found = this.#work.get(key);
    if (!found) this.#work.set(key, found = kernelWork({ code, overrides, workgroups }));
    return found;
  }

  /** Nanoseconds of a dispatch on the device. */
  dispatch(dispatch: PredictedDispatch): number {
    const { kernel: { name: kernel }, bytes } = dispatch;
    return predictTime(this.#profile, { work: this.work(dispatch), bytes, kernel });
  }

  /** Nanoseconds of one run of a plan: of the host, which gives it out, and of the device, which then computes. */
  plan({ dispatches, hostSteps }: Pick<Plan, "dispatches" | "hostSteps">): PlanTime {
    const { encode, submit } = this.#profile;
    return {
      host: encode * dispatches.length + submit * (1 + hostSteps.length),
      device: dispatches.reduce((sum, dispatch) => sum + this.dispatch(dispatch), 0),
    };
  }
}
