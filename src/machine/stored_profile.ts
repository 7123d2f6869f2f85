/**
 * Measured profiles on disk.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type AdapterProfile, checkProfile } from "../adapter/adapter_profile.ts";
import type { AdapterSummary } from "../gpu/device.ts";
import { readStored, type Stored, type Subject, whyNotStored, writeStored } from "./stored_file.ts";
import { toolkitVersion } from "./version.ts";

/** Changes when the numbers of a profile, or the lines of a table of kernels, mean something else. */
const FORMAT = 4;

/** What a measurement holds for: where one of these differs, an adapter is measured again. */
export interface ProfileKey {
  /** Version of the file. */
  readonly format: number;
  /** Who made the adapter, as the driver says; its version stands in the description where it is known. */
  readonly adapter: Pick<AdapterSummary, "vendor" | "architecture" | "device" | "description">;
  /** Cores of the processor. */
  readonly cores: number;
  /** Version of Deno, whose compiler makes code of the kernels. */
  readonly deno: string;
  /** Version of this package. */
  readonly toolkit: string;
}

/** A profile on disk. */
export interface StoredProfile {
  /** The profile. */
  readonly profile: AdapterProfile;
  /** When it was measured, in UTC (ISO 8601). */
  readonly date: string;
  /** Its file. */
  readonly path: string;
}

/** What a measurement on this machine holds for. */
export function profileKey(
  { vendor, architecture, device, description }: ProfileKey["adapter"],
): ProfileKey {
  return {
    format: FORMAT,
    adapter: { vendor, architecture, device, description },
    cores: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
    toolkit: toolkitVersion,
  };
}

/** Short hash of a profile: what was compiled by equal ones is equal. */
export function profileHash(profile: AdapterProfile): string {
  const sorted = Object.entries(profile).sort(([a], [b]) => a < b ? -1 : 1);
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 16);
}

/** File of an adapter's profile: names for people, and a hash of all that it holds for. */
export function profilePath(folder: string, key: ProfileKey): string {
  const { description, vendor, architecture } = key.adapter;
  const name = (description || `${vendor} ${architecture}`).toLowerCase()
    .replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 48);
  const hash = createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 12);
  return `${folder}/${name || "adapter"}-${hash}.json`;
}

/** The profile of an adapter as a file of a folder. */
function subject(folder: string, key: ProfileKey): Subject<AdapterProfile> {
  const path = profilePath(folder, key);
  return { name: "profile", key, path, check: checkProfile, hash: profileHash };
}

/**
 * Reads the profile of an adapter.
 *
 * @param folder Folder of profiles.
 * @param key What it has to hold for.
 * @returns The profile; `undefined` if there is none; a sentence if what is there cannot be used.
 * @throws {Error} If the file cannot be read.
 */
export async function readProfile(
  folder: string,
  key: ProfileKey,
): Promise<StoredProfile | string | undefined> {
  const found = await readStored(subject(folder, key));
  return typeof found === "object" ? storedProfile(found) : found;
}

/**
 * Keeps the profile of an adapter; its folder is made.
 *
 * @param folder Folder of profiles.
 * @param key What it holds for.
 * @param profile The profile, measured now.
 * @throws {Error} If it cannot be written; what was there stays.
 */
export async function writeProfile(
  folder: string,
  key: ProfileKey,
  profile: AdapterProfile,
): Promise<StoredProfile> {
  return storedProfile(await writeStored(subject(folder, key), profile));
}

/**
 * Tries whether the profile of an adapter could be kept.
 *
 * @param folder Folder of profiles.
 * @param key What it would hold for.
 * @returns `undefined` if it could; else a sentence that says why not.
 */
export async function whyProfileNotKept(
  folder: string,
  key: ProfileKey,
): Promise<string | undefined> {
  return await whyNotStored(subject(folder, key));
}

function storedProfile({ value, ...rest }: Stored<AdapterProfile>): StoredProfile {
  return { profile: value, ...rest };
}
