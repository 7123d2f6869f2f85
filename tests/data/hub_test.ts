import { assert, assertEquals, assertRejects } from "@std/assert";
import { fetchHubSet } from "../../src/data/fetch_hub_set.ts";
import { listHubFiles } from "../../src/data/hub_files.ts";
import {
  ChecksumError,
  dataNames,
  DownloadError,
  loadImageSplits,
  NetworkUnavailableError,
  PUBLISHED_SETS,
  type PublishedSet,
} from "../../src/data/mod.ts";
import { serveBytes, sha256, withFolder, withServer } from "./fixtures.ts";
import { shard } from "./hub_fixtures.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const FILES = new Map([
  ["data/train-00000-of-00002.parquet", shard(0, 6, "labels")],
  ["data/train-00001-of-00002.parquet", shard(6, 6, "labels")],
  ["data/test-00000-of-00001.parquet", shard(20, 4, "labels")],
  ["data/validation-00000-of-00001.parquet", shard(30, 4, "labels")],
]);
const BEANS = PUBLISHED_SETS.find(({ name }) => name === "beans")!;

const entry = (path: string, bytes: Uint8Array) => ({
  type: "file",
  path,
  size: bytes.length,
  lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 },
});

interface HubChanges {
  entries?: unknown[];
  status?: number;
  sha?: unknown;
  next?: string;
  /** Answers a request for a file. */
  file?: (bytes: Uint8Array<ArrayBuffer>, request: Request) => Response;
}

/** Runs a server that speaks like the hub, for as long as `test` runs. */
async function withHub(
  changes: HubChanges,
  test: (endpoint: string, asked: string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const entries = changes.entries ?? [
    { type: "directory", path: "data" },
    { type: "file", path: "README.md", size: 5 },
    ...[...FILES].map(([path, bytes]) => entry(path, bytes)),
  ];
  await withServer((request) => {
    const { pathname, search, origin } = new URL(request.url);
    asked.push(pathname);
    if (changes.status !== undefined) return new Response("no", { status: changes.status });
    const api = `/api/datasets/${BEANS.id}`;
    if (pathname === `${api}/revision/main`) return Response.json({ sha: changes.sha ?? COMMIT });
    if (pathname === `${api}/tree/${COMMIT}`) {
      // Two pages.
      const second = search.includes("cursor");
      const link = `<${changes.next ?? origin}${pathname}?cursor=x>; rel="next"`;
      const half = second ? entries.slice(3) : entries.slice(0, 3);
      return Response.json(half, second ? {} : { headers: { link } });
    }
    const base = `/datasets/${BEANS.id}/resolve/${COMMIT}/`;
    const bytes = pathname.startsWith(base) ? FILES.get(pathname.slice(base.length)) : undefined;
    if (bytes === undefined) return new Response("none", { status: 404 });
    return (changes.file ?? serveBytes)(bytes, request);
  }, (origin) => test(origin, asked));
}

Deno.test("loadImageSplits() downloads a named set once, verified, and then needs no hub", async () => {
  await withFolder(async (folder) => {
    await withHub({}, async (endpoint, asked) => {
      const lines: string[] = [];
      const progress: number[] = [];
      const options = {
        data: "beans",
        defaultDirectory: folder,
        endpoint,
        onMessage: (line: string) => lines.push(line),
        onProgress: ({ bytes, total }: { bytes: number; total: number }) =>
          progress.push(bytes / total),
      };
      const { train, test } = await loadImageSplits(options);
      assertEquals([train.count, test.count, train.source], [12, 4, "download"]);
      assertEquals([...train.labels], [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
      // Beans has a test part: that counts, not its validation part.
      assertEquals([...test.labels], [2, 0, 1, 2]);
      assert(train.provenance.includes("verified by SHA-256"), train.provenance);
      assert(train.provenance.endsWith(`from ${BEANS.id} at ${COMMIT}`), train.provenance);
      assertEquals(progress.at(-1), 1);
      assertEquals(progress.toSorted((a, b) => a - b), progress);
      assert(lines[1]!.startsWith(`Downloading 3 files of ${BEANS.id} at ${COMMIT}`), lines[1]);
      const before = asked.length;
      const again = await loadImageSplits({ ...options, offline: true });
      assertEquals([again.train.images, again.train.source], [train.images, "folder"]);
      assertEquals(asked.length, before);
      // A changed file is refused, a missing one fetched again.
      const path = `${folder}/beans/data/train-00001-of-00002.parquet`;
      const changed = await Deno.readFile(path);
      changed[50]! ^= 1;
      await Deno.writeFile(path, changed);
      await assertRejects(() => loadImageSplits(options), ChecksumError, path);
      await Deno.remove(path);
      await assertRejects(
        () => loadImageSplits({ ...options, offline: true }),
        NetworkUnavailableError,
        "1 files of AI-Lab-Makerere/beans",
      );
      assertEquals((await loadImageSplits(options)).train.images, train.images);
    });
  });
});

Deno.test("fetchHubSet() goes on with a download that broke off", async () => {
  await withFolder(async (folder) => {
    let broken = 0;
    const file = (bytes: Uint8Array<ArrayBuffer>, request: Request): Response => {
      if (request.headers.has("range") || broken++ > 0) return serveBytes(bytes, request);
      return new Response(
        ReadableStream.from([bytes.slice(0, 700)]),
        { headers: { "x-length": `${bytes.length}` } },
      );
    };
    await withHub({ file }, async (endpoint) => {
      const { paths } = await fetchHubSet(BEANS, { defaultDirectory: folder, endpoint });
      assertEquals(await Deno.readFile(paths.train[0]!), [...FILES.values()][0]);
    });
    const forged = (bytes: Uint8Array<ArrayBuffer>) => new Response(bytes.slice().fill(7, 9, 10));
    await Deno.remove(`${folder}/beans`, { recursive: true });
    await withHub({ file: forged }, async (endpoint) => {
      await assertRejects(
        () => fetchHubSet(BEANS, { defaultDirectory: folder, endpoint }),
        ChecksumError,
        "found SHA-256",
      );
    });
  });
});

Deno.test("listHubFiles() believes little of what it is told", async () => {
  const source = { id: BEANS.id, revision: "main" };
  const refuse = async (changes: HubChanges, message: string) => {
    await withHub(changes, async (endpoint) => {
      await assertRejects(() => listHubFiles({ ...source, endpoint }), DownloadError, message);
    });
  };
  await withHub({}, async (endpoint) => {
    const { revision, files } = await listHubFiles({ ...source, endpoint });
    assertEquals([revision, files.length], [COMMIT, 4]);
  });
  const outside = (path: string) => ({ entries: [entry(path, new Uint8Array(1))] });
  for (const path of ["../a.parquet", "/etc/passwd", "a/../../b", "a\\..\\b", "a b", ""]) {
    await refuse(outside(path), "expected a path inside of it");
  }
  const hash = { path: "a", lfs: { size: 1, oid: "no" } };
  await refuse({ entries: [hash] }, "expected a path inside of it");
  await refuse(
    { entries: [{ ...hash, lfs: { size: -1, oid: "0".repeat(64) } }] },
    "expected a path",
  );
  await refuse({ sha: "main" }, "names no commit");
  await refuse({ status: 403 }, "Accept the terms of the data set");
  await refuse({ status: 500 }, "answered 500");
  await refuse({ next: "http://127.0.0.1:1" }, "the list goes on at http://127.0.0.1:1");
  const nowhere = { ...source, endpoint: "http://127.0.0.1:1" };
  await assertRejects(() => listHubFiles(nowhere), NetworkUnavailableError, "no connection");
});

Deno.test("fetchHubSet() wants all shards, and a list that can be read", async () => {
  await withFolder(async (folder) => {
    const some = [...FILES].filter(([path]) => !path.includes("00001-of-00002"));
    const entries = some.map(([path, bytes]) => entry(path, bytes));
    const options = (endpoint: string) => ({ defaultDirectory: folder, endpoint });
    await withHub({ entries }, async (endpoint) => {
      await assertRejects(
        () => fetchHubSet(BEANS, options(endpoint)),
        Error,
        "1 shards data/train-*",
      );
    });
    await Deno.writeTextFile(`${folder}/beans/files.json`, `{"revision": "x", "files": [{}]}`);
    await assertRejects(() => fetchHubSet(BEANS, options("")), Error, "files.json: no such list");
  });
});

Deno.test("PUBLISHED_SETS has well-formed pins and every part listed", () => {
  assertEquals(PUBLISHED_SETS.map(({ name }) => name), [
    ...["cifar10", "cifar100", "svhn", "food101", "beans", "imagenet-1k"],
  ]);
  assertEquals(new Set(dataNames()).size, dataNames().length);
  const pinned = PUBLISHED_SETS.filter((set): set is Required<PublishedSet> =>
    set.files !== undefined
  );
  assertEquals(pinned.length, 2);
  for (const { files, folder, train, test } of pinned) {
    assertEquals(
      files.map(({ path }) => path),
      [train, test].map((part) => `${folder}/${part}-00000-of-00001.parquet`),
    );
    for (const file of files) assert(/^[0-9a-f]{64}$/.test(file.sha256) && file.size > 1e7);
  }
});
