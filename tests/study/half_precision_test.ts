/** Half precision in studies, on the fixture: every unit has it or none has. */
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml";
import { compareCommand } from "../../src/study/sweep/compare_command.ts";
import { runsCommand } from "../../src/study/sweep/runs_command.ts";
import { sweepCommand } from "../../src/study/sweep/sweep_command.ts";
import { tuneCommand } from "../../src/study/sweep/tune_command.ts";
import type { CommandOutput } from "../../src/study/flags.ts";
import { program } from "./sweep_process.ts";

/** Runs a command in this process. */
async function run(command: (output: CommandOutput) => Promise<number>) {
  const [out, err]: string[][] = [[], []];
  const output = {
    print: (line: string) => void out!.push(line),
    log: (line: string) => void err!.push(line),
  };
  const code = await command(output);
  return { code, out: out!.join("\n"), err: err!.join("\n") };
}

function sweep(out: string, ...args: string[]) {
  const progress = {
    write: () => {},
    terminal: false,
    color: false,
    columns: () => 0,
    now: () => 0,
  };
  const some = ["--regimes", "same", "--seeds", "0", "--set", "steps=1", ...args];
  return run((output) =>
    sweepCommand(["demo", "--out", out, ...some], { program, output, progress })
  );
}

/** What the record of a unit says. */
async function halfOf(folder: string): Promise<unknown> {
  const record = parse(await Deno.readTextFile(`${folder}/config.yaml`)) as {
    readonly environment: { readonly halfPrecision?: boolean };
  };
  return record.environment.halfPrecision;
}

const options = { ignore: Deno.build.os === "windows" };

Deno.test(
  "a sweep passes --half-precision to every unit, and is bound to it",
  options,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const [half, whole] = [`${folder}/half`, `${folder}/whole`];
      const begun = await sweep(half, "--arms", "meta", "--half-precision");
      assertEquals(begun.code, 0, begun.err);
      assertEquals((await sweep(whole, "--arms", "meta")).code, 0);
      const unit = (study: string) => `${study}/same/meta/seed-0`;
      assertEquals([await halfOf(unit(half)), await halfOf(unit(whole))], [true, undefined]);

      // Other arms and seeds as well, in a dry run too.
      for (const more of [[], ["--dry-run"], ["--slurm"]]) {
        const without = await sweep(half, "--arms", "first", ...more);
        assertEquals(without.code, 2);
        assertStringIncludes(without.err, "without --half-precision: the study began with it");
        const late = await sweep(whole, "--arms", "first", "--half-precision", ...more);
        assertEquals(late.code, 2);
        assertStringIncludes(late.err, "with --half-precision: the study began without it");
      }
      // A unit that was run by hand, otherwise than its study.
      await Deno.remove(`${half}/same`, { recursive: true });
      await Deno.rename(`${whole}/same`, `${half}/same`);
      const mixed = await sweep(half, "--arms", "meta", "--half-precision");
      assertEquals(mixed.code, 2);
      assertStringIncludes(mixed.err, "halfPrecision (true, was nothing)");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test("runs and compare tell precisions and tables of kernels apart", options, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [half, whole] = [`${folder}/half`, `${folder}/whole`];
    await sweep(half, "--arms", "meta", "--half-precision");
    await sweep(whole, "--arms", "meta");
    const unit = (study: string) => `${study}/same/meta/seed-0`;
    const record = `${unit(half)}/config.yaml`;
    const text = await Deno.readTextFile(record);
    const table = JSON.stringify({ adapter: "some GPU", hash: "0123456789ab", shapes: { s: "k" } });
    await Deno.writeTextFile(record, text.replace("environment:\n", `$&  kernelTable: ${table}\n`));
    const listed = await run((output) => runsCommand([folder], output));
    assertMatch(listed.out, /half\/same\/meta\/seed-0 .* half 01234567/);
    assertEquals(/whole\/same\/meta\/seed-0 .*half/.test(listed.out), false, listed.out);
    const compared = await run((output) => compareCommand([unit(whole), unit(half)], output));
    assertStringIncludes(compared.out, "halfPrecision (true, was nothing)");
    assertStringIncludes(compared.out, 'kernels ("0123456789ab", was nothing)');
    // Another arm of the study has the same configuration.
    const other = `${folder}/other/seed-0`;
    await Deno.mkdir(other, { recursive: true });
    for await (const { name, isFile } of Deno.readDir(unit(whole))) {
      if (isFile) await Deno.copyFile(`${unit(whole)}/${name}`, `${other}/${name}`);
    }
    const own = await Deno.readTextFile(`${other}/config.yaml`);
    const changed = own.replace(/(only:\n +arms:\n +- ).*/, "$1scratch");
    assertNotEquals(changed, own);
    const paths = [unit(whole), unit(whole), other];
    assertEquals((await run((output) => compareCommand(paths, output))).out.split("\n").slice(-2), [
      `${unit(whole)}: same configuration as ${unit(whole)}`,
      `${other}: same configuration as ${unit(whole)}`,
    ]);
    await Deno.writeTextFile(`${other}/config.yaml`, changed);
    assertStringIncludes(
      (await run((output) => compareCommand(paths, output))).out,
      `${other}: same configuration as ${unit(whole)}, for another part of the study`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("tune passes --half-precision to every trial", options, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/demo.tune.yaml`;
    const arms = { meta: { protocol: "fine-tune", space: { gain: { from: 0.01, to: 0.4 } } } };
    const plan = { format: 1, study: "demo", regime: "same", seed: 9, trials: 1, arms };
    await Deno.writeTextFile(path, JSON.stringify(plan));
    const out = `${folder}/trials`;
    const args = ["demo", "--plan", path, "--out", out, "--set", "steps=1"];
    const tuned = await run((output) =>
      tuneCommand([...args, "--half-precision"], { output, program })
    );
    assertEquals(tuned.code, 0, tuned.err);
    assertEquals(await halfOf(`${out}/same/meta-trial-0/seed-9`), true);
    const without = await run((output) => tuneCommand(args, { output, program }));
    assertEquals(without.code, 2);
    assertStringIncludes(without.err, "without --half-precision: the study began with it");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
