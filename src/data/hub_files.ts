import { DownloadError, NetworkUnavailableError } from "./download_file.ts";

/** A file of a data set on the hub. */
export interface HubFile {
  /** Path inside of the data set. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** Where a data set lies on the hub. */
export interface HubSource {
  /** Owner and name, such as `ethz/food101`. */
  readonly id: string;
  /** Commit, tag or branch. */
  readonly revision: string;
  /** Address of the hub. */
  readonly endpoint: string;
}

/** Longest accepted answer, and most pages of a listing. */
const MOST_ANSWER = 1 << 24;
const MOST_PAGES = 100;

/** Options of a question to the hub. */
export interface HubOptions {
  /** Ends it early. */
  readonly signal?: AbortSignal;
  /** Longest wait for an answer in milliseconds, 20,000 unless told. */
  readonly responseTimeout?: number;
}

/** Reads a body of bounded length. */
async function readText(response: Response, url: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MOST_ANSWER) {
      throw new DownloadError(
        `Cannot list ${url}: more than ${MOST_ANSWER} bytes came, expected fewer. Fetch the files by other means.`,
      );
    }
    parts.push(part);
  }
  return await new Blob(parts as Uint8Array<ArrayBuffer>[]).text();
}

/** Asks the hub; what comes back is untrusted JSON. */
async function ask(
  url: string,
  { signal, responseTimeout = 20_000 }: HubOptions,
): Promise<{ answer: unknown; next: string | undefined }> {
  const timeout = AbortSignal.timeout(responseTimeout);
  let response;
  let text;
  try {
    response = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    text = await readText(response, url);
  } catch (error) {
    if (signal?.aborted || error instanceof DownloadError) throw signal?.reason ?? error;
    if (error instanceof TypeError || timeout.aborted) {
      throw new NetworkUnavailableError(
        `Cannot list ${url}: no connection (${
          (error as Error).message
        }), expected an answer. Check the network, or fetch the files by other means and name their folder.`,
        { cause: error },
      );
    }
    throw error;
  }
  if (!response.ok) {
    const gated = response.status === 401 || response.status === 403;
    throw new DownloadError(
      `Cannot list ${url}: the hub answered ${response.status}, expected 200. ${
        gated
          ? "Accept the terms of the data set, fetch it with the hub's own client and name the folder."
          : "Check the name, or fetch the files by other means."
      }`,
    );
  }
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  try {
    return { answer: JSON.parse(text), next };
  } catch (error) {
    throw new DownloadError(
      `Cannot list ${url}: the answer is not JSON (${
        (error as Error).message
      }), expected a list of files. Try again later.`,
      { cause: error },
    );
  }
}

/** A field of untrusted JSON. */
function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** Reads one entry of a listing of the hub; folders and small files without a hash are none. */
export function readHubFile(entry: unknown): HubFile | undefined {
  const path = field(entry, "path");
  const size = field(field(entry, "lfs"), "size");
  const hash = field(field(entry, "lfs"), "oid");
  if (typeof path !== "string" || typeof size !== "number" || typeof hash !== "string") return;
  const sha256 = hash.replace(/^sha256:/, "");
  const inside = !path.startsWith("/") && !path.split(/[\\/]/).includes("..") &&
    /^[\w./-]+$/.test(path);
  if (inside && Number.isSafeInteger(size) && size > 0 && /^[0-9a-f]{64}$/.test(sha256)) {
    return { path, size, sha256 };
  }
  throw new DownloadError(
    `Cannot list the files of a data set: found ${
      JSON.stringify(entry).slice(0, 200)
    }, expected a path inside of it with size and SHA-256. Fetch the files by other means.`,
  );
}

/**
 * Lists the large files of a data set on the Hugging Face hub, with sizes and hashes, at one commit.
 *
 * @param source Which data set; a branch or tag is resolved to its commit first.
 * @param options When to give up.
 * @returns The commit, and the files in the order of the hub.
 * @throws {NetworkUnavailableError} If the hub cannot be reached.
 * @throws {DownloadError} If it refuses, or its answer is not what its interface promises.
 */
export async function listHubFiles(
  { id, revision, endpoint }: HubSource,
  options: HubOptions = {},
): Promise<{ revision: string; files: readonly HubFile[] }> {
  const base = `${endpoint}/api/datasets/${id}`;
  const { answer } = await ask(`${base}/revision/${encodeURIComponent(revision)}`, options);
  const commit = field(answer, "sha");
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/.test(commit)) {
    throw new DownloadError(
      `Cannot list ${id}: the hub names no commit for ${revision}, expected one. Check the revision.`,
    );
  }
  const files: HubFile[] = [];
  let url: string | undefined = `${base}/tree/${commit}?recursive=true`;
  for (let page = 0; url !== undefined; page++) {
    const { answer, next }: Awaited<ReturnType<typeof ask>> = await ask(url, options);
    if (!Array.isArray(answer) || page >= MOST_PAGES) {
      throw new DownloadError(
        `Cannot list ${url}: no list of files, or one without end, expected one. Try again later.`,
      );
    }
    for (const entry of answer) {
      const file = readHubFile(entry);
      if (file !== undefined) files.push(file);
    }
    url = next === undefined ? undefined : new URL(next, url).href;
    if (url !== undefined && new URL(url).origin !== new URL(endpoint).origin) {
      throw new DownloadError(
        `Cannot list ${id}: the list goes on at ${url}, expected ${endpoint}. Try again later.`,
      );
    }
  }
  return { revision: commit, files };
}
