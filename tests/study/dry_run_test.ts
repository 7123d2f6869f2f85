/**
 * What a sweep and a search say before they begin, on the fixture: an arm that is like another takes twice as many
 * steps, the one that is broken is refused, and of scratch nothing is known.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { sweepCommand } from "../../src/study/sweep/sweep_command.ts";
import { tuneCommand } from "../../src/study/sweep/tune_command.ts";
import { program } from "./sweep_process.ts";

type Command = typeof sweepCommand | typeof tuneCommand;

/** Runs a command on the fixture, in this process. */
async function run(command: Command, ...args: string[]) {
  const [out, err]: string[][] = [[], []];
  const output = {
    print: (line: string) => void out!.push(line),
    log: (line: string) => void err!.push(line),
  };
  const write = (text: string) => void err!.push(text);
  const progress = { write, terminal: false, color: false, columns: () => 0, now: () => 0 };
  const code = await command(["demo", ...args], { program, output, progress });
  return { code, out: out!.join("\n"), err: err!.join("\n") };
}

/** Every file below a folder, and what is in it. */
async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) Object.assign(found, { [path]: "a folder" }, await contents(path));
    else found[path] = await Deno.readTextFile(path);
  }
  return found;
}

/** The rows of a table of units, by regime, arm and seed. */
function unitRows(out: string): string[][] {
  const rows = out.split("\n").filter((line) => /\/seed-\d+$/.test(line));
  return rows.map((line) => line.split(/ {2,}/).slice(0, -1));
}

Deno.test({
  name: "a dry sweep lists units with their state and what is left will take, and writes nothing",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const [out, asked] = [`${folder}/runs`, `${folder}/asked.txt`];
      const steps = ["--set", "steps=3", "--set", `asked=${asked}`, "--out", out];
      const same = [...steps, "--regimes", "same"];
      const first = await run(sweepCommand, ...same, "--arms", "meta,broken", "--seeds", "0");
      assertEquals(first.code, 1, first.err);
      // As a sweep that was stopped leaves it.
      const status = `${out}/same/meta/seed-1`;
      await Deno.mkdir(status);
      await Deno.copyFile(`${out}/same/meta/seed-0/config.yaml`, `${status}/config.yaml`);
      const before = await contents(folder);

      const args = [...same, "--seeds", "0-2", "--dry-run", "--set", "pause=0"];
      const some = [...args, "--arms", "meta,first,broken"];
      const listed = await run(sweepCommand, ...some, "--no-predict");
      assertEquals(listed.code, 0, listed.err);
      assertEquals(unitRows(listed.out), [
        ...[["same", "meta", "0", "finished"], ["same", "first", "0", "to do"]],
        ...[["same", "broken", "0", "failed"], ["same", "meta", "1", "resumable"]],
        ...[["same", "first", "1", "to do"], ["same", "broken", "1", "to do"]],
        ...[["same", "meta", "2", "to do"], ["same", "first", "2", "to do"]],
        ["same", "broken", "2", "to do"],
      ]);
      assertStringIncludes(
        listed.out,
        "9 units: 1 finished, 1 failed, 1 resumable, 6 to do. Nothing was written or started.",
      );
      assertEquals([listed.err, await contents(folder)], ["", before]);

      const two = [...args, "--arms", "meta,first", "--jobs", "2", "--memory", "3MiB"];
      const slurm = ["--slurm", "--partition", "small"];
      const told = await run(sweepCommand, ...two, ...slurm);
      assertEquals(told.code, 0, told.err);
      assertEquals(unitRows(told.out), [
        ...[["same", "meta", "0", "finished"], ["same", "first", "0", "to do", "5s", "3.0 MiB"]],
        ["same", "meta", "1", "resumable", "5s", "3.0 MiB"],
        ["same", "first", "1", "to do", "5s", "3.0 MiB"],
        ["same", "meta", "2", "to do", "5s", "3.0 MiB"],
        ["same", "first", "2", "to do", "5s", "3.0 MiB"],
      ]);
      for (
        const line of [
          "prediction for some GPU, by its measured profile: this machine's, nodes may have another",
          "5 units one after the other 25s, at most 3.0 MiB of device memory each",
          "2 at a time 15s, if none slows another down; at most 6.0 MiB of device memory together",
          "units that go on are counted as if they began",
          "assumed: ten images",
          "not counted: starting a process for each; the first call",
          "--slurm would submit 5 units as an array job in the partition small, at most 2 at a time.",
        ]
      ) assertStringIncludes(told.out, line);
      // Once for an arm, not for a seed; the file is all that has changed.
      const { [asked]: lines, ...after } = await contents(folder);
      assertEquals(lines!.trim().split("\n").sort(), ["same/first", "same/meta"]);
      assertEquals(after, before);

      // What goes on must be what has begun, in a dry run too.
      const changed = await run(sweepCommand, ...args, "--arms", "meta", "--set", "steps=4");
      assertEquals(changed.code, 2);
      assertStringIncludes(changed.err, "config.steps (4, was 3)");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("a dry sweep says what is refused and what is not known, and for how long the rest runs", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const args = ["--out", `${folder}/runs`, "--seeds", "0-1", "--dry-run", "--jobs", "3"];
    const steps = ["--set", "steps=10", "--set", "pause=100", "--regimes", "same"];
    const { code, out, err } = await run(
      sweepCommand,
      ...[...args, ...steps, "--arms", "meta,first,broken,scratch"],
    );
    assertEquals(code, 1);
    assertStringIncludes(err, "REFUSED same/broken: Error: no device is as large");
    assertStringIncludes(err, "\nsame/scratch: No device is as small.");
    const times = unitRows(out).map((row) => row.slice(0, 5).join(" ")).filter((row) =>
      /s$/.test(row)
    );
    assertEquals(times, [
      ...["same meta 0 to do 6s", "same first 0 to do 7s"],
      ...["same meta 1 to do 6s", "same first 1 to do 7s"],
    ]);
    // Three begin; the fourth when the first of them is done.
    assertMatch(out, /4 of 8 units one after the other 26s, at most 1\.0 MiB/);
    assertMatch(out, /3 at a time 13s, if none .* at most 3\.0 MiB/);
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a dry search lists the trials, predicts one of every arm, and writes nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const arm = { protocol: "fine-tune", space: { gain: { from: 0.01, to: 0.4 } } };
    const plan = {
      format: 1,
      study: "demo",
      regime: "same",
      seed: 9,
      trials: 3,
      arms: { meta: arm },
    };
    const [path, asked] = [`${folder}/demo.tune.yaml`, `${folder}/asked.txt`];
    await Deno.writeTextFile(path, JSON.stringify({ ...plan, arms: { meta: arm, first: arm } }));
    const args = ["--plan", path, "--out", `${folder}/trials`, "--set", `asked=${asked}`];
    const { code, out, err } = await run(tuneCommand, ...args, "--dry-run");
    assertEquals(code, 0, err);
    assertEquals(unitRows(out).map(([, trial, , state, time]) => `${trial} ${state} ${time}`), [
      ...["meta-trial-0 to do 5s", "first-trial-0 to do 5s", "meta-trial-1 to do 5s"],
      ...["first-trial-1 to do 5s", "meta-trial-2 to do 5s", "first-trial-2 to do 5s"],
    ]);
    assertStringIncludes(out, "6 units one after the other 30s");
    assertStringIncludes(out, "assumed: all trials of an arm take as long");
    assertEquals(await Deno.readTextFile(asked), "same/meta-trial-0\nsame/first-trial-0\n");
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(names, ["asked.txt", "demo.tune.yaml"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
