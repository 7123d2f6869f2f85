/**
 * What is known of this machine, and kept on it.
 *
 * @module
 */
export {
  findProfile,
  type FindProfileOptions,
  type FoundProfile,
  permittedProfileFolder,
} from "./find_profile.ts";
export {
  findKernels,
  type FindKernelsOptions,
  keepKernels,
  kernelsHash,
  readKernels,
  whyKernelsNotKept,
} from "./find_kernels.ts";
export { type MeasuredTable, measureTable, type MeasureTableOptions } from "./measure_table.ts";
export { profileFolder, PROFILES_VARIABLE } from "./profile_folder.ts";
export { kernelLines, profileLines } from "./profile_text.ts";
export { profileHash, type StoredProfile } from "./stored_profile.ts";
export type { Stored } from "./stored_file.ts";
export { toolkitVersion } from "./version.ts";
