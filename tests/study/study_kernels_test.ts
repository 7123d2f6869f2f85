/** A study's table of kernels: measured once, and the same for every unit, whatever the machine measures later. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { parse } from "@std/yaml";
import { builtInProfile } from "../../src/adapter/mod.ts";
import { kernelFacts } from "../../src/experiment/kernel_table.ts";
import { findKernels, findProfile, keepKernels, kernelsHash } from "../../src/machine/mod.ts";
import type { RunRecord } from "../../src/run/run_folder.ts";
import { readUnits } from "../../src/study/read_units.ts";
import { sweepCommand } from "../../src/study/sweep/sweep_command.ts";
import { assertClose } from "../kernels/fixtures.ts";
import { webgpuTest } from "../webgpu.ts";
import { PRODUCT } from "./fixture_experiment.ts";
import { withStudyKernels } from "../../src/study/sweep/study_kernels.ts";
import { resumeArguments, unitArguments } from "../../src/study/sweep/unit_process.ts";
import { program } from "./sweep_process.ts";

const NOWHERE = { print: () => {}, log: () => {} };
const UNIT = {
  ...{ regime: "same", arm: "meta", configuration: "", seed: 0 },
  folder: "same/meta/seed-0",
};
const COMMAND = { program: ["false"], experiment: "demo", decisive: [], others: ["--offline"] };

Deno.test("units begin and go on with the study's kernels, also with those another sweep measures now", async () => {
  const out = await Deno.makeTempDir();
  try {
    const options = { out, units: [UNIT], measure: false, output: NOWHERE };
    assertEquals(await withStudyKernels(COMMAND, options), COMMAND);
    const lock = await Deno.open(`${out}/kernels.lock`, { write: true, create: true });
    await lock.lock(true);
    const pending = withStudyKernels(COMMAND, options);
    // Long enough for a sweep that does not wait.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await Deno.writeTextFile(`${out}/kernels.json`, "{}");
    lock.close();
    const bound = await pending;
    for (const args of [unitArguments(bound, UNIT), resumeArguments(bound, UNIT)]) {
      assertStringIncludes(args.join(" "), `--offline --kernels ${out}/kernels.json`);
    }
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

Deno.test("a study gets no table where a unit began while it was measured", async () => {
  const out = await Deno.makeTempDir();
  try {
    const folder = `${out}/${UNIT.folder}`;
    const begin = `mkdir -p ${folder}; echo 'seed: 0' > ${folder}/config.yaml; ` +
      `echo '{"kernels":"${folder}/config.yaml"}'`;
    const command = { ...COMMAND, program: ["sh", "-c", begin] };
    const options = { out, units: [UNIT], measure: true, output: NOWHERE };
    await assertRejects(
      () => withStudyKernels(command, options),
      Error,
      `units there began without, such as ${folder}`,
    );
    await assertRejects(() => Deno.stat(`${out}/kernels.json`), Deno.errors.NotFound);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

webgpuTest(
  "sweep --measure-kernels measures once; every unit computes by that table",
  async (gpu) => {
    const root = await Deno.makeTempDir();
    try {
      const [folder, out] = [`${root}/adapters`, `${root}/study`];
      const err: string[] = [];
      const output = { print: () => {}, log: (line: string) => void err.push(line) };
      const own = { folder, log: output.log };
      await findProfile(gpu.device, {
        ...own,
        measureWith: () => Promise.resolve({ ...builtInProfile("software"), source: "measured" }),
      });
      const sweep = async (study: string, ...args: string[]) => {
        err.length = 0;
        const code = await sweepCommand([
          ...["demo", "--out", study, "--regimes", "same", "--set", "steps=1"],
          ...["--set", "multiplies=true", ...args],
        ], {
          program: ["env", `MUTASESUMELE_PROFILES=${folder}`, ...program],
          output,
          progress: {
            ...{ write: output.log, terminal: false, color: false, columns: () => 0, now: () => 0 },
          },
        });
        return { code, err: err.join("\n") };
      };
      const unit = (arm: string, seed: number, study = out) => `${study}/same/${arm}/seed-${seed}`;
      const hashOf = async (path: string) => {
        const record = parse(await Deno.readTextFile(`${path}/config.yaml`)) as RunRecord;
        return kernelFacts(record.environment).kernels;
      };
      const both = ["--arms", "meta,first", "--measure-kernels"];
      assertEquals((await sweep(out, ...both, "--seeds", "0", "--dry-run")).code, 2);
      assertEquals(await findKernels(gpu.device, own), undefined);
      const begun = await sweep(out, ...both, "--seeds", "0", "--jobs", "2");
      assertEquals(begun.code, 0, begun.err);
      assertStringIncludes(begun.err, "kernels of 1 shapes measured in");
      const { value } = (await findKernels(gpu.device, own))!;
      assertEquals(Object.keys(value), [PRODUCT]);
      const hash = kernelsHash(value);
      assertEquals([await hashOf(unit("meta", 0)), await hashOf(unit("first", 0))], [hash, hash]);

      // The machine finds another kernel to be the fastest; the study goes on with its own.
      const other = value[PRODUCT] === "matmul_any" ? "matmul" : "matmul_any";
      await keepKernels(gpu.device, new Map([[PRODUCT, other]]), own);
      const again = await sweep(out, ...both, "--seeds", "1");
      assertEquals(again.code, 0, again.err);
      assertStringIncludes(again.err, "has the kernels of this study; nothing is measured");
      const without = await sweep(out, "--arms", "meta", "--seeds", "2");
      assertEquals(without.code, 0, without.err);
      assertEquals([await hashOf(unit("first", 1)), await hashOf(unit("meta", 2))], [hash, hash]);
      assertEquals((await readUnits([out])).length, 5);

      // Without a table of its own, a study takes the machine's; and it gets none once it has begun.
      const loose = `${root}/loose`;
      assertEquals((await sweep(loose, "--arms", "meta", "--seeds", "0")).code, 0);
      assertNotEquals(await hashOf(unit("meta", 0, loose)), hash);
      const late = await sweep(loose, "--arms", "first", "--seeds", "0", "--measure-kernels");
      assertEquals(late.code, 2);
      assertStringIncludes(late.err, "units there began without, such as");
      // Another kernel rounds otherwise, and computes the same.
      const product = async (path: string) =>
        JSON.parse(await Deno.readTextFile(`${path}/product.json`)) as number[];
      const products = [await product(unit("meta", 0)), await product(unit("meta", 0, loose))];
      assertEquals(await product(unit("meta", 2)), products[0]);
      assertClose(products[1]!, products[0]!, "the product");
      assert(products[0]!.some((each) => each !== 0));
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);
