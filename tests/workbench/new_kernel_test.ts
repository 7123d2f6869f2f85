import { assertEquals, assertStringIncludes } from "@std/assert";
import { newKernelCommand } from "../../src/workbench/new_kernel_command.ts";
import { checkKernels } from "../../src/workbench/check_kernels.ts";
import { withoutWebgpu } from "../webgpu.ts";

const root = new URL("../../", import.meta.url);

async function inTemporary(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function command(...args: string[]): Promise<{ code: number; lines: string }> {
  const lines: string[] = [];
  const add = (line: string): number => lines.push(line);
  const code = await newKernelCommand(args, { output: { print: add, log: add } });
  return { code, lines: lines.join("\n") };
}

async function deno(args: string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("a new kernel of one's own passes its test, and is formatted", async () => {
  await inTemporary(async (folder) => {
    const library = new URL("mod.ts", root).href;
    for (const name of ["ab", "abcdefgh_ijklmnop_qrstuv"]) {
      const { code, lines } = await command(name, "--folder", folder, "--library", library);
      assertEquals(code, 0, lines);
    }
    // The address of the library here is longer than a package's name.
    const strings = `${folder}/ab.ts`;
    const text = await Deno.readTextFile(strings);
    await Deno.writeTextFile(strings, text.replaceAll(library, "@mutasesumele/toolkit"));
    const { pathname } = new URL("deno.json", root);
    const formatted = await deno(["fmt", "--check", "--config", pathname, strings]);
    assertEquals(formatted.code, 0, formatted.output);
    const tests = [`${folder}/abcdefgh_ijklmnop_qrstuv_test.ts`];
    const filter = withoutWebgpu ? ["--filter", "laws"] : [];
    const tested = await deno([
      ...["test", "--no-check", "--allow-read", "--config", pathname, ...filter, ...tests],
    ]);
    assertEquals(tested.code, 0, tested.output);
    assertStringIncludes(tested.output, withoutWebgpu ? "1 passed" : "2 passed");
  });
});

Deno.test("a new kernel of the library keeps all laws that every primitive is tested by", async () => {
  await inTemporary(async (folder) => {
    const copy = new URL(`file://${folder}/`);
    for (const part of ["kernels", "src", "tests/cases"]) {
      await Deno.mkdir(new URL(part, copy), { recursive: true });
      await copyFolder(new URL(`${part}/`, root), new URL(`${part}/`, copy));
    }
    const lines: string[] = [];
    const output = {
      print: (line: string) => lines.push(line),
      log: (line: string) => lines.push(line),
    };
    const kernels = new URL("kernels/", copy);
    assertEquals(await newKernelCommand(["half_square"], { output, kernels }), 0, lines.join("\n"));
    const { faults } = await checkKernels(kernels);
    assertEquals(faults, []);
    const { primitiveCases } = await import(
      new URL("tests/cases/primitives.ts", copy).href
    ) as typeof import("../cases/primitives.ts");
    const cases = primitiveCases.filter(({ primitive }) => primitive === "half_square");
    assertEquals(cases.length, 3);
    const ops = await import(new URL("src/ops/mod.ts", copy).href);
    assertEquals(ops.halfSquareP.name, "half_square");
    const laws = await import(
      new URL("tests/cases/laws.ts", copy).href
    ) as typeof import("../cases/laws.ts");
    for (const entry of cases) {
      const subject = laws.subjectOf(entry);
      for (const one of [subject, laws.gradientOf(subject)]) {
        laws.assertForward(one);
        laws.assertAdjoint(one);
      }
    }
    if (!withoutWebgpu) {
      const device = await import(
        new URL("tests/cases/device.ts", copy).href
      ) as typeof import("../cases/device.ts");
      const { WebGpuBackend } = await import(
        new URL("src/engine/webgpu_backend.ts", copy).href
      ) as typeof import("../../src/engine/webgpu_backend.ts");
      const backend = await WebGpuBackend.open();
      for (const entry of cases) {
        const subject = laws.subjectOf(entry);
        device.assertAgrees(entry.name, await device.runOn(backend, subject), {
          want: device.referenceOf(subject),
          tolerance: 1e-6,
        });
      }
      backend.close();
    }
    const again = await newKernelCommand(["half_square"], { output, kernels });
    assertEquals(again, 1);
    assertStringIncludes(lines.join("\n"), "half_square.wgsl is there already");
  });
});

async function copyFolder(from: URL, to: URL): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) {
      await Deno.mkdir(new URL(`${name}/`, to), { recursive: true });
      await copyFolder(new URL(`${name}/`, from), new URL(`${name}/`, to));
    } else await Deno.copyFile(new URL(name, from), new URL(name, to));
  }
}

/** What is refused, and what is said of it. */
const refused: readonly (readonly [args: readonly string[], code: number, says: string])[] = [
  [[], 2, "Found no name, expected one in snake_case"],
  [["SoftThreshold"], 2, 'Found "SoftThreshold"'],
  [["a", "b"], 2, 'Found "a b"'],
  [["../evil"], 2, 'Found "../evil"'],
  [["a".repeat(25)], 2, "Found a name of 25 letters"],
  [["conv2d"], 1, "this library has one of that name"],
];

for (const [args, code, says] of refused) {
  Deno.test(`new-kernel refuses ${args.join(" ") || "no name"}`, async () => {
    const found = await command(...args);
    assertEquals(found.code, code);
    assertStringIncludes(found.lines, says);
  });
}
