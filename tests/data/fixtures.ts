/** Fixtures of the data tests: tar archives, CIFAR-10 folders, temporary folders, a file server. */
import { createHash } from "node:crypto";

/** Real CIFAR-10 records, 1017 a file. */
export const CIFAR10_FOLDER = new URL("../../../shared/data/cifar-10-batches-bin", import.meta.url)
  .pathname;

/** Runs a test in a fresh folder and removes it afterwards. */
export async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** SHA-256 as hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** An entry of a tar fixture. */
export interface TarEntry {
  path: string;
  bytes?: Uint8Array;
  type?: string;
  prefix?: string;
}

/** One ustar header and its content, padded. */
export function tarEntry({ path, bytes = new Uint8Array(0), type = "0", prefix = "" }: TarEntry) {
  const entry = new Uint8Array(512 + Math.ceil(bytes.length / 512) * 512);
  const put = (text: string, at: number) => entry.set(new TextEncoder().encode(text), at);
  put(path, 0);
  put("0000644\0", 100);
  put(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
  put("        ", 148);
  put(type, 156);
  put("ustar\x0000", 257);
  put(prefix, 345);
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  entry.set(bytes, 512);
  return entry;
}

/** A whole archive. */
export function tar(entries: TarEntry[]): Uint8Array<ArrayBuffer> {
  const parts = [...entries.map(tarEntry), new Uint8Array(1024)];
  const archive = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    archive.set(part, at);
    at += part.length;
  }
  return archive;
}

/** Compresses with gzip. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Record files of a tiny CIFAR-10: file `f` has `f + 1` records, record `r` has label `r`. */
export function tinyCifar10(): Map<string, Uint8Array> {
  const names = [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`).concat(
    "test_batch.bin",
  );
  return new Map(names.map((name, file) => {
    const bytes = new Uint8Array(3073 * (file + 1));
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] = at % 3073 === 0 ? at / 3073 : (at * 7 + file) % 256;
    }
    return [name, bytes];
  }));
}

/** Runs a server for as long as `test` runs; `ranges` lists the `range` header of every request. */
export async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  test: (origin: string, ranges: (string | null)[]) => Promise<void>,
): Promise<void> {
  const ranges: (string | null)[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    ranges.push(request.headers.get("range"));
    return answer(request);
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}`, ranges);
  } finally {
    await server.shutdown();
  }
}

/** Serves bytes, or the asked-for rest of them. */
export function serveBytes(bytes: Uint8Array<ArrayBuffer>, request: Request): Response {
  const range = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "");
  if (range === null) {
    return new Response(bytes, { headers: { "content-length": `${bytes.length}` } });
  }
  const start = Number(range[1]);
  return new Response(bytes.slice(start), {
    status: 206,
    headers: {
      "content-length": `${bytes.length - start}`,
      "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
    },
  });
}
