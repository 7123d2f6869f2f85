/**
 * One hash for all configurations: of what a folder holds, and of what a unit computed.
 *
 * @module
 */

/**
 * Hashes a configuration; the order of keys does not matter.
 *
 * @param configuration Plain JSON.
 * @returns SHA-256 in hexadecimal digits.
 */
export async function hashConfiguration(configuration: unknown): Promise<string> {
  const text = JSON.stringify([...leavesOf(configuration)].sort(([a], [b]) => a < b ? -1 : 1));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/**
 * Lists everything that is no mapping with keys.
 *
 * @param value Plain JSON.
 * @param prefix Its key; none unless told.
 * @returns JSON by dotted key.
 */
export function leavesOf(value: unknown, prefix = ""): Map<string, string> {
  const inner = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (inner.length === 0 || Array.isArray(value)) {
    return value === undefined ? new Map() : new Map([[prefix, JSON.stringify(sorted(value))]]);
  }
  return new Map(
    inner.flatMap(([key, item]) => [...leavesOf(item, prefix === "" ? key : `${prefix}.${key}`)]),
  );
}

/** The same value with the keys of all mappings in order: those within lists are not leaves. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
      .map(([key, item]) => [key, sorted(item)]),
  );
}
