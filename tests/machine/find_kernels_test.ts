/** Tables of kernels on disk: kept beside the profile, refused when they are no good. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { builtInProfile } from "../../src/adapter/mod.ts";
import {
  findKernels,
  findProfile,
  keepKernels,
  kernelLines,
  kernelsHash,
  readKernels,
} from "../../src/machine/mod.ts";
import { webgpuTest } from "../webgpu.ts";

const shape = (rows: number) =>
  `matrix product: batch 1, rows ${rows}, inner 8, columns 8, transposeA 0, transposeB 0`;

webgpuTest(
  "keepKernels() keeps what was measured, findKernels() refuses what is not",
  async (gpu) => {
    const root = await Deno.makeTempDir();
    try {
      const folder = `${root}/adapters`;
      const lines: string[] = [];
      const options = { folder, log: (line: string) => lines.push(line) };
      const find = () => findKernels(gpu.device, options);
      assertEquals(await find(), undefined);
      assertMatch(kernelLines(undefined)[0]!, /^kernels: chosen by a rule; .* --kernels/);
      const measured = new Map([[shape(8), "matmul_any"]]);
      const first = await keepKernels(gpu.device, measured, options);
      assertEquals(first!.value, { [shape(8)]: "matmul_any" });
      assertEquals(await find(), first);
      // What was measured again is replaced, what was not stays.
      const more = new Map([[shape(16), "matmul"], [shape(4), "matmul"]]);
      const all = { [shape(16)]: "matmul", [shape(4)]: "matmul", [shape(8)]: "matmul_any" };
      const second = await keepKernels(gpu.device, more, options);
      assertEquals(second!.value, all);
      const third = await keepKernels(gpu.device, new Map([[shape(4), "matmul_any"]]), options);
      assertEquals(third!.value, { ...all, [shape(4)]: "matmul_any" });
      assertEquals(kernelsHash(third!.value).length, 64);
      assert(kernelsHash(third!.value) !== kernelsHash(second!.value));
      assertEquals(
        kernelsHash(Object.fromEntries(Object.entries(all).reverse())),
        kernelsHash(all),
      );
      assertEquals(kernelLines(third, { each: true })[1], `  ${shape(16)}: matmul`);
      assertMatch(kernelLines(third)[0]!, /: 3 shapes, measured within/);
      // A copy is as good, and one that is none is an error.
      const copy = `${root}/copy.json`;
      await assertRejects(() => readKernels(gpu.device, copy), Error, "there is no such file");
      await Deno.copyFile(third!.path, copy);
      assertEquals(await readKernels(gpu.device, copy), { ...third!, path: copy });
      const foreign = (await Deno.readTextFile(copy)).replace(Deno.version.deno, "1.0.0");
      await Deno.writeTextFile(copy, foreign);
      await assertRejects(() => readKernels(gpu.device, copy), Error, "another adapter or version");
      // Beside the profile, which does not mind.
      const { stored } = await findProfile(gpu.device, {
        ...options,
        measureWith: () => Promise.resolve({ ...builtInProfile("software"), source: "measured" }),
      });
      assertEquals(third!.path, stored!.path.replace(".json", ".kernels.json"));
      assertEquals(lines, []);
      const good = await Deno.readTextFile(third!.path);
      const bad: [string, RegExp][] = [
        ["", /is damaged: .*; unused\. Measure again/],
        [good.slice(0, -20), /is damaged/],
        [good.replace(`"matmul_any"`, `"matmul"`), /was changed; unused/],
        [
          good.replace(`"matmul_any"`, `"matmul_many"`),
          /damaged: there is no kernel 'matmul_many' for/,
        ],
        [good.replace(`"matmul_any"`, "7"), /damaged: .*":7}, expected a kernel/],
        [good.replace("rows 8", "rows eight"), /damaged: .*rows eight.*is no shape/],
        [good.replace("rows 8", "lines 8"), /damaged: .*is no shape of an operation/],
        [good.replace(Deno.version.deno, "1.0.0"), /is the kernels of another adapter or version/],
      ];
      for (const [text, expected] of bad) {
        assert(text !== good);
        await Deno.writeTextFile(third!.path, text);
        assertEquals(await find(), undefined, text);
        assertMatch(lines.pop()!, expected);
      }
      // A damaged table is replaced by what is measured.
      const fresh = await keepKernels(gpu.device, measured, options);
      assertMatch(lines.pop()!, /another adapter or version; replaced/);
      assertEquals(fresh!.value, { [shape(8)]: "matmul_any" });
      assertEquals(await find(), fresh);
      assertEquals(
        await keepKernels(gpu.device, measured, { ...options, folder: undefined }),
        undefined,
      );
      assertMatch(lines.pop()!, /is not kept/);
      // Engines that may compute in half precision have a table of their own.
      const half = { ...options, halfPrecision: true };
      assertEquals(await findKernels(gpu.device, half), undefined);
      const other = await keepKernels(gpu.device, new Map([[shape(2), "matmul"]]), half);
      assertEquals(other!.path, fresh!.path.replace(".kernels.", ".half.kernels."));
      assertEquals(await findKernels(gpu.device, half), other);
      assertEquals(await find(), fresh);
      // The device is another's: it stays open.
      await gpu.finish("see that it is open");
      await Deno.remove(folder, { recursive: true });
      await Deno.writeTextFile(folder, "in the way");
      await assertRejects(find, Error, "Cannot read the kernels");
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
);
