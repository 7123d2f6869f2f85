/**
 * What an adapter can do, and what the compiler makes of it.
 *
 * @module
 */
export {
  type AdapterClass,
  type AdapterProfile,
  checkProfile,
  type PlanTimes,
} from "./adapter_profile.ts";
export { builtInProfile } from "./built_in_profiles.ts";
export { checkKernelTable, type KernelTable } from "./kernel_table.ts";
export { adapterClassOf, adapterCosts } from "./checked.ts";
