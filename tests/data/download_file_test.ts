import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import {
  ChecksumError,
  DownloadError,
  downloadFile,
  type DownloadProgress,
  NetworkUnavailableError,
} from "../../src/data/mod.ts";
import { serveBytes, sha256, withFolder, withServer } from "./fixtures.ts";

const BYTES = new Uint8Array(300_000);
for (let at = 0; at < BYTES.length; at++) BYTES[at] = (at * 2654435761) >>> 24;
const PUBLISHED = { size: BYTES.length, sha256: sha256(BYTES) };

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

/** Promises the rest of the file from `start` on, sends `count` bytes of it and breaks off. */
function broken(start: number, count: number): Response {
  const body = new ReadableStream({
    start(controller) {
      if (count > 0) controller.enqueue(BYTES.slice(start, start + count));
      controller.close();
    },
  });
  const length = { "content-length": `${BYTES.length - start}` };
  const range = { "content-range": `bytes ${start}-299999/300000` };
  return start === 0
    ? new Response(body, { headers: length })
    : new Response(body, { status: 206, headers: { ...length, ...range } });
}

Deno.test("downloadFile() makes folders, reports progress and leaves only the whole file", async () => {
  await withFolder(async (folder) => {
    await withServer((request) => serveBytes(BYTES, request), async (origin, ranges) => {
      const progress: DownloadProgress[] = [];
      const destination = `${folder}/a/b/file`;
      const options = {
        ...PUBLISHED,
        url: `${origin}/file`,
        destination,
        onProgress: (step: DownloadProgress) => progress.push(step),
      };
      await downloadFile(options);
      assertEquals(await Deno.readFile(destination), BYTES);
      assertEquals(await names(`${folder}/a/b`), ["file", "file.lock"]);
      const last = progress.at(-1)!;
      assertEquals([last.bytes, last.total, last.resumedFrom], [300_000, 300_000, 0]);
      assertGreater(last.bytesPerSecond, 0);
      await downloadFile(options);
      assertEquals(ranges.length, 1, "a whole file is not fetched again");
    });
  });
});

Deno.test("downloadFile() continues a part with a range request", async () => {
  await withFolder(async (folder) => {
    await withServer((request) => serveBytes(BYTES, request), async (origin, ranges) => {
      const destination = `${folder}/file`;
      await Deno.writeFile(`${destination}.part`, BYTES.slice(0, 123_456));
      let resumedFrom = -1;
      await downloadFile({
        ...PUBLISHED,
        url: origin,
        destination,
        onProgress: (progress) => resumedFrom = progress.resumedFrom,
      });
      assertEquals(ranges, ["bytes=123456-"]);
      assertEquals(resumedFrom, 123_456);
      assertEquals(await Deno.readFile(destination), BYTES);
    });
  });
});

Deno.test("downloadFile() starts afresh where the server ignores ranges or the part is too long", async () => {
  for (const part of [BYTES.slice(0, 1000), new Uint8Array(400_000)]) {
    await withFolder(async (folder) => {
      await withServer(() => new Response(BYTES), async (url) => {
        const destination = `${folder}/file`;
        await Deno.writeFile(`${destination}.part`, part);
        await downloadFile({ ...PUBLISHED, url, destination });
        assertEquals(await Deno.readFile(destination), BYTES);
      });
    });
  }
});

Deno.test("downloadFile() reconnects after broken and silent connections", async () => {
  await withFolder(async (folder) => {
    let calls = 0;
    const answer = (request: Request) => {
      calls++;
      if (calls === 1) return broken(0, 100_000);
      if (calls === 2) {
        const silent = new ReadableStream({
          start: (controller) => controller.enqueue(BYTES.slice(100_000, 150_000)),
        });
        const range = { "content-range": "bytes 100000-299999/300000" };
        return new Response(silent, { status: 206, headers: range });
      }
      return serveBytes(BYTES, request);
    };
    await withServer(answer, async (url, ranges) => {
      const destination = `${folder}/file`;
      await downloadFile({ ...PUBLISHED, url, destination, stallTimeout: 200, retryDelay: 1 });
      assertEquals(ranges, [
        null,
        "bytes=100000-",
        "bytes=150000-",
      ]);
      assertEquals(await Deno.readFile(destination), BYTES);
    });
  });
});

Deno.test("downloadFile() gives up after attempts without a new byte, and keeps the part", async () => {
  await withFolder(async (folder) => {
    let calls = 0;
    const answer = () => ++calls === 1 ? broken(0, 1000) : broken(1000, 0);
    await withServer(answer, async (url, ranges) => {
      const destination = `${folder}/file`;
      const options = { ...PUBLISHED, url, destination, attempts: 3, retryDelay: 1 };
      await assertRejects(() => downloadFile(options), DownloadError, "at 1000 bytes");
      assertEquals(ranges.length, 3);
      assertEquals(await names(folder), ["file.lock", "file.part"]);
      assertEquals(await Deno.readFile(`${destination}.part`), BYTES.slice(0, 1000));
    });
  });
});

Deno.test("downloadFile() resumes a download whose process was killed", async () => {
  await withFolder(async (folder) => {
    let slow = true;
    const answer = (request: Request) => {
      if (!slow) return serveBytes(BYTES, request);
      // A third of the file, then silence until the client is gone.
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(BYTES.slice(0, 100_000)),
      });
      return new Response(body, { headers: { "content-length": "300000" } });
    };
    await withServer(answer, async (url, ranges) => {
      const destination = `${folder}/file`;
      const module = new URL("../../src/data/download_file.ts", import.meta.url).href;
      const code = `import { downloadFile } from ${JSON.stringify(module)};
        await downloadFile(${JSON.stringify({ ...PUBLISHED, url, destination })});`;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", code],
        stdout: "null",
        stderr: "null",
      }).spawn();
      const deadline = performance.now() + 10_000;
      while (performance.now() < deadline) {
        const part = await Deno.stat(`${destination}.part`).catch(() => undefined);
        if (part?.size === 100_000) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.kill("SIGKILL");
      await child.status;
      assertEquals(await names(folder), ["file.lock", "file.part"]);
      slow = false;
      await downloadFile({ ...PUBLISHED, url, destination });
      assertEquals(ranges, [
        null,
        "bytes=100000-",
      ]);
      assertEquals(await Deno.readFile(destination), BYTES);
    });
  });
});

Deno.test("downloadFile() keeps a file with a wrong hash apart and can be called again", async () => {
  await withFolder(async (folder) => {
    const damaged = BYTES.slice();
    damaged[777]! ^= 1;
    let served = damaged;
    await withServer((request) => serveBytes(served, request), async (url) => {
      const destination = `${folder}/file`;
      const error = await assertRejects(
        () => downloadFile({ ...PUBLISHED, url, destination }),
        ChecksumError,
        `found SHA-256 ${sha256(damaged)}, expected ${PUBLISHED.sha256}`,
      );
      assert(error.message.includes("file.bad"));
      assertEquals(await names(folder), ["file.bad", "file.lock"]);
      served = BYTES;
      await downloadFile({ ...PUBLISHED, url, destination });
      assertEquals(await Deno.readFile(destination), BYTES);
    });
  });
});

Deno.test("downloadFile() does not touch a file that is there and wrong", async () => {
  await withFolder(async (folder) => {
    const destination = `${folder}/file`;
    await Deno.writeTextFile(destination, "mine");
    const options = { ...PUBLISHED, url: "http://127.0.0.1:1/", destination };
    await assertRejects(() => downloadFile(options), ChecksumError, "found 4 bytes");
    assertEquals(await Deno.readTextFile(destination), "mine");
  });
});

Deno.test("downloadFile() refuses a file of another announced or sent length", async () => {
  await withFolder(async (folder) => {
    const destination = `${folder}/file`;
    const longer = new Uint8Array(300_001);
    await withServer(
      () => new Response(longer, { headers: { "content-length": "300001" } }),
      async (url) => {
        await assertRejects(
          () => downloadFile({ ...PUBLISHED, url, destination }),
          ChecksumError,
          "announces 300001 bytes",
        );
      },
    );
    const endless = () => new Response(new Blob([longer]).stream());
    await withServer(endless, async (url) => {
      await assertRejects(
        () => downloadFile({ ...PUBLISHED, url, destination }),
        ChecksumError,
        "more than 300000 bytes",
      );
    });
  });
});

Deno.test("downloadFile() tells an unreachable, a silent and a refusing server apart", async () => {
  await withFolder(async (folder) => {
    const destination = `${folder}/file`;
    const unreachable = { ...PUBLISHED, url: "http://127.0.0.1:1/file", destination };
    await assertRejects(() => downloadFile(unreachable), NetworkUnavailableError, "no connection");
    const { promise, resolve } = Promise.withResolvers<Response>();
    await withServer(() => promise, async (url) => {
      await assertRejects(
        () => downloadFile({ ...PUBLISHED, url, destination, responseTimeout: 100 }),
        NetworkUnavailableError,
        "no answer within 100 ms",
      );
      resolve(new Response());
    });
    await withServer(() => new Response("gone", { status: 404 }), async (url) => {
      await assertRejects(
        () => downloadFile({ ...PUBLISHED, url, destination }),
        DownloadError,
        "answered 404",
      );
    });
    await assertRejects(
      () => downloadFile({ ...PUBLISHED, url: "file:///etc/passwd", destination }),
      DownloadError,
      "not a web address",
    );
  });
});

Deno.test("downloadFile() stops on a signal and keeps what has arrived", async () => {
  await withFolder(async (folder) => {
    const answer = () =>
      new Response(
        new ReadableStream({ start: (controller) => controller.enqueue(BYTES.slice(0, 5000)) }),
      );
    await withServer(answer, async (url) => {
      const controller = new AbortController();
      const destination = `${folder}/file`;
      await assertRejects(
        () =>
          downloadFile({
            ...PUBLISHED,
            url,
            destination,
            signal: controller.signal,
            onProgress: () => controller.abort(new Error("stopped by hand")),
          }),
        Error,
        "stopped by hand",
      );
      assertEquals((await Deno.stat(`${destination}.part`)).size, 5000);
    });
  });
});

Deno.test("downloadFile() called twice at once fetches once", async () => {
  await withFolder(async (folder) => {
    await withServer((request) => serveBytes(BYTES, request), async (url, ranges) => {
      const destination = `${folder}/file`;
      const options = { ...PUBLISHED, url, destination };
      await Promise.all([downloadFile(options), downloadFile(options), downloadFile(options)]);
      assertEquals(ranges.length, 1);
      assertEquals(await Deno.readFile(destination), BYTES);
    });
  });
});

Deno.test("downloadFile() throws where no folder can be made", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/taken`, "a file, not a folder");
    const options = { ...PUBLISHED, url: "http://127.0.0.1:1/", destination: `${folder}/taken/x` };
    await assertRejects(() => downloadFile(options), DownloadError, "can be written to");
  });
});

Deno.test("downloadFile() says that the disk is full, and continues when it is not", async () => {
  await withFolder(async (folder) => {
    await withServer((request) => serveBytes(BYTES, request), async (origin, ranges) => {
      const options = { ...PUBLISHED, url: origin, destination: `${folder}/file` };
      const real = Deno.FsFile.prototype.write;
      let room = 100_000;
      Deno.FsFile.prototype.write = async function (bytes) {
        const part = bytes.subarray(0, room);
        if (part.length === 0) throw new Error("No space left on device (os error 28)");
        const count = await real.call(this, part);
        room -= count;
        return count;
      };
      try {
        await assertRejects(
          () => downloadFile(options),
          DownloadError,
          `to ${folder}/file.part: No space left on device (os error 28), expected a place for 300000 bytes`,
        );
      } finally {
        Deno.FsFile.prototype.write = real;
      }
      assertEquals((await Deno.stat(`${folder}/file.part`)).size, 100_000);
      await downloadFile(options);
      assertEquals(ranges.at(-1), "bytes=100000-");
      assertEquals(await Deno.readFile(`${folder}/file`), BYTES);
    });
  });
});
