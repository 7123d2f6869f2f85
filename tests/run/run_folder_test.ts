import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { RunFolder, type RunRecord } from "../../src/run/run_folder.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const record: RunRecord = {
  experiment: "demo",
  seed: 4294967295,
  date: "2025-01-31T12:00:00.000Z",
  command: ["deno", "task", "experiment", "demo", "--set", "a=[1, 2]"],
  commit: null,
  versions: { toolkit: "0.1.0", deno: "2.9.6" },
  preset: "quick",
  engine: "auto",
  data: "auto",
  hash: "0".repeat(64),
  environment: { adapter: "llvmpipe (LLVM 15.0.6, 256 bits)", softwareAdapter: true },
  resumed: [],
  config: {
    rates: [1e-7, 0.1, 1 / 3, 1e21, -0, 5e-324, 123456789.123],
    texts: ["yes", "1", "1e3", "null", "", "a: b", "# c", "line\nbreak", "2020-01-01", "é", " x "],
    nested: { empty: {}, list: [], flag: false, none: null },
    long: "word ".repeat(60),
  },
};

Deno.test("RunFolder.create() makes sortable folders, also twice in one second", () =>
  inFolder(async (root) => {
    const make = (time: string) =>
      RunFolder.create({ root: `${root}/`, experiment: "demo", seed: 3, now: new Date(time) });
    using first = await make("2025-01-31T23:59:59.900Z");
    using again = await make("2025-01-31T23:59:59.950Z");
    using third = await make("2025-01-31T23:59:59.999Z");
    using later = await make("2025-02-01T00:00:00Z");
    const paths = [first, again, third, later].map((folder) => folder.path);
    assertEquals(paths[0], `${root}/demo/20250131T235959Z-3`);
    assertEquals(paths, [
      paths[0],
      `${paths[0]}.2`,
      `${paths[0]}.3`,
      `${root}/demo/20250201T000000Z-3`,
    ]);
    assertEquals(paths.toSorted(), paths);
  }));

Deno.test("RunFolder.create() says what is wrong with the place", () =>
  inFolder(async (root) => {
    await Deno.writeTextFile(`${root}/file`, "");
    await assertRejects(
      () => RunFolder.create({ root: `${root}/file`, experiment: "demo", seed: 0 }),
      Error,
      `Cannot create the run folder ${root}/file/demo/`,
    );
  }));

Deno.test("RunFolder.writeRecord() and readRecord() round trip every value", () =>
  inFolder(async (root) => {
    using folder = await RunFolder.create({ root, experiment: "demo", seed: 0 });
    await folder.writeRecord(record);
    const found = await folder.readRecord();
    assertEquals(found, record);
    assertEquals(JSON.stringify(found.config), JSON.stringify(record.config));
    const text = await Deno.readTextFile(folder.file("config.yaml"));
    assertMatch(text, /^# Complete record of this run/);
    assertMatch(text, /^engine: auto$/m);
  }));

Deno.test("RunFolder.open() needs a run folder and its lock", () =>
  inFolder(async (root) => {
    await assertRejects(() => RunFolder.open(root), Error, `${root}/config.yaml: no such file`);
    const first = await RunFolder.create({ root, experiment: "demo", seed: 0 });
    await first.writeRecord(record);
    await assertRejects(() => RunFolder.open(first.path), Error, "another process holds its lock");
    first.close();
    first.close();
    using second = await RunFolder.open(`${first.path}/`);
    assertEquals(second.path, first.path);
    await Deno.writeTextFile(second.file("config.yaml"), "experiment: demo\n");
    await assertRejects(() => second.readRecord(), SyntaxError, "lacks the experiment, seed");
  }));

Deno.test({
  name: "RunFolder.writeText() notices that its folder was removed, moved away or replaced",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (root) => {
      const changes: ((path: string) => Promise<void>)[] = [
        (path) => Deno.remove(path, { recursive: true }),
        (path) => Deno.rename(path, `${path}-one`),
        async (path) => {
          await Deno.rename(path, `${path}-two`);
          await Deno.mkdir(path);
          await Deno.writeTextFile(`${path}/run.lock`, "");
        },
      ];
      for (const change of changes) {
        using folder = await RunFolder.create({ root, experiment: "demo", seed: 0 });
        await folder.writeText("a", "1");
        await change(folder.path);
        await assertRejects(
          () => folder.writeText("a", "2"),
          Error,
          `Cannot write ${folder.path}/a: the run folder was removed, moved away or replaced`,
        );
      }
    }),
});

Deno.test("RunFolder's lock ends with the process that holds it", () =>
  inFolder(async (root) => {
    const module = import.meta.resolve("../../src/run/run_folder.ts");
    const source = `
      import { RunFolder } from ${JSON.stringify(module)};
      const root = ${JSON.stringify(root)};
      const folder = await RunFolder.create({ root, experiment: "demo", seed: 0 });
      await folder.writeRecord(${JSON.stringify(record)});
      console.log(folder.path);
      setInterval(() => {}, 1000);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--ext=ts", "-"],
      cwd: new URL("../..", import.meta.url),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    await new Blob([source]).stream().pipeTo(child.stdin);
    const reader = child.stdout.getReader();
    const path = new TextDecoder().decode((await reader.read()).value).trim();
    await assertRejects(() => RunFolder.open(path), Error, "lock");
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    using folder = await RunFolder.open(path);
    assertEquals((await folder.readRecord()).experiment, "demo");
  }));

Deno.test("RunFolder.writeSummary() refuses what JSON would turn into null", () =>
  inFolder(async (root) => {
    using folder = await RunFolder.create({ root, experiment: "demo", seed: 0 });
    const summary = { arms: [{ name: "meta", accuracy: 0.5 }, { name: "scratch", accuracy: NaN }] };
    await assertRejects(
      () => folder.writeSummary(summary),
      RangeError,
      "Cannot write summary.arms.1.accuracy: found NaN",
    );
    await folder.writeSummary({ arms: [] });
    assertStringIncludes(await Deno.readTextFile(folder.file("summary.json")), '"arms": []');
  }));

Deno.test("RunFolder.readStatus() gives what was written, or nothing", () =>
  inFolder(async (root) => {
    using folder = await RunFolder.create({ root, experiment: "demo", seed: 0 });
    assertEquals(await folder.readStatus(), undefined);
    const status = { state: "failed", date: record.date, error: "x" } as const;
    await folder.writeStatus(status);
    assertEquals(await folder.readStatus(), status);
    for (const damaged of ["", "null", '{"state":']) {
      await Deno.writeTextFile(folder.file("status.json"), damaged);
      assertEquals(await folder.readStatus(), undefined);
    }
  }));
