/**
 * The profile of the adapter that a run computes on: in its record, so that a resumed run compiles the same plans.
 *
 * @module
 */
import { type AdapterProfile, checkProfile } from "../adapter/adapter_profile.ts";
import { adapterClassOf, builtInProfile } from "../adapter/built_in_profiles.ts";
import { summarizeAdapter } from "../gpu/device.ts";
import { findProfile, type FindProfileOptions, profileHash } from "../machine/mod.ts";
import { UsageError } from "./usage_error.ts";

/** Name of the fact in the record's environment. */
const FACT = "adapterProfile";

/** What {@linkcode profileFinder} needs of a run. */
export interface ProfiledRun {
  /** Whether it goes on with an earlier run. */
  readonly resumed: boolean;
  /** What was noted so far. */
  readonly environment: () => Readonly<Record<string, unknown>>;
  /** Notes facts. */
  readonly describe: (facts: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Prints a line. */
  readonly log: (line: string) => void;
  /** Shows what goes on, for a moment. */
  readonly note: (text: string) => void;
  /** How profiles are found, where the record has none. */
  readonly find?: Pick<FindProfileOptions, "folder" | "measureWith">;
}

/**
 * Makes what finds the profile for the engines of a run, once: that of the record where the run is resumed on the same
 * adapter; otherwise the kept one, which is measured at first use where it may be kept. A run that began without a
 * profile goes on with the built-in one.
 *
 * @param run The run.
 * @returns What `openEngine` takes as `profile`.
 */
export function profileFinder(run: ProfiledRun): (device: GPUDevice) => Promise<AdapterProfile> {
  let found: Promise<AdapterProfile> | undefined;
  return (device) => found ??= find(device, run);
}

async function find(device: GPUDevice, run: ProfiledRun): Promise<AdapterProfile> {
  const { resumed, environment, describe, log, note } = run;
  const info = summarizeAdapter(device.adapterInfo);
  const known = environment();
  const adapter = info.label;
  const recorded = known[FACT] as { readonly adapter?: unknown } | undefined;
  if (resumed && recorded?.adapter === adapter) return recordedProfile(recorded);
  if (resumed && recorded === undefined && "adapter" in known) {
    return builtInProfile(adapterClassOf(info));
  }
  if (resumed && recorded !== undefined) {
    log(`Resumed on ${adapter}, begun on ${recorded.adapter}: compiled by its own profile.`);
  }
  let began: number | undefined;
  const { profile, stored } = await findProfile(device, {
    ...run.find,
    log,
    onMeasure: () => {
      began = performance.now();
      log(`measuring ${adapter}, once: some seconds`);
      note(`measuring ${adapter}`);
    },
  });
  if (began !== undefined && stored !== undefined) {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    log(`profile of ${adapter} measured in ${seconds} s, kept in ${stored.path}`);
  }
  await describe({ [FACT]: { adapter, hash: profileHash(profile), ...profile } });
  return profile;
}

/** The profile of a record, as it was. */
function recordedProfile(recorded: object): AdapterProfile {
  const profile = checkProfile(recorded);
  const { hash } = recorded as { readonly hash?: unknown };
  if (hash === profileHash(profile)) return profile;
  throw new UsageError(
    `Cannot resume with another ${FACT} than the run began with: what config.yaml says has hash ` +
      `${
        profileHash(profile)
      }, it was ${hash}. Its numbers would not be those of one run. Undo the change.`,
  );
}
