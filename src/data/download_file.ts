import * as is from "../ir/kinds.ts";
import { requireOptions } from "../ir/options.ts";
import * as kinds from "./kinds.ts";
import { ChecksumError, type ExpectedFile, findMismatch, verifyFile } from "./verify_file.ts";

/** How far a download is. */
export interface DownloadProgress {
  /** Bytes on disk, those of an earlier, interrupted download included. */
  readonly bytes: number;
  /** Bytes of the whole file. */
  readonly total: number;
  /** Bytes that an earlier download had left. */
  readonly resumedFrom: number;
  /** Mean rate of this download in bytes per second. */
  readonly bytesPerSecond: number;
}

/** Options of {@linkcode downloadFile}. */
export interface DownloadOptions extends ExpectedFile {
  /** Address, `http:` or `https:`. */
  readonly url: string;
  /** File to make; missing folders are made too. */
  readonly destination: string;
  /** Told at most ten times a second, and at the end. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Ends the download early; what has arrived is kept. */
  readonly signal?: AbortSignal;
  /** Longest wait for the server's first answer in milliseconds, 20,000 unless told. */
  readonly responseTimeout?: number;
  /** Longest silence within the file in milliseconds, 60,000 unless told. */
  readonly stallTimeout?: number;
  /** Attempts in a row without a new byte before giving up, 5 unless told. */
  readonly attempts?: number;
  /** First pause between attempts in milliseconds, doubled each time, 1,000 unless told. */
  readonly retryDelay?: number;
}

/**
 * A server could not be reached at all: no network, no such host, no answer.
 *
 * @example
 * ```ts
 * import { downloadFile, NetworkUnavailableError } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * const file = { size: 1, sha256: "0".repeat(64), destination: "/tmp/none/nothing" };
 * await assertRejects(
 *   () => downloadFile({ ...file, url: "http://127.0.0.1:9/none", attempts: 1 }),
 *   NetworkUnavailableError,
 * );
 * ```
 */
export class NetworkUnavailableError extends Error {
  /** Name of the error class. */
  override readonly name = "NetworkUnavailableError";
}

/**
 * A download failed although the server was reached.
 *
 * @example
 * ```ts
 * import { DownloadError, downloadFile } from "@mutasesumele/toolkit/data";
 * import { assertRejects } from "@std/assert";
 *
 * const server = Deno.serve({ port: 0, onListen: () => {} }, () => new Response("", { status: 404 }));
 * const url = `http://127.0.0.1:${server.addr.port}/none`;
 * const file = { size: 1, sha256: "0".repeat(64), destination: "/tmp/none/nothing" };
 * await assertRejects(() => downloadFile({ ...file, url, attempts: 1 }), DownloadError, "404");
 * await server.shutdown();
 * ```
 */
export class DownloadError extends Error {
  /** Name of the error class. */
  override readonly name = "DownloadError";
}

/** The connection broke within the file; worth another attempt. */
class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}

/** Reason of an error in one line. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** Size of a file, 0 if there is none. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Whether there is a file. */
async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Asks for the bytes from `offset` on. */
async function request(options: DownloadOptions, offset: number): Promise<Response> {
  const { url, signal, responseTimeout = 20_000 } = options;
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", abort);
  const timer = setTimeout(
    () => controller.abort(new InterruptedError(`no answer within ${responseTimeout} ms`)),
    responseTimeout,
  );
  // "identity": a content coding would make the received length differ from the file's.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (offset > 0) headers["range"] = `bytes=${offset}-`;
  try {
    return await fetch(url, { headers, signal: controller.signal });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof TypeError || error instanceof InterruptedError) {
      throw new NetworkUnavailableError(
        `Cannot download ${url}: no connection (${
          reason(error)
        }), expected an answer. Check the network, or fetch the file by other means.`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Finds where the bytes of an answer start, and checks what the server says of the file. */
function startOf(response: Response, { offset, options }: {
  offset: number;
  options: DownloadOptions;
}): number {
  const { url, size } = options;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (response.status === 206 && offset > 0) {
    if (range === null || Number(range[1]) !== offset) {
      throw new DownloadError(
        `Cannot resume ${url}: the server sent range "${
          response.headers.get("content-range") ?? ""
        }", expected bytes from ${offset}. Remove ${options.destination}.part and try again.`,
      );
    }
  } else if (response.status !== 200) {
    throw new DownloadError(
      `Cannot download ${url}: the server answered ${response.status} ${response.statusText}, expected 200${
        offset > 0 ? " or 206" : ""
      }. Check the address, or fetch the file by other means.`,
    );
  }
  const length = response.headers.get("content-length");
  const announced = response.status === 206
    ? range?.[2] === "*" ? size : Number(range?.[2])
    : length === null
    ? size
    : Number(length);
  if (announced !== size) {
    throw new ChecksumError(
      `Cannot download ${url}: the server announces ${announced} bytes, expected ${size}. The published file has changed or the address is wrong.`,
    );
  }
  return response.status === 206 ? offset : 0;
}

/** Reads the next piece, or throws if none comes in time. */
async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  { signal, stallTimeout = 60_000 }: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal?.reason);
  const timer = setTimeout(
    () => reject(new InterruptedError(`no byte within ${stallTimeout} ms`)),
    stallTimeout,
  );
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    const { value } = await Promise.race([reader.read(), promise]);
    return value;
  } catch (error) {
    if (signal?.aborted || error instanceof InterruptedError) throw error;
    throw new InterruptedError(reason(error), { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Does something with the partial file; a disk that does not take it, such as a full one, is told. */
async function keeping<T>(
  partial: string,
  { url, size }: DownloadOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof Deno.errors.NotCapable) throw cause;
    throw new DownloadError(
      `Cannot download ${url} to ${partial}: ${cause.message}, expected a place for ${size} bytes. Free ` +
        `some space, or choose another folder; what has arrived is kept and continued.`,
      { cause },
    );
  }
}

/** Appends what is missing to the partial file. */
async function transfer(partial: string, { options, report }: {
  options: DownloadOptions;
  report: (bytes: number, received: number) => void;
}): Promise<void> {
  let offset = await sizeOf(partial);
  if (offset > options.size) offset = 0;
  if (offset === options.size) return;
  const response = await request(options, offset);
  let bytes: number;
  try {
    bytes = startOf(response, { offset, options });
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
  const reader = response.body!.getReader();
  try {
    using file = await keeping(
      partial,
      options,
      () => Deno.open(partial, { write: true, create: true }),
    );
    await keeping(partial, options, () => file.truncate(bytes));
    await file.seek(bytes, Deno.SeekMode.Start);
    for (;;) {
      const piece = await readPiece(reader, options);
      if (piece === undefined) break;
      if (bytes + piece.length > options.size) {
        throw new ChecksumError(
          `Cannot download ${options.url}: more than ${options.size} bytes arrived. The published file has changed or the address is wrong.`,
        );
      }
      await keeping(partial, options, async () => {
        for (let written = 0; written < piece.length;) {
          written += await file.write(piece.subarray(written));
        }
      });
      bytes += piece.length;
      report(bytes, piece.length);
    }
    if (bytes < options.size) throw new InterruptedError("the connection ended early");
    await keeping(partial, options, () => file.sync());
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Transfers until the partial file is complete, again after every broken connection. */
async function complete(partial: string, options: DownloadOptions): Promise<void> {
  const { attempts = 5, retryDelay = 1000, size, url } = options;
  const resumedFrom = Math.min(await sizeOf(partial), size);
  const started = performance.now();
  let received = 0;
  let reported = -Infinity;
  const report = (bytes: number, more: number) => {
    received += more;
    const now = performance.now();
    if (now - reported < 100 && bytes < size) return;
    reported = now;
    const bytesPerSecond = received / Math.max((now - started) / 1000, 1e-3);
    options.onProgress?.({ bytes, total: size, resumedFrom, bytesPerSecond });
  };
  for (let failures = 0;;) {
    const before = received;
    try {
      return await transfer(partial, { options, report });
    } catch (error) {
      const broken = error instanceof InterruptedError;
      if (!broken && !(error instanceof NetworkUnavailableError && received > 0)) throw error;
      failures = received > before ? 1 : failures + 1;
      if (failures >= attempts) {
        throw new DownloadError(
          `Cannot download ${url}: the connection broke (${reason(error)}) at ${await sizeOf(
            partial,
          )} bytes, expected ${size}. Try again: the part in ${partial} is kept and continued.`,
          { cause: error },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelay * 2 ** (failures - 1)));
      options.signal?.throwIfAborted();
    }
  }
}

/** Makes the folder and opens the lock file in it. */
async function openLock(destination: string, folder: string): Promise<Deno.FsFile> {
  try {
    if (folder !== destination) await Deno.mkdir(folder || "/", { recursive: true });
    return await Deno.open(`${destination}.lock`, { write: true, create: true });
  } catch (error) {
    if (!(error instanceof Error) || error instanceof Deno.errors.NotCapable) throw error;
    throw new DownloadError(
      `Cannot download to ${destination}: ${error.message}, expected a folder that can be written to. Choose another folder.`,
      { cause: error },
    );
  }
}

/** Makes a rename durable where the system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using file = await Deno.open(folder);
  await file.sync();
}

/**
 * Downloads a file of known size and SHA-256, and continues where an interrupted download stopped.
 *
 * The bytes go to `<destination>.part`; only after size and hash agree is it renamed to the
 * destination, so a file at the destination is always whole. A part with a wrong hash is kept as
 * `<destination>.bad`. Two processes that want the same file wait for each other by means of
 * `<destination>.lock`. A file that is already there is verified and left alone.
 *
 * @param options Address, destination, and the published size and hash.
 * @throws {NetworkUnavailableError} If the server cannot be reached.
 * @throws {DownloadError} If the server refuses, the connection keeps breaking, or the folder cannot
 * be written to.
 * @throws {ChecksumError} If size or hash differ from the published ones.
 *
 * @example
 * ```ts
 * import { downloadFile } from "@mutasesumele/toolkit/data";
 * import { assertEquals } from "@std/assert";
 *
 * const server = Deno.serve(
 *   { port: 0, hostname: "127.0.0.1", onListen() {} },
 *   () => new Response("abc"),
 * );
 * const folder = await Deno.makeTempDir();
 * await downloadFile({
 *   url: `http://127.0.0.1:${server.addr.port}/abc`,
 *   destination: `${folder}/abc`,
 *   size: 3,
 *   sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
 * });
 * assertEquals(await Deno.readTextFile(`${folder}/abc`), "abc");
 * await server.shutdown();
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  requireOptions("downloadFile", options, {
    url: is.text,
    destination: is.name,
    size: is.natural,
    sha256: is.text,
    onProgress: is.optional(is.callback),
    signal: is.optional(kinds.signal),
    responseTimeout: is.optional(is.positive),
    stallTimeout: is.optional(is.positive),
    attempts: is.optional(is.count),
    retryDelay: is.optional(is.number),
  });
  const { url, destination } = options;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new DownloadError(
      `Cannot download "${url}": not a web address, expected http:// or https://. Correct the address.`,
    );
  }
  const folder = destination.replace(/[\\/][^\\/]*$/, "");
  using lock = await openLock(destination, folder);
  await lock.lock(true);
  if (await exists(destination)) return await verifyFile(destination, options);
  const partial = `${destination}.part`;
  await complete(partial, options);
  const mismatch = await findMismatch(partial, options);
  if (mismatch !== undefined) {
    await Deno.rename(partial, `${destination}.bad`);
    throw new ChecksumError(
      `Cannot use what came from ${url}: ${mismatch}. It is kept as ${destination}.bad; the next attempt starts afresh.`,
    );
  }
  await Deno.rename(partial, destination);
  await syncFolder(folder === destination ? "." : folder || "/");
}
