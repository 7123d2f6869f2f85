/**
 * Memory of this process.
 *
 * @module
 */

/** Bytes of the largest resident set so far, `undefined` where the system does not tell. */
export async function peakRss(): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const status = await Deno.readTextFile("/proc/self/status");
  const found = status.match(/^VmHWM:\s+(\d+) kB$/m);
  return found ? Number(found[1]) * 1024 : undefined;
}
