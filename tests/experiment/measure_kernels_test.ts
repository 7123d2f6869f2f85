/** `--measure-kernels`: what a run computes is measured once, kept, and in its record. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { builtInProfile } from "../../src/adapter/mod.ts";
import { measureKernels } from "../../src/experiment/measure_kernels.ts";
import { findKernels, findProfile } from "../../src/machine/mod.ts";
import { webgpuTest } from "../webgpu.ts";
import { config, nothing, OPTIONS, products, shape } from "./measure_process.ts";

const program = decodeURIComponent(new URL("measure_process.ts", import.meta.url).pathname);

webgpuTest("measureKernels() measures what the table does not have, and no more", async (gpu) => {
  const folder = await Deno.makeTempDir();
  try {
    const lines: string[] = [];
    const notes: string[] = [];
    const options = {
      ...OPTIONS,
      ...{ folder, log: (line: string) => void lines.push(line), note: notes.push.bind(notes) },
    };
    await findProfile(gpu.device, {
      ...options,
      measureWith: () => Promise.resolve({ ...builtInProfile("software"), source: "measured" }),
    });
    const first = await measureKernels(products([8, 16, 8]), config, options);
    // The rule's kernel is kept too: so it is known that nothing is left to measure.
    assertEquals(Object.keys(first.value).sort(), [shape(16), shape(8)]);
    assertEquals(await findKernels(gpu.device, options), first);
    assertMatch(lines.pop()!, /^kernels of 2 shapes measured in .*; 0 left to the rule; kept in /);
    assertEquals(notes.splice(0), [
      "finding out what the run computes",
      ...["measuring kernels: shape 1 of 2", "measuring kernels: shape 2 of 2"],
    ]);
    assertEquals(await measureKernels(products([8, 16]), config, options), first);
    assertMatch(lines.pop()!, /^kernels: the table has all 2 shapes of the run, measured /);
    assertEquals(notes.splice(0).length, 1);
    const more = await measureKernels(products([8, 24]), config, options);
    assertMatch(lines.pop()!, /^kernels of 1 shapes measured/);
    assertEquals({ ...more.value, ...first.value }, more.value);
    assert(shape(24) in more.value);
    // Half precision has a table of its own.
    const half = await measureKernels(products([8]), config, { ...options, halfPrecision: true });
    assertEquals(Object.keys(half.value), [shape(8)]);
    const late = await measureKernels(products([40]), config, { ...options, budget: -1 });
    assertEquals(late.value, more.value);
    assertMatch(lines.pop()!, /^kernels of 0 shapes .*; 1 left to the rule/);
    const cases = [
      [nothing, "does not say beforehand what it computes"],
      [products([], "No plans."), "Cannot measure the kernels of demo: No plans."],
    ] as const;
    for (const [experiment, why] of cases) {
      await assertRejects(() => measureKernels(experiment, config, options), Error, why);
    }
    // Where nothing can be kept nothing is measured, and the profile is that of the class.
    const link = `${folder}/link`;
    await Deno.symlink(`${folder}/gone/there`, link);
    notes.length = 0;
    lines.length = 0;
    const unkept = () => measureKernels(products([8]), config, { ...options, folder: link });
    await assertRejects(
      unkept,
      Error,
      "Cannot measure the kernels of demo: Cannot make the folder",
    );
    assertMatch(
      lines[0]!,
      /^The built-in profile is taken, .* not be kept: Cannot make the folder/,
    );
    assertEquals([lines.length, notes[1]], [1, "measuring kernels: shape 1 of 1"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

webgpuTest("a process that is killed while it measures has kept what it said", async (gpu) => {
  const folder = await Deno.makeTempDir();
  try {
    const lines: string[] = [];
    const options = { ...OPTIONS, folder, log: (line: string) => void lines.push(line) };
    await findProfile(gpu.device, {
      ...options,
      measureWith: () => Promise.resolve({ ...builtInProfile("software"), source: "measured" }),
    });
    const rows = Array.from({ length: 40 }, (_, k) => 8 * (40 - k));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, folder, ...rows.map(String)],
      stdout: "piped",
    }).spawn();
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (!said.includes("shape 3 of 40")) continue;
      child.kill("SIGKILL");
      break;
    }
    assertEquals((await child.status).signal, "SIGKILL");
    const kept = (await findKernels(gpu.device, options))!;
    const begun = Object.keys(kept.value).length;
    assert(begun >= 2 && begun < 40, `${begun} shapes`);
    assert(rows.slice(0, 2).every((each) => shape(each) in kept.value), "the largest first");
    // Nothing of it is measured again.
    const more = await measureKernels(products(rows.slice(0, begun + 1)), config, {
      ...{ ...options, note: () => {} },
    });
    assertMatch(lines.pop()!, /^kernels of 1 shapes measured/);
    assertEquals({ ...more.value, ...kept.value }, more.value);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
