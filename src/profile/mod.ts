/**
 * Profiles: dispatches of a program with their times, the roofline of the adapter, tables, traces for Perfetto.
 *
 * @module
 */
export type { Ceiling } from "./ceiling.ts";
export { formatProfile, type FormatProfileOptions } from "./format_profile.ts";
export type { MemoryInUse } from "./memory_over.ts";
export { type Profile, profile, type ProfiledDispatch, type ProfileOptions } from "./profile.ts";
export { profileTrace, type TraceEvent, type TraceFile } from "./profile_trace.ts";
