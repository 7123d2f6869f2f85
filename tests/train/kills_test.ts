/** The short version of the soak `kills`: a run of two stages, killed at random instants. */
import { assert } from "@std/assert";
import { killAndResume, resumable } from "../soak/kill_loop.ts";
import { resultsOf } from "./fixtures.ts";

Deno.test("a run killed at random instants, resumed and killed again ends with the same numbers", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const script = `${folder}/two_stages.ts`;
    const fixtures = JSON.stringify(import.meta.resolve("./fixtures.ts"));
    // Long enough that instants differ: steps are slow, and every one is saved.
    await Deno.writeTextFile(
      script,
      `import { runTwoStages } from ${fixtures};
       const { code, err } = await runTwoStages(Deno.args, { pause: 50 });
       console.error(err);
       Deno.exit(code);`,
    );
    const config = decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname);
    const report = await killAndResume({
      start: (args) =>
        new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--no-check", "--config", config, script, ...args],
          stdout: "piped",
          stderr: "piped",
        }).spawn(),
      begin: (out) => ["--seed", "3", "--out", out],
      runs: (out) => resumable(out, "two-stages"),
      results: resultsOf,
    }, { folder, kills: 8, seed: 5 });
    assert(report.duringResume > 0 && report.runs > 0, JSON.stringify(report));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
