/**
 * The profile of an adapter on this machine: kept, measured now, or that of its class.
 *
 * @module
 */
import type { AdapterProfile } from "../adapter/adapter_profile.ts";
import { adapterClassOf, builtInProfile } from "../adapter/built_in_profiles.ts";
import { borrowGpu, type Gpu } from "../gpu/device.ts";
import { measureAdapter } from "../profile/measure_adapter.ts";
import { profileFolder, PROFILES_VARIABLE } from "./profile_folder.ts";
import {
  profileKey,
  readProfile,
  type StoredProfile,
  whyProfileNotKept,
  writeProfile,
} from "./stored_profile.ts";

/** A profile, and where it came from. */
export interface FoundProfile {
  /** The profile. */
  readonly profile: AdapterProfile;
  /** Where it is kept and since when; `undefined` if it is not. */
  readonly stored: StoredProfile | undefined;
}

/** How {@linkcode findProfile} goes about it. */
export interface FindProfileOptions {
  /** `first`: where there is none that can be used; `again`: in any case; `never`. Default `first`. */
  readonly measure?: "first" | "again" | "never";
  /** Folder of profiles; `undefined` for none. By default what {@linkcode permittedProfileFolder} finds. */
  readonly folder?: string | undefined;
  /** Receives a line for each thing that a person should know. */
  readonly log: (line: string) => void;
  /** Told that the measurement begins, which takes seconds. */
  readonly onMeasure?: (adapter: string) => void;
  /** How to measure; `measureAdapter` unless told. */
  readonly measureWith?: (gpu: Gpu) => Promise<AdapterProfile>;
}

/**
 * Finds the profile of an adapter. It is measured at first use, where it can be kept; else it is the built-in one of
 * the class, as measuring at every start would take too long. That a folder that may be written cannot be (read-only,
 * full) is said.
 *
 * @param device An open device of the adapter; it stays open.
 * @param options When to measure, and where to keep it.
 * @returns The profile.
 */
export async function findProfile(
  device: GPUDevice,
  options: FindProfileOptions,
): Promise<FoundProfile> {
  const { measure = "first", log, onMeasure = () => {}, measureWith = measureAdapter } = options;
  const gpu = await borrowGpu(device);
  try {
    const folder = "folder" in options ? options.folder : await permittedProfileFolder("read");
    const key = profileKey(gpu.info);
    if (measure !== "again" && folder !== undefined) {
      const found = await readProfile(folder, key);
      if (typeof found === "object") return { profile: found.profile, stored: found };
      if (found !== undefined) {
        log(`${found}; ${measure === "first" ? "measured again" : "unused"}.`);
      }
    }
    const builtIn = { profile: builtInProfile(adapterClassOf(gpu.info)), stored: undefined };
    const denied = folder === undefined || !(await may("write", folder));
    if (measure === "never" || (measure === "first" && denied)) return builtIn;
    // Tried before it is measured, which takes seconds.
    const why = denied ? whyNot(folder) : await whyProfileNotKept(folder, key);
    if (why !== undefined && measure === "first") {
      log(`The built-in profile is taken, as one that is measured would not be kept: ${why}`);
      return builtIn;
    }
    if (why !== undefined) log(`The profile is not kept: ${why}`);
    onMeasure(gpu.info.label);
    const profile = await measureWith(gpu);
    if (denied || why !== undefined) return { profile, stored: undefined };
    try {
      return { profile, stored: await writeProfile(folder, key, profile) };
    } catch (error) {
      log(`The profile is not kept: ${(error as Error).message}`);
      return { profile, stored: undefined };
    }
  } finally {
    gpu.close();
  }
}

/**
 * The folder of profiles, where this process may look for them.
 *
 * @param name What it must be allowed.
 * @returns Its path; `undefined` if there is none, or no permission.
 */
export async function permittedProfileFolder(name: "read" | "write"): Promise<string | undefined> {
  const variables = [
    PROFILES_VARIABLE,
    "MUTASESUMELE_DATA",
    "XDG_DATA_HOME",
    "HOME",
    "LOCALAPPDATA",
  ];
  for (const variable of variables) {
    const { state } = await Deno.permissions.query({ name: "env", variable });
    if (state !== "granted") return undefined;
  }
  const folder = profileFolder();
  return folder !== undefined && await may(name, folder) ? folder : undefined;
}

async function may(name: "read" | "write", path: string): Promise<boolean> {
  const states = name === "read" ? [name] as const : ["read", "write"] as const;
  const found = await Promise.all(
    states.map((each) => Deno.permissions.query({ name: each, path })),
  );
  return found.every(({ state }) => state === "granted");
}

function whyNot(folder: string | undefined): string {
  return folder === undefined
    ? `there is no folder for it, as ${PROFILES_VARIABLE} is empty or may not be read.`
    : `no permission; add --allow-read=${folder} --allow-write=${folder}.`;
}
