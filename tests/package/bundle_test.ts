/** The light entry elsewhere: bundled for browsers it is small, and it runs in Node and Bun. */
import { assert, assertEquals } from "@std/assert";
import * as graphics from "../../kernels/graphics/mod.ts";
import * as always from "../../kernels/mod.ts";
import { allKernelSets } from "../../src/ops/variants/kernel_sets.ts";
import { KERNELS } from "../kernels/all_kernels.ts";

const root = new URL("../../", import.meta.url);
const decoder = new TextDecoder();

/** A step of MAML on the best engine there is, with a model in between. */
const step = ({ names, model }: { readonly names: string; readonly model: string }): string => `
import { hostArray, keyWords, maml, openEngine, sgd, type Tensor, ${names} } from "@mutasesumele/toolkit";
${model}
const metaGradient = maml({ inner: loss, outer: loss }, {
  innerSteps: 2,
  optimizer: sgd(),
  innerRate: 0.1,
});
const engine = await openEngine("auto");
const initialize = engine.jit((key: Tensor) => init(key));
const step = engine.jit((params: Params, support: Batch, query: Batch, key: Tensor) => {
  const meta = { params, shared: {}, rates: {} };
  const { loss, grads } = metaGradient(meta, { support, query, constants: {} }, key);
  return { loss, grads: grads.params };
});
const wave = (count: number) => Float32Array.from({ length: count }, (_, k) => Math.sin(k));
const key = hostArray(keyWords(0), [2], "u32");
const result = await step(await initialize(key), task, task, key);
console.log((await engine.read(result.loss)).data[0], engine.info.name);
engine.close();
`;

const perceptron = step({
  names: "add, matmul, meanSquaredError, normal, tanh",
  model: `
interface Params { readonly w: Tensor; readonly v: Tensor }
interface Batch { readonly x: Tensor; readonly y: Tensor }
const init = (key: Tensor): Params => ({ w: normal(key, [1, 8]), v: normal(key, [8, 1]) });
const loss = ({ w, v }: Params, _: object, { x, y }: Batch): Tensor =>
  meanSquaredError(matmul(tanh(matmul(x, w)), v), y);
const task = { x: hostArray([[[1], [2]]]), y: hostArray([[[3], [4]]]) };
`,
});

const convolutions = step({
  names: "conv4, type Params, softmaxCrossEntropy",
  model: `
interface Batch { readonly images: Tensor; readonly labels: Tensor }
const model = conv4({ ways: 5, channels: 8, imageSize: 16, imageChannels: 1 });
const init = (key: Tensor): Params => model.init(key).params;
const loss = (params: Params, _: object, { images, labels }: Batch): Tensor =>
  softmaxCrossEntropy(model.apply(params, {}, images, { training: true }).output, labels);
const pixels = Float32Array.from({ length: 5 * 256 }, (_, k) => Math.sin(k));
const task = {
  images: hostArray(pixels, [1, 5, 16, 16, 1]),
  labels: hostArray([[0, 1, 2, 3, 4]], [1, 5], "i32"),
};
`,
});

/** Runs a command; its standard output. */
async function run(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout);
}

/** Bundles a program for browsers, and does something with the folder of what comes out. */
async function withParts(
  source: string,
  how: readonly string[],
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, source);
    await run(Deno.execPath(), [
      ...["bundle", "--config", "deno.json", "--quiet", "--platform", "browser", "--minify"],
      ...[...how, "--outdir", `${folder}/out`, `${folder}/main.ts`],
    ]);
    await use(`${folder}/out`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Bundles a program for browsers into one file, and does something with it. */
async function withBundle(source: string, use: (path: string) => Promise<void>): Promise<void> {
  await withParts(source, [], async (folder) => {
    // Node takes a file of this name for a module.
    await Deno.rename(`${folder}/main.js`, `${folder}/main.mjs`);
    await use(`${folder}/main.mjs`);
  });
}

async function zippedSize(path: string): Promise<number> {
  using file = await Deno.open(path);
  const zipped = file.readable.pipeThrough(new CompressionStream("gzip"));
  return (await new Response(zipped).bytes()).length;
}

/** What a page imports while it runs, though not on a GPU whose memory is large enough: modules by name. */
const RARE: readonly string[] = [
  ...(await allKernelSets()).map(({ name }) => name).filter((name) => name !== "graphics"),
  ...["compile_ahead", "split_to_fit"],
];

/** The files of a bundle by name. */
async function filesOf(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    files.set(name, await Deno.readTextFile(`${folder}/${name}`));
  }
  return files;
}

/** Names of what a page has loaded: before its program begins, or by the end of its first step on a GPU. */
function loaded(files: ReadonlyMap<string, string>, when: "begin" | "step"): Set<string> {
  const names = new Set(["main.js"]);
  for (const name of names) {
    const text = files.get(name)!;
    for (const [, next] of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) names.add(next!);
    if (when === "begin") continue;
    for (const [, next] of text.matchAll(/import\("\.\/([^"]+)"\)/g)) {
      if (!RARE.includes(next!.replace(/-\w+\.js$/, ""))) names.add(next!);
    }
  }
  return names;
}

/** Kernels that a page on a GPU may load. */
const USUAL = { ...always, ...graphics };

/** The longest lines of each kernel that no GPU runs by a rule, of those that no other has. */
function rareLines(): string[] {
  const others = Object.values(USUAL).join("\n");
  return Object.entries(KERNELS).filter(([name]) => !(name in USUAL)).flatMap(([, text]) =>
    text.split("\n").filter((line) => !others.includes(line))
      .sort((a, b) => b.length - a.length).slice(0, 3)
  );
}

for (
  const { name, source, begin, step } of [
    { name: "an own model", source: perceptron, begin: 40_750, step: 70_250 },
    // Convolutions bring kernels of their own.
    { name: "Conv4", source: convolutions, begin: 52_450, step: 81_950 },
  ]
) {
  Deno.test(`a MAML step of ${name} loads less than ${step / 1000} KB, zipped`, async () => {
    await withParts(source, ["--code-splitting"], async (folder) => {
      const files = await filesOf(folder);
      const sizeOf = async (names: Set<string>): Promise<number> => {
        const sizes = await Promise.all([...names].map((name) => zippedSize(`${folder}/${name}`)));
        return sizes.reduce((a, b) => a + b, 0);
      };
      const [first, all] = [loaded(files, "begin"), loaded(files, "step")];
      const [early, late] = [await sizeOf(first), await sizeOf(all)];
      console.log(`${name}: ${early} bytes before it begins, ${late} after a step on a GPU`);
      assert(early < begin, `${early} bytes before it begins`);
      assert(late < step, `${late} bytes after a step`);
      const texts = (names: Iterable<string>): string =>
        [...names].map((name) => files.get(name)!).join("\n");
      // The compiler is in what WebGPU needs.
      const compiler = /createComputePipelineAsync/;
      assert(!compiler.test(texts(first)) && compiler.test(texts(all)));
      // What only software adapters run, or none by a rule, is in files that no GPU loads.
      const page = texts(all);
      const rest = texts([...files.keys()].filter((name) => !all.has(name)));
      const lines = rareLines();
      assert(lines.length >= 18, `${lines.length} lines`);
      assertEquals(lines.filter((line) => page.includes(line)), []);
      assertEquals(lines.filter((line) => !rest.includes(line)), []);
      for (const text of files.values()) {
        // Nothing that a page would have to find elsewhere.
        assertEquals(text.match(/(?:from|import)\s*\(?"(?!\.\/)[^"]+"/g), null);
        assert(!/\bDeno\b\./.test(text), "it uses Deno");
      }
    });
  });
}

Deno.test("primitives are marked so that a bundle without them leaves them out", async () => {
  const faults: string[] = [];
  for await (const { name, isFile } of Deno.readDir(new URL("src/ops/", root))) {
    if (!isFile) continue;
    const source = await Deno.readTextFile(new URL(`src/ops/${name}`, root));
    const bare = source.match(/^export const \w+P:.*=\s*(?!\s*\/\* @__PURE__)[a-z]\w*[<(]/gm) ?? [];
    faults.push(...bare.map((line) => `${name}: ${line}`));
  }
  assertEquals(faults, []);
});

/** Whether a command is there. */
async function exists(command: string): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

for (
  const [runtime, command] of [["Node", "node"], ["Bun", Deno.env.get("BUN") ?? "bun"]] as const
) {
  const ignore = !await exists(command);
  if (ignore) console.error(`the test on ${runtime} is ignored: there is no command ${command}`);
  Deno.test({
    name: `the light entry runs in ${runtime}, on the reference engine`,
    ignore,
    fn: () =>
      withBundle(perceptron.replace('"auto"', '"reference"'), async (path) => {
        const here = await run(Deno.execPath(), ["run", "--no-prompt", "--no-config", path]);
        assertEquals(await run(command, [path]), here);
        assert(here.endsWith("reference\n") && Number.parseFloat(here) > 0, here);
      }),
  });
  Deno.test({
    name: `in ${runtime}, which has no WebGPU, the engine is the reference, and says why`,
    ignore,
    fn: () =>
      withParts(
        perceptron.replace("engine.info.name", "engine.reason"),
        ["--code-splitting"],
        async (folder) => {
          await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "module" }');
          // What only WebGPU needs is not even looked for.
          const [gpu, ...others] = [...Deno.readDirSync(folder)].map((file) => file.name)
            .filter((name) => name.startsWith("webgpu_backend-"));
          assertEquals(others, []);
          await Deno.remove(`${folder}/${gpu}`);
          const out = await run(command, [`${folder}/main.js`]);
          assert(out.includes("found a runtime without navigator.gpu"), out);
        },
      ),
  });
}
