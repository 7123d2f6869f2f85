/**
 * The identity of what a unit computes.
 *
 * @module
 */
import { hashConfiguration } from "../configuration_hash.ts";
import type { Arm } from "./arms.ts";
import type { StudyConfig } from "./study_schema.ts";

/**
 * A hash of everything that decides the numbers of a unit but for its seed: the arm as it was filled in,
 * the regime, the data, and all of the configuration that is not about other arms or regimes.
 *
 * @param config The configuration.
 * @param unit The arm, the name of the regime, hashes of the data.
 * @returns 16 hexadecimal digits of a SHA-256.
 */
export async function unitConfiguration(
  config: StudyConfig,
  { arm, regime, data }: {
    readonly arm: Arm;
    readonly regime: string;
    readonly data: readonly string[];
  },
): Promise<string> {
  // What only changes what is drawn and how often something is written down changes no number. The groups of
  // pretraining are in the arm; plans of protocols that it does not have do not touch it.
  const { arms: _, only: __, saveEvery: ___, pictures: ____, judgeBy: _____, ...counted } = config;
  const { regimes, meta: ______, pretrain: _______, fineTune, probe, stream, ...rest } = counted;
  const plans = {
    ...(stream && { stream }),
    ...(arm.protocols.includes("fine-tune") && { fineTune }),
    ...(arm.protocols.includes("linear-probe") && { probe }),
  };
  const hash = await hashConfiguration({ ...rest, ...plans, arm, regime: regimes[regime], data });
  return hash.slice(0, 16);
}
