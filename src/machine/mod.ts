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
export { profileFolder, PROFILES_VARIABLE } from "./profile_folder.ts";
export { profileLines } from "./profile_text.ts";
export { profileHash, type StoredProfile } from "./stored_profile.ts";
export { toolkitVersion } from "./version.ts";
