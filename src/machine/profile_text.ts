/**
 * Profiles of adapters in words.
 *
 * @module
 */
import type { AdapterProfile } from "../adapter/adapter_profile.ts";
import type { KernelTable } from "../adapter/kernel_table.ts";
import { adapterCosts } from "../adapter/adapter_costs.ts";
import type { FoundProfile } from "./find_profile.ts";
import { kernelsHash } from "./find_kernels.ts";
import type { Stored } from "./stored_file.ts";
import { profileHash } from "./stored_profile.ts";

/** Lines of the profile: where it came from, what was measured, what the compiler makes of it. */
export function profileLines(
  { profile, stored }: FoundProfile,
  now: number = Date.now(),
): readonly string[] {
  const where = stored !== undefined
    ? `measured ${age(now - Date.parse(stored.date))} (${stored.date}), ${stored.path}`
    : profile.source === "measured"
    ? "measured now, not kept"
    : `built in for ${profile.class} adapters; deno task doctor --measure measures this one`;
  const { load, store, dispatch, shuffle, busy, tiledWorkgroup } = adapterCosts(profile);
  return [
    `profile ${profileHash(profile)}: ${where}`,
    `  arithmetic ${profile.gflops} GFLOP/s (${profile.tileGflops} in tiles), copies ${profile.gigabytes} GB/s, ` +
    `${profile.invocations} invocations keep it busy`,
    `  an element (4 bytes): simple operation ${time(profile.operation)}, load ${
      time(profile.load)
    }, ` +
    `store ${time(profile.store)}, load of workgroup memory ${time(profile.workgroupLoad)}`,
    `  a barrier of 64 invocations ${time(profile.barrier)}, ${subgroupText(profile)}`,
    `  a dispatch ${time(profile.dispatch)}, each of its workgroups ${time(profile.workgroup)}, ` +
    `a readback ${time(profile.readback)}`,
    `  the host encodes a dispatch in ${time(profile.encode)}, submits in ${time(profile.submit)}`,
    ...planLines(profile),
    `  the compiler counts, in simple operations: load ${load}, store ${store}, dispatch ${dispatch}, ` +
    `shuffle ${shuffle}; tiles by ${tiledWorkgroup} invocations, ${busy.tiled} at least`,
  ];
}

/** Times that work may usually take as long as at best; above that, others computed during the measurement. */
const QUIET = 2;

function planLines({ plans }: AdapterProfile): readonly string[] {
  if (plans === undefined) return [];
  const { dispatch, work, convolution, filterGradient } = plans;
  const busy = work > QUIET ? "; measured on a busy machine, too long for an idle one" : "";
  return [
    `  in plans: a dispatch ${time(dispatch)}, work ${work} times as long as at best, ` +
    `convolutions ${convolution} and filter gradients ${filterGradient} times what is counted${busy}`,
  ];
}

function subgroupText({ subgroupLanes, shuffle }: AdapterProfile): string {
  return subgroupLanes === 0
    ? "no subgroups"
    : `${subgroupLanes} lanes, an element of another lane ${time(shuffle)}`;
}

/** Lines of the table of kernels: where it came from, and which shapes it has, if these are wanted. */
export function kernelLines(
  stored: Stored<KernelTable> | undefined,
  { each = false, now = Date.now() }: { readonly each?: boolean; readonly now?: number } = {},
): readonly string[] {
  if (stored === undefined) {
    return ["kernels: chosen by a rule; deno task profile TARGET --kernels measures them"];
  }
  const { value, date, path } = stored;
  const shapes = Object.entries(value);
  const when = `measured ${age(now - Date.parse(date))} (${date}), ${path}`;
  return [
    `kernels ${kernelsHash(value)}: ${shapes.length} shapes, ${when}`,
    ...(each ? shapes.map(([shape, name]) => `  ${shape}: ${name}`) : []),
  ];
}

/** Nanoseconds in the unit that suits. */
function time(nanoseconds: number): string {
  const [unit, size] = nanoseconds >= 1e6
    ? ["ms", 1e6]
    : nanoseconds >= 1e3
    ? ["us", 1e3]
    : nanoseconds >= 1
    ? ["ns", 1]
    : ["ps", 1e-3];
  return `${Number((nanoseconds / size).toPrecision(3))} ${unit}`;
}

function age(milliseconds: number): string {
  const hours = milliseconds / 3_600_000;
  if (hours < -1) return "later than this clock says";
  if (hours < 1) return "within the hour";
  return hours < 48 ? `${Math.round(hours)} hours ago` : `${Math.round(hours / 24)} days ago`;
}
