/** The server of watched runs: what it tells, and whom it refuses. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RunFolder } from "../../src/run/run_folder.ts";
import { PAGE_MODULES } from "../../src/watch/page_files.ts";
import type { Overview, RunDetail } from "../../src/watch/protocol.ts";
import { watchCommand } from "../../src/watch/watch_command.ts";
import { watchHandler } from "../../src/watch/watch_handler.ts";
import { makeRun } from "./watch_folder.ts";

async function inFolder(use: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await use(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Asks a handler as a page on this machine does. */
function asker(...roots: string[]) {
  const handler = watchHandler(roots);
  return (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
    handler(
      new Request(`http://127.0.0.1:6007${path}`, {
        method,
        headers: { host: "127.0.0.1:6007", ...headers },
      }),
    );
}

Deno.test("runs are listed newest first, with the states that they have", () =>
  inFolder(async (root) => {
    const states = { a: "finished", b: "failed", c: "interrupted", d: "running" };
    for (const [k, [name, state]] of Object.entries(states).entries()) {
      const status = { state, date: "", error: "why" };
      await makeRun(`${root}/${name}`, { date: `2026-01-0${k + 1}T00:00:00Z`, status });
    }
    await makeRun(`${root}/e`, { date: "2026-01-09T00:00:00Z" });
    const { folder } = await RunFolder.at(`${root}/e`);
    const beat = {
      stage: "meta train",
      step: 3,
      total: 4,
      waits: true,
      memory: { live: 5, peak: 6 },
    };
    await Deno.writeTextFile(`${root}/e/heartbeat.json`, JSON.stringify(beat));
    const manifest = {
      ...{ format: 1, experiment: "study" },
      units: [{ regime: "r", arm: "x", seed: 0 }, { regime: "r", arm: "x", seed: 1 }],
    };
    await makeRun(`${root}/s/r/x/seed-0`, { date: "2026-01-08T00:00:00Z" });
    await Deno.writeTextFile(`${root}/s/manifest.json`, JSON.stringify(manifest));

    const ask = asker(root);
    const { runs, studies } = await (await ask("/api/overview")).json() as Overview;
    assertEquals(runs.map(({ id, state }) => [id.slice(root.length + 1), state]), [
      ...[["e", "running"], ["s/r/x/seed-0", "killed"], ["d", "killed"], ["c", "stopped"]],
      ...[["b", "failed"], ["a", "done"], ["s/r/x/seed-1", "waiting"]],
    ]);
    assertEquals(studies[0]!.units.map(({ run }) => run.slice(root.length)), [
      ...["/s/r/x/seed-0", "/s/r/x/seed-1"],
    ]);
    assertEquals(runs[0]!.beat!.memory, { live: 5, peak: 6 });

    const detail = await (await ask(`/api/run?run=${root}/e`)).json() as RunDetail;
    assertEquals(detail.costs, [{
      ...{ stage: "meta-train", steps: 2, samples: 64, flops: 2e9, seconds: 0.5 },
      clock: [{ step: 0, seconds: 0 }, { step: 2, seconds: 0.5 }],
    }]);
    assertEquals(detail.facts["command"], "deno <b>task</b>");
    assertEquals(detail.notices, ["A software adapter: times say nothing of a GPU."]);
    assertEquals(detail.report, true);
    folder.close();
  }));

Deno.test("no path leads out of the run folders", () =>
  inFolder(async (root) => {
    await Deno.writeTextFile(`${root}/secret.json`, "{}");
    await Deno.writeTextFile(`${root}/0.png`, "secret");
    await makeRun(`${root}/runs/a`, { date: "2026-01-01T00:00:00Z" });
    await Deno.mkdir(`${root}/runs/a/pictures/m/p/t`, { recursive: true });
    await Deno.writeFile(`${root}/runs/a/pictures/m/p/t/0.png`, Uint8Array.of(1, 2));
    await Deno.writeFile(`${root}/runs/a/0.png`, Uint8Array.of(3));
    await Deno.symlink(`${root}/0.png`, `${root}/runs/a/pictures/m/p/t/1.png`);
    await Deno.remove(`${root}/runs/a/report.html`);
    await Deno.symlink(`${root}/secret.json`, `${root}/runs/a/report.html`);
    const ask = asker(`${root}/runs`);
    const run = `run=${root}/runs/a`;
    const status = async (path: string): Promise<number> => {
      const response = await ask(path);
      await response.body?.cancel();
      return response.status;
    };
    const picture = (task: string, step: string) =>
      `/picture?${run}&arm=m&phase=p&task=${encodeURIComponent(task)}&step=${
        encodeURIComponent(step)
      }`;
    assertEquals(await status(picture("t", "0")), 200);
    for (
      const path of [
        ...[picture("t", "1"), picture("t", "../0"), picture("..", "0"), picture("../t", "0")],
        ...[picture("t/../../../../..", "0"), picture("", "0"), picture("t", "-1")],
        `/picture?${run}&arm=..&phase=.&task=.&step=0`,
        ...[`/report?${run}`, "/api/run", "/api/run?run=.", `/api/run?run=${root}`],
        ...[`/api/metrics?run=${root}/runs/a/..`, `/api/metrics?run=${root}/runs/a/`],
        ...["/watch/page/../../run/metrics.ts", "/watch/watch_command.ts", "/%2e%2e/deno.json"],
        ...["/../deno.json", "//etc/passwd", "/watch/page/main.ts/", "/index.html"],
      ]
    ) assertEquals(await status(path), 404, path);
    const { pictures } = await (await ask(`/api/run?${run}`)).json() as RunDetail;
    assertEquals(pictures.map(({ step }) => step), [0]);
  }));

Deno.test("only this machine's names are answered, and no page of another site", () =>
  inFolder(async (root) => {
    await makeRun(`${root}/a`, { date: "2026-01-01T00:00:00Z" });
    const ask = asker(root);
    const status = async (headers: Record<string, string>, method?: string): Promise<number> => {
      const response = await ask("/api/overview", headers, method);
      await response.body?.cancel();
      return response.status;
    };
    for (const host of ["127.0.0.1:6007", "localhost", "LOCALHOST:9", "[::1]:1"]) {
      assertEquals(await status({ host }), 200, host);
    }
    for (
      const host of [
        ...["evil.example", "127.0.0.1.evil.example", "evil.example:6007", ""],
        ...["localhost.evil", "127.0.0.1@evil", "10.0.0.1", "localhost:1:2"],
      ]
    ) assertEquals(await status({ host }), 403, host);
    assertEquals(
      await status({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }),
      403,
    );
    assertEquals(await status({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }), 200);
    assertEquals(await status({}, "POST"), 405);
    const { headers } = await ask("/");
    assertStringIncludes(
      headers.get("content-security-policy")!,
      "default-src 'none'; script-src 'self'",
    );
    const report = await ask(`/report?run=${root}/a`);
    assertMatch(
      report.headers.get("content-security-policy")!,
      /^default-src 'none'; img.*sandbox$/,
    );
    await report.body?.cancel();
  }));

Deno.test("every module that the page imports is sent, without types", () =>
  inFolder(async (root) => {
    const ask = asker(root);
    for (const name of PAGE_MODULES) {
      const text = await (await ask(`/${name}`)).text();
      for (const [, specifier] of text.matchAll(/^(?:import|export) [^"]*from "([^"]+)"/gm)) {
        const target = new URL(specifier!, `file:///${name}`).pathname.slice(1);
        assert(PAGE_MODULES.includes(target), `${name} imports ${target}`);
      }
      assert(!/^(import type|interface|export interface)/m.test(text), name);
    }
  }));

Deno.test("wrong names, ports and folders are told with a way out", () =>
  inFolder(async (root) => {
    const said: string[] = [];
    const output = {
      print: (line: string) => said.push(line),
      log: (line: string) => said.push(line),
    };
    const run = async (...args: string[]): Promise<string> => {
      said.length = 0;
      const code = await watchCommand(args, { output });
      return `${code} ${said.join("\n")}`;
    };
    await makeRun(`${root}/runs/a`, { date: "2026-01-01T00:00:00Z" });
    await Deno.mkdir(`${root}/empty`);
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    const cases: readonly [readonly string[], RegExp][] = [
      [
        [`${root}/none`],
        /^2 Cannot watch ".*none": found no such folder, expected .* Check the path/,
      ],
      [
        [`${root}/runs/a/config.yaml`],
        /^2 Cannot watch .*: found a file, expected .* Name the folder/,
      ],
      [
        [`${root}/empty`],
        /^2 Cannot watch .*: found no run in it, expected .* Begin one, for example:/,
      ],
      [
        [`${root}/runs`, "--port", String(port)],
        /^2 Cannot serve on port \d+: another .* --port 0/,
      ],
      [["--port", "many"], /^2 Flag --port got "many", expected a number from 0 to 65535/],
      [["--port", "65536"], /^2 Flag --port got "65536"/],
      [["--colour"], /^2 Unknown flag "--colour"/],
      [["--help"], /^0 Usage: deno task watch/],
    ];
    for (const [args, expected] of cases) assertMatch(await run(...args), expected);
  }));

Deno.test("the command serves until it is told to end", () =>
  inFolder(async (root) => {
    await makeRun(`${root}/a`, { date: "2026-01-01T00:00:00Z" });
    const stop = new AbortController();
    const address = Promise.withResolvers<string>();
    const output = { print: address.resolve, log: address.reject };
    const ended = watchCommand([root, "--port", "0"], { output, signal: stop.signal });
    const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(await address.promise)!;
    const page = await (await fetch(url)).text();
    assertStringIncludes(page, "/watch/page/main.ts");
    stop.abort();
    assertEquals(await ended, 130);
  }));
