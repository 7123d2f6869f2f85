/**
 * Turns what the operating system says about a file into a message that says what was attempted
 * and what to do about it.
 *
 * @module
 */

/** Advice by the operating system's error code, or by the name of Deno's error class; ELSEWHERE is another place. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full. Free some space or ELSEWHERE",
  EDQUOT: "the disk quota is used up. Free some space or ELSEWHERE",
  EIO: "the disk reports a fault. Check it, or ELSEWHERE",
  EFBIG: "the file is larger than the system allows. Raise the limit (ulimit -f)",
  EROFS: "the file system is read-only; ELSEWHERE",
  EACCES: "permission denied by the system. Check the folder's owner and mode",
  NotCapable:
    "Deno was not given the permission. Run with --allow-read --allow-write and the path, or by " +
    "deno task experiment, which gives what its flags need",
  PermissionDenied: "permission denied by the system. Check the folder's owner and mode",
  NotFound: "no such file or folder. Check the path",
};

/**
 * Wraps a file-system error so that its message names the action, the path and a way out.
 *
 * @param action What was attempted, as a verb phrase, such as `"write the checkpoint"`.
 * @param options The path concerned, the error that was caught, and how another place is chosen, as a
 * verb phrase; with `--out` unless told.
 * @returns An error with `cause` set; it is thrown by the caller.
 */
export function fileError(
  action: string,
  options: { readonly path: string | URL; readonly cause: unknown; readonly elsewhere?: string },
): Error {
  const { path, cause, elsewhere = "choose another folder with --out" } = options;
  const name = cause instanceof Error ? cause.name : "";
  const code = errorCode(cause);
  const advice = (ADVICE[code] ?? ADVICE[name])?.replace("ELSEWHERE", elsewhere);
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Error(`Cannot ${action} ${path}: ${advice ?? detail}.`, { cause });
}

/** Codes that Deno does not give, by their number on Linux, macOS and BSD. */
const CODES: Readonly<Record<string, string>> = { 5: "EIO", 27: "EFBIG" };

/** The system's code (`ENOSPC`, ...) of an error, or the empty string. */
function errorCode(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  const number = cause.message.match(/\(os error (\d+)\)/)?.[1] ?? "";
  return Deno.build.os === "windows" ? "" : CODES[number] ?? "";
}
