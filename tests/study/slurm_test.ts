import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { slurmScript } from "../../src/study/sweep/slurm.ts";
import { startCluster, waitFor, withoutSlurm } from "./slurm_cluster.ts";
import { program } from "./sweep_process.ts";

const reason = await withoutSlurm();
const required = Deno.env.get("MUTASESUMELE_REQUIRE_SLURM") !== undefined;

/** Processes whose command line holds a text. */
async function processesWith(text: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (line.includes(text)) found.push(Number(name));
  }
  return found;
}

Deno.test({
  name: `a sweep by Slurm does every unit once, also one that is killed and queued again${
    reason === undefined ? "" : ` (not run: ${reason})`
  }`,
  ignore: reason !== undefined && !required,
  fn: async () => {
    if (reason !== undefined) throw new Error(`Cannot test Slurm: ${reason}`);
    const folder = await Deno.makeTempDir();
    try {
      await using cluster = await startCluster(await Deno.makeTempDir({ dir: folder }));
      const source = decodeURIComponent(new URL("sweep_process.ts", import.meta.url).pathname);
      const out = `${folder}/it's here`;
      const sweep = async (...more: string[]) => {
        const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [
            ...[...program.slice(1, -1), source, "demo", "--out", out, "--slurm"],
            ...["--partition", "small", "--arms", "meta,first,broken", "--regimes", "same"],
            ...["--seeds", "0", "--set", "pause=200", "--set", "steps=10"],
            ...["--half-precision", ...more],
          ],
          env: { ...cluster.environment },
        }).output();
        const decoder = new TextDecoder();
        return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
      };
      const submitted = await sweep("--sbatch=--comment=test");
      assertEquals(submitted.code, 0, submitted.err);
      const job = submitted.out.match(/^Job (\d+): 3 units submitted/)?.[1];
      assertMatch(submitted.out, /^Job \d+: 3 units submitted/);

      const path = (arm: string) => `${out}/same/${arm}/seed-0`;
      const lines = async () =>
        (await Deno.readTextFile(`${path("meta")}/trace.txt`).catch(() => "")).split("\n").length;
      await waitFor(async () => await lines() > 3, "the first unit's steps");
      for (const pid of await processesWith(path("meta"))) Deno.kill(pid, "SIGKILL");
      const stateOf = (task: number) =>
        cluster.run("scontrol", "--oneliner", "show", "job", `${job}_${task}`)
          .then((text) => text.match(/JobState=(\w+)/)?.[1]);
      await waitFor(async () => await stateOf(0) === "FAILED", "the killed task's end");
      assertEquals(await lines() <= 10, true);
      await cluster.run("scontrol", "requeue", `${job}_0`);
      const states = () => Promise.all([0, 1, 2].map(stateOf));
      await waitFor(
        async () => (await states()).join() === "COMPLETED,COMPLETED,FAILED",
        "the end of all tasks",
      );
      for (const arm of ["meta", "first"]) {
        const trace = await Deno.readTextFile(`${path(arm)}/trace.txt`);
        assertEquals(trace, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", arm);
        assertEquals(JSON.parse(await Deno.readTextFile(`${path(arm)}/unit.json`)).arm, arm);
        const record = await Deno.readTextFile(`${path(arm)}/config.yaml`);
        assertStringIncludes(record, "halfPrecision: true");
      }
      const again = await sweep();
      assertEquals(again.code, 1);
      assertStringIncludes(
        again.out,
        "nothing to submit; of 3 units 2 are done, 0 running, 1 failed",
      );
      const refused = await sweep("--retry", "--sbatch=--partition=none");
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.err, "Cannot submit the units: sbatch ended with code 1");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "slurmScript() quotes what a shell would obey, and knows its tasks",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const log = `${folder}/it's $HOME.log`;
      const script = slurmScript(
        ["a b", "$(touch x)", "'; touch x; '", "`touch x`"].map((text) => ({
          args: ["printf", "%s\n", text],
          log,
        })),
        folder,
      );
      await Deno.writeTextFile(`${folder}/job.sh`, script);
      const run = async (task: string) =>
        (await new Deno.Command("sh", {
          args: [`${folder}/job.sh`],
          env: { SLURM_ARRAY_TASK_ID: task },
          stderr: "null",
        }).output()).code;
      assertEquals([await run("0"), await run("1"), await run("2"), await run("3")], [0, 0, 0, 0]);
      assertEquals(await run("4"), 1);
      assertEquals(
        await Deno.readTextFile(log),
        "a b\n$(touch x)\n'; touch x; '\n`touch x`\n",
      );
      assertEquals(await Deno.stat(`${folder}/x`).catch(() => "none"), "none");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
