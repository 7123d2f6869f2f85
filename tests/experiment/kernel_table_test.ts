/** The table of kernels in the record of a run, which takes the same kernels when it goes on. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { openEngine } from "../../src/engine/mod.ts";
import { kernelFinder } from "../../src/experiment/kernel_table.ts";
import { findKernels, keepKernels, kernelsHash } from "../../src/machine/mod.ts";
import { parse, stringify } from "@std/yaml";
import { webgpuTest } from "../webgpu.ts";

const SHAPE =
  "matrix product: batch 1, rows 8, inner 8, columns 8, transposeA 0, transposeB 0" as const;

function runOf(folder: string | undefined, halfPrecision = false) {
  const lines: string[] = [];
  let environment: Record<string, unknown> = {};
  const find = { folder, halfPrecision };
  return {
    lines,
    record: () => environment,
    finder: (resumed: boolean, recorded: Record<string, unknown> = {}, file?: string) => {
      environment = recorded;
      return kernelFinder({
        resumed,
        environment: () => environment,
        describe: (facts) => Promise.resolve(void (environment = { ...environment, ...facts })),
        log: (line) => lines.push(line),
        ...{ find, ...(file !== undefined && { file }) },
      });
    },
  };
}

webgpuTest("a resumed run takes the kernels of its record, on the same adapter", async (gpu) => {
  const folder = await Deno.makeTempDir();
  try {
    const options = { folder, log: () => {} };
    await keepKernels(gpu.device, new Map([[SHAPE, "matmul_any"]]), options);
    const table = { [SHAPE]: "matmul_any" };
    const begun = runOf(folder);
    assertEquals(await begun.finder(false)(gpu.device), table);
    assertMatch(begun.lines[0]!, /^kernels of 1 shapes as measured on /);
    const fact = { adapter: gpu.info.label, hash: kernelsHash(table), shapes: table };
    // As it comes back from a file.
    const record = parse(stringify(begun.record())) as Record<string, unknown>;
    assertEquals(record, { kernelTable: fact });
    // The machine has measured something else since.
    const stored = (await findKernels(gpu.device, options))!;
    const copy = `${folder}/copy.json`;
    await Deno.copyFile(stored.path, copy);
    const now = { [SHAPE]: "matmul" };
    await keepKernels(gpu.device, new Map(Object.entries(now)), options);
    assertEquals(await runOf(folder).finder(true, record)(gpu.device), table);
    assertEquals(await runOf(folder).finder(false)(gpu.device), now);
    const elsewhere = { kernelTable: { ...fact, adapter: "another" } };
    assertEquals(await runOf(folder).finder(true, elsewhere)(gpu.device), now);
    // A copy decides where it is given; a run that began with another table does not take it.
    const bound = runOf(folder);
    assertEquals(await bound.finder(false, {}, copy)(gpu.device), table);
    assertEquals(bound.record(), { kernelTable: fact });
    assertEquals(await runOf(folder).finder(true, record, copy)(gpu.device), table);
    await assertRejects(
      () => runOf(folder).finder(true, record, stored.path)(gpu.device),
      Error,
      "the run began with others",
    );
    // One that stopped before it had read its copy does not go on without.
    const early = { kernelsFile: copy };
    await assertRejects(
      () => runOf(folder).finder(true, early)(gpu.device),
      Error,
      `Resume with --kernels ${copy}.`,
    );
    assertEquals(await runOf(folder).finder(true, early, copy)(gpu.device), table);
    // A run that began before there were tables goes on without one.
    assertEquals(await runOf(folder).finder(true, { adapter: gpu.info.label })(gpu.device), {});
    // A run in half precision has another table.
    assertEquals(await runOf(folder, true).finder(false)(gpu.device), {});
    // One without a table says so, too.
    const without = runOf(undefined);
    assertEquals(await without.finder(false)(gpu.device), {});
    const empty = { adapter: gpu.info.label, hash: kernelsHash({}), shapes: {} };
    assertEquals(without.record(), { kernelTable: empty });
    assertEquals(await runOf(folder).finder(true, { kernelTable: empty })(gpu.device), {});
    const changed = { kernelTable: { ...fact, shapes: { [SHAPE]: "matmul" } } };
    await assertRejects(
      () => runOf(folder).finder(true, changed)(gpu.device),
      Error,
      "Undo the change",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

webgpuTest("openEngine() takes a table of kernels or asks for it, and needs none", async (gpu) => {
  using without = await openEngine("webgpu");
  assertEquals(without.info.kernels, {});
  const table = { [SHAPE]: "matmul_any" };
  using asked = await openEngine("webgpu", {
    device: gpu.device,
    kernels: (device) => Promise.resolve(device === gpu.device ? table : {}),
  });
  assertEquals(asked.info.kernels, table);
  const wrong = { [SHAPE]: 5 } as unknown as typeof table;
  await assertRejects(() => openEngine("webgpu", { kernels: wrong }), TypeError, ":5}");
});
