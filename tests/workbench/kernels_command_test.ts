import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { KERNEL_FOLDER, kernelFolders, readKernels } from "../../kernels/embed.ts";
import { kernelsCommand } from "../../src/workbench/kernels_command.ts";
import { KERNELS } from "../kernels/all_kernels.ts";
import { withoutWebgpu } from "../webgpu.ts";

/** Paths of the kernels of a folder in that of all. */
async function kernelFiles(path: string): Promise<string[]> {
  const kernels = await readKernels(new URL(path, KERNEL_FOLDER));
  return [...kernels.keys()].map((name) => `${path}${name}.wgsl`);
}

/** Runs the command on a copy of the library's kernels that was changed. */
async function onCopy(
  change: (folder: URL) => Promise<unknown>,
  args: readonly string[] = ["--check"],
): Promise<{ code: number; lines: string }> {
  const path = await Deno.makeTempDir();
  try {
    const folder = new URL(`file://${path}/`);
    for (const path of await kernelFolders()) {
      await Deno.mkdir(new URL(path, folder), { recursive: true });
      for (const name of [...await kernelFiles(path), `${path}mod.ts`]) {
        await Deno.copyFile(new URL(name, KERNEL_FOLDER), new URL(name, folder));
      }
    }
    await change(folder);
    const lines: string[] = [];
    const add = (line: string): number => lines.push(line);
    const given = args.map((argument) => argument.replace("FOLDER", path));
    const code = await kernelsCommand(given, { output: { print: add, log: add }, folder });
    return { code, lines: lines.join("\n") };
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const edit = (name: string, from: string, to: string) => async (folder: URL): Promise<void> => {
  const file = new URL(name, folder);
  const text = await Deno.readTextFile(file);
  assert(text.includes(from), `${name} has no ${from}`);
  await Deno.writeTextFile(file, text.replace(from, to));
};

Deno.test("kernels --check accepts the kernels of the library", async () => {
  const { code, lines } = await onCopy(() => Promise.resolve());
  assertEquals(code, 0, lines);
  const files = (await Promise.all((await kernelFolders()).map(kernelFiles))).flat();
  const count = files.length;
  assert(count >= 15, `${count} kernels`);
  const names = files.map((file) => file.replace(/^.*\/|\.wgsl$/g, ""));
  assertEquals(Object.keys(KERNELS).sort(), names.sort(), "tests know all of them");
  if (!withoutWebgpu) assertStringIncludes(lines, `${count} kernels compile on `);
});

Deno.test("kernels --check names the file that differs from the module, and no other", async () => {
  const { code, lines } = await onCopy(edit("matmul_any.wgsl", "vec4f", "vec4<f32>"));
  assertEquals(code, 1);
  const stale = lines.split("\n").filter((line) => line.startsWith("Cannot accept"));
  assertEquals(stale, [
    "Cannot accept kernels/mod.ts: matmul_any.wgsl has another text in mod.ts. Run `deno task kernels`.",
  ]);
});

Deno.test("kernels --check names the module of the folder that a file is in", async () => {
  const { code, lines } = await onCopy(edit("processors/matmul_lanes.wgsl", "vec4f", "vec4<f32>"));
  assertEquals(code, 1);
  const stale = lines.split("\n").filter((line) => line.startsWith("Cannot accept"));
  assertEquals(stale, [
    "Cannot accept kernels/processors/mod.ts: matmul_lanes.wgsl has another text in mod.ts. Run `deno task kernels`.",
  ]);
});

Deno.test("kernels --check names files that are new or gone, and changes by hand", async () => {
  const renamed = await onCopy((folder) =>
    Deno.rename(new URL("matmul_any.wgsl", folder), new URL("product.wgsl", folder))
  );
  assertStringIncludes(renamed.lines, "product.wgsl is not in mod.ts");
  assertStringIncludes(renamed.lines, "matmul_any.wgsl is in mod.ts, but there is no such file");
  const byHand = await onCopy(
    edit("mod.ts", "The kernels of this folder", "All kernels of this folder"),
  );
  assertStringIncludes(byHand.lines, "mod.ts was changed by hand");
  assertEquals([renamed.code, byHand.code], [1, 1]);
});

Deno.test("kernels embeds, so that --check has nothing to say", async () => {
  const { code, lines } = await onCopy(async (folder) => {
    await edit("sum_parts.wgsl", "// Sum", "// The sum ${x} of `all`")(folder);
    await Deno.mkdir(new URL("more/", folder));
    await Deno.rename(
      new URL("processors/matmul_lanes.wgsl", folder),
      new URL("more/own.wgsl", folder),
    );
    assertEquals(await kernelsCommand([], { output: silent, folder }), 0);
  });
  assertEquals(code, 0, lines);
});

const silent = { print: () => {}, log: () => {} };

Deno.test({
  name: "kernels --check compiles: the compiler's message names file and line",
  ignore: withoutWebgpu,
  fn: async () => {
    const { code, lines } = await onCopy(edit("sum_parts.wgsl", "var sum = 0.0;", "var sum = 0u;"));
    assertEquals(code, 1);
    assert(/Cannot compile kernel sum_parts\.wgsl: .*line 4\d/.test(lines), lines);
    assertStringIncludes(lines, "sum += part(p, i);");
  },
});

Deno.test({
  name: "kernels compiles files that are named",
  ignore: withoutWebgpu,
  fn: async () => {
    const own = (text: string) => (folder: URL) =>
      Deno.writeTextFile(new URL("own.wgsl", folder), text);
    const right = await onCopy(
      own("@compute @workgroup_size(1) fn main() {}"),
      ["FOLDER/own.wgsl"],
    );
    assertEquals(right.code, 0, right.lines);
    assertStringIncludes(right.lines, "1 kernels compile on ");
    const wrong = await onCopy(own("fn main() -> f32 { return 1u; }"), ["FOLDER/own.wgsl"]);
    assertEquals(wrong.code, 1);
    assert(/Cannot compile kernel .*own\.wgsl/.test(wrong.lines), wrong.lines);
  },
});

Deno.test("kernels refuses flags and files that it does not know", async () => {
  const { code, lines } = await onCopy(() => Promise.resolve(), ["--chek"]);
  assertEquals(code, 2);
  assertStringIncludes(lines, 'Did you mean "--check"?');
  assertEquals((await onCopy(() => Promise.resolve(), ["conv2d"])).code, 2);
});
