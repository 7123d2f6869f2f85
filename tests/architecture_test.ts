/**
 * Holds the layers of the source tree: who may import whom, who may touch Deno and the GPU, and how long a
 * file may be.
 */
import { assert, assertEquals } from "@std/assert";

/** What a folder may import. */
interface Layer {
  /** Other folders of `src`, or `kernels`. `ir`, the vocabulary of all programs, comes with any of them. */
  readonly folders: readonly string[];
  /** Folders of which it may import types only. */
  readonly types?: readonly string[];
  /** Prefixes of packages. */
  readonly packages?: readonly string[];
  /** `true` outside the core: may use `Deno`. */
  readonly deno?: boolean;
}

const core = ["tree", "ops", "transform", "tensor", "random", "nn", "loss", "optim"];

const layers: Readonly<Record<string, Layer>> = {
  tree: { folders: [] },
  text: { folders: [] },
  ir: { folders: ["tree"] },
  ops: { folders: ["ir", "kernels"] },
  transform: { folders: ["ir", "ops", "tree"] },
  adapter: { folders: ["ir"] },
  gpu: { folders: ["kernels", "adapter"], types: ["ir"], packages: ["@webgpu/types"] },
  compile: { folders: ["ir", "kernels", "gpu"] },
  tensor: { folders: ["ir", "ops", "tree"] },
  random: { folders: ["ir", "tensor", "ops"] },
  nn: { folders: ["ir", "tensor", "random", "tree"] },
  loss: { folders: ["ir", "tensor", "random", "tree"] },
  optim: { folders: ["ir", "tensor", "random", "tree"] },
  tfjs: { folders: ["ir", "ops", "gpu"], packages: ["@tensorflow/"], deno: true },
  data: { folders: ["ir", "random", "tensor"], packages: [""], deno: true },
  pretext: { folders: ["ir", "nn", "loss", "data", "random", "tensor", "transform"] },
  multitask: { folders: ["ir", "tensor", "transform", "optim", "random", "tree"] },
  meta: {
    folders: ["ir", "ops", "transform", "optim", "loss", "multitask", "tensor", "random", "tree"],
  },
  engine: {
    folders: ["ir", "ops", "transform", "adapter", "gpu", "compile", "tree", "tensor"],
  },
  interop: {
    folders: ["ir", "engine", "tfjs", "tensor", "random", "nn"],
    packages: ["@tensorflow/"],
  },
  kernel: { folders: ["ir", "ops", "transform", "gpu", "engine"] },
  profile: { folders: ["ir", "ops", "adapter", "gpu", "compile", "engine", "predict"] },
  machine: {
    folders: ["ir", "ops", "adapter", "gpu", "profile", "data", "run"],
    packages: ["node:crypto"],
    deno: true,
  },
  doctor: {
    folders: ["ir", "ops", "transform", "gpu", "engine", "interop", "text", "machine"],
    deno: true,
  },
  predict: { folders: ["ir", "adapter", "gpu", "compile", "engine"] },
  run: {
    folders: ["ir", "engine", "tree", "text"],
    packages: ["@std/", "node:crypto"],
    deno: true,
  },
  train: {
    folders: ["ir", ...core, "data", "pretext", "multitask", "meta", "engine", "text", "run"],
    deno: true,
  },
  components: {
    folders: ["ir", "nn", "data", "pretext", "multitask", "optim", "train", "transform", "tree"],
    packages: ["zod"],
    deno: true,
  },
  study: {
    folders: [
      ...["ir", ...core, "data", "pretext", "meta", "engine", "interop", "text"],
      ...["run", "train", "components", "report", "experiment", "machine", "gpu", "predict"],
    ],
    packages: ["@std/", "zod"],
    deno: true,
  },
  workbench: {
    folders: [
      ...["ir", "ops", "kernels", "gpu", "engine", "profile", "tree", "tensor", "transform", "nn"],
      ...["adapter", "machine", "predict"],
      ...["components", "text", "experiment", "study"],
    ],
    deno: true,
  },
  watch: {
    folders: ["run", "experiment", "study", "report", "text"],
    packages: ["@std/", "node:module"],
    deno: true,
  },
  notebook: {
    folders: ["ir", "transform", "profile", "run", "study", "report", "experiment"],
  },
  report: { folders: ["ir", "text"], packages: ["fast-png", "vega", "vega-lite"], deno: true },
  experiment: {
    folders: [
      ...["run", "train", "report", "engine", "text", "data", "adapter", "gpu", "machine", "ir"],
    ],
    packages: ["@std/", "yaml", "zod", "node:crypto"],
    deno: true,
  },
};

const mostLines = 400;

/** What the package exports: files of the repository. */
const entries: readonly string[] = Object.values(
  JSON.parse(Deno.readTextFileSync(new URL("../deno.json", import.meta.url))).exports as Record<
    string,
    string
  >,
).map((path) => path.replace("./", ""));

/** One import, export-from or `import()` of a source. */
interface Import {
  /** What is imported, as written; `undefined` for an expression. */
  readonly specifier: string | undefined;
  /** `true` if nothing is left of it at run time. */
  readonly typeOnly: boolean;
}

/** Takes comments, regular expressions and the content of texts out of a TypeScript source. */
function scan(source: string): { code: string; texts: string[] } {
  const texts: string[] = [];
  let code = "";
  /** Depth of braces at which each open `${` of a template ends. */
  const templates: number[] = [];
  let depth = 0;
  let i = 0;
  /** Moves past the next match of `end`, escapes skipped, and returns what stood before it. */
  const skip = (end: RegExp): string => {
    const from = i;
    const escapeOrEnd = new RegExp(`\\\\[^]|${end.source}`, "g");
    escapeOrEnd.lastIndex = from;
    for (let found = escapeOrEnd.exec(source); found; found = escapeOrEnd.exec(source)) {
      if (found[0].startsWith("\\")) continue;
      i = escapeOrEnd.lastIndex;
      return source.slice(from, found.index);
    }
    throw new Error(`Cannot scan: expected ${end} after ${source.slice(from - 40, from + 40)}.`);
  };
  while (i < source.length) {
    const char = source[i]!;
    const pair = source.slice(i, i + 2);
    i++;
    if (pair === "//") {
      while (i < source.length && source[i] !== "\n") i++;
    } else if (pair === "/*") {
      i = source.indexOf("*/", i + 1) + 2;
      if (i < 2) throw new Error("Cannot scan: a comment does not end.");
      code += " ";
    } else if (char === '"' || char === "'") {
      code += `"${texts.length}"`;
      texts.push(skip(char === '"' ? /"/ : /'/));
    } else if (char === "`" || (char === "}" && templates.at(-1) === depth)) {
      if (char === "}") templates.pop();
      skip(/`|\$\{/);
      code += char;
      if (source[i - 1] === "{") templates.push(depth);
      code += source[i - 1] === "{" ? "${" : "`";
    } else if (char === "/" && startsRegExp(code)) {
      skip(/\[(?:\\[^]|[^\]\\])*\]|\//);
      while (source[i - 1] === "]") skip(/\[(?:\\[^]|[^\]\\])*\]|\//);
      code += "/./";
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      code += char;
    }
  }
  return { code, texts };
}

/** Tells a regular expression from a division by what stands before the slash. */
function startsRegExp(before: string): boolean {
  const trimmed = before.trimEnd();
  return trimmed === "" || /[(,=:[&|?{};+\-*%~^<>]$|(^|[^\w\])])!$/.test(trimmed) ||
    /(^|\W)(return|typeof|case|in|of|void|throw|await|yield)$/.test(trimmed);
}

/** Finds every import of a source. */
function importsOf({ code, texts }: { code: string; texts: string[] }): Import[] {
  const imports: Import[] = [];
  const statement = /\b(?:import|export)\s+(type\s+)?(?:([\w$*\s{},]*?)\bfrom\s*)?"(\d+)"/g;
  for (const [, type, names = "", text] of code.matchAll(statement)) {
    const list = names.trim().match(/^\{(.*)\}$/s)?.[1]?.split(",").filter((name) => name.trim());
    const typeOnly = type !== undefined ||
      (list !== undefined && list.every((name) => /^\s*type\s/.test(name)));
    imports.push({ specifier: texts[Number(text)], typeOnly });
  }
  for (const [, text] of code.matchAll(/\bimport\s*\(\s*(?:"(\d+)")?/g)) {
    imports.push({ specifier: text && texts[Number(text)], typeOnly: false });
  }
  return imports;
}

/** Folder of `src` (or `kernels`, `experiments`, ...) that a path of the repository is in. */
function layerOf(path: string): string {
  const [top, second] = path.split("/");
  return top === "src" ? second! : top!;
}

/** The files that hide what they import: a package that a program may never need, and a module of its user. */
const LATE: readonly string[] = ["src/tfjs/open_late_tfjs.ts", "src/study/show/main.ts"];

/** Embedded kernels: of `kernels`, and of each folder in it. */
const EMBEDDED = /^kernels\/(\w+\/)?mod\.ts$/;

/** Says what is wrong with one import of a file. */
function importFault(path: string, { specifier, typeOnly }: Import): string | undefined {
  const layer = layerOf(path);
  if (specifier === undefined) {
    return path.startsWith("src/") && !LATE.includes(path)
      ? "imports an expression, which nothing can check"
      : undefined;
  }
  const relative = specifier.startsWith(".");
  const target = relative ? new URL(specifier, `file:///${path}`).pathname.slice(1) : specifier;
  if (layer === "experiments") {
    const open = [...entries, "zod"];
    return open.includes(target) ? undefined : `imports ${target}, no entry of the package`;
  }
  if (layer === "kernels") {
    if (EMBEDDED.test(path)) return `imports ${target}, but kernels import nothing`;
    return relative && layerOf(target) !== "kernels" ? `imports ${target}` : undefined;
  }
  const allowed = layers[layer];
  if (!allowed) return `is in a folder without a row in the table of layers`;
  if (!relative) {
    const found = allowed.packages?.some((prefix) =>
      prefix === "" || prefix.endsWith("/") ? specifier.startsWith(prefix) : specifier === prefix
    );
    return found ? undefined : `imports the package ${specifier}`;
  }
  const below = layerOf(target);
  if (below === layer || allowed.folders.includes(below)) return undefined;
  if (typeOnly && allowed.types?.includes(below)) return undefined;
  return `imports ${target}, but ${layer} may import ${allowed.folders.join(", ") || "nothing"}`;
}

/** Says everything that is wrong with a file of the repository. */
function faultsOf(path: string, source: string): string[] {
  const scanned = scan(source);
  const faults = importsOf(scanned).map((found) => importFault(path, found));
  const layer = layerOf(path);
  const inSource = path.startsWith("src/");
  if (inSource && !layers[layer]?.deno && /\bDeno\b/.test(scanned.code)) faults.push("uses Deno");
  if (layer !== "gpu" && /\bnavigator\s*(\??\.\s*gpu\b|(\?\.)?\s*\[)/.test(scanned.code)) {
    faults.push("uses navigator.gpu");
  }
  const lines = source.trimEnd().split("\n").length;
  if (lines > mostLines && !EMBEDDED.test(path)) faults.push(`has ${lines} lines`);
  return faults.filter((fault) => fault !== undefined).map((fault) => `${path} ${fault}`);
}

const root = new URL("../", import.meta.url);

/** Paths of all source files below a folder, relative to the repository. */
async function* sourceFiles(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, root))) {
    if (isDirectory) yield* sourceFiles(`${folder}/${name}`);
    else if (/\.(ts|wgsl)$/.test(name)) yield `${folder}/${name}`;
  }
}

Deno.test("every source file keeps to its layer, its globals and its length", async () => {
  const faults: string[] = [];
  let count = 0;
  for (const folder of ["src", "kernels", "experiments"]) {
    for await (const path of sourceFiles(folder)) {
      const source = await Deno.readTextFile(new URL(path, root));
      count++;
      if (path.endsWith(".ts")) faults.push(...faultsOf(path, source));
      else if (source.split("\n").length > mostLines) faults.push(`${path} is too long`);
    }
  }
  assert(count > 50, `found only ${count} files`);
  assertEquals(faults.sort(), []);
});

Deno.test("the table of layers has no cycle and no unknown folder", () => {
  const visit = (name: string, above: readonly string[]) => {
    assert(!above.includes(name), `cycle: ${[...above, name].join(" -> ")}`);
    if (name === "kernels") return;
    const layer = layers[name];
    assert(layer, `no row for ${name}`);
    for (const below of [...layer.folders, ...layer.types ?? []]) visit(below, [...above, name]);
  };
  for (const name of Object.keys(layers)) visit(name, []);
});

Deno.test("the check finds every kind of import in the wrong direction", () => {
  const cases: [string, string, string | undefined][] = [
    [
      "src/tree/a.ts",
      'import { x } from "../ir/x.ts";',
      "imports src/ir/x.ts, but tree may import nothing",
    ],
    ["src/meta/a.ts", 'import {\n  x,\n  type Y,\n} from "../nn/mod.ts";', "imports src/nn/mod.ts"],
    ["src/meta/a.ts", 'export * from "../data/mod.ts";', "imports src/data/mod.ts"],
    ["src/meta/a.ts", 'import "../gpu/mod.ts"', "imports src/gpu/mod.ts"],
    ["src/ops/a.ts", "const x = await import('../compile/x.ts');", "imports src/compile/x.ts"],
    ["src/ops/a.ts", "type X = import('../compile/x.ts').X;", "imports src/compile/x.ts"],
    ["src/ops/a.ts", "const x = await import(name);", "imports an expression"],
    ["src/ops/a.ts", 'export type { X } from "../tree/x.ts";', "imports src/tree/x.ts"],
    ["src/pretext/deep/a.ts", 'import { x } from "../../gpu/x.ts";', "imports src/gpu/x.ts"],
    ["src/pretext/deep/a.ts", 'import { x } from "../../nn/x.ts";', undefined],
    ["src/nn/a.ts", 'import * as z from "zod";', "imports the package zod"],
    ["src/report/a.ts", 'const v = import("vega");', undefined],
    ["src/report/a.ts", 'const v = import("vega-loader");', "imports the package vega-loader"],
    ["src/report/a.ts", 'import { x } from "../gpu/x.ts";', "imports src/gpu/x.ts"],
    ["src/gpu/a.ts", 'import type { X } from "../ir/x.ts";', undefined],
    ["src/gpu/a.ts", 'import { type X, type Y } from "../ir/x.ts";', undefined],
    ["src/gpu/a.ts", 'import { type X, y } from "../ir/x.ts";', "imports src/ir/x.ts"],
    ["src/data/a.ts", 'import { x } from "../engine/x.ts";', "imports src/engine/x.ts"],
    ["src/train/a.ts", 'import { x } from "../engine/x.ts";', undefined],
    ["src/other/a.ts", 'import { x } from "./x.ts";', "is in a folder without a row"],
    ["kernels/mod.ts", 'import { x } from "./x.ts";', "kernels import nothing"],
    ["kernels/processors/mod.ts", 'import { x } from "../mod.ts";', "kernels import nothing"],
    ["experiments/a.ts", 'import { x } from "../src/nn/x.ts";', "imports src/nn/x.ts, no entry"],
    ["experiments/a.ts", 'import { x } from "../mod.ts";\nimport { z } from "zod";', undefined],
    ["experiments/a.ts", 'import { x } from "../src/experiment/mod.ts";', undefined],
    ["src/engine/a.ts", 'import { x } from "../tfjs/mod.ts";', "imports src/tfjs/mod.ts"],
  ];
  for (const [path, source, fault] of cases) {
    const found = faultsOf(path, source);
    assertEquals(found.length, fault === undefined ? 0 : 1, `${path}: ${source}: ${found}`);
    if (fault !== undefined) assert(found[0]!.includes(fault), found[0]);
  }
});

Deno.test("the check finds Deno, navigator.gpu and long files, but not in comments and texts", () => {
  const faulty: [string, string, string][] = [
    ["src/nn/a.ts", "const x = Deno.cwd();", "uses Deno"],
    ["src/nn/a.ts", "const x = `${`}` + Deno.cwd()}`;", "uses Deno"],
    ["src/nn/a.ts", "const x = a / b; Deno.cwd(); c / d;", "uses Deno"],
    ["src/nn/a.ts", 'const x = /"/; Deno.cwd(); /"/;', "uses Deno"],
    ["src/nn/a.ts", "const x = a[0]! / b; Deno.cwd(); c / d;", "uses Deno"],
    ["src/nn/a.ts", "// a \\\nDeno.cwd();", "uses Deno"],
    ["src/nn/a.ts", "const { cwd } = globalThis.Deno;", "uses Deno"],
    ["src/data/a.ts", "await navigator.gpu.requestAdapter();", "uses navigator.gpu"],
    ["src/compile/a.ts", "globalThis.navigator?.gpu", "uses navigator.gpu"],
    ["src/compile/a.ts", 'navigator["gpu"]', "uses navigator.gpu"],
    ["src/nn/a.ts", "x;\n".repeat(401), "has 401 lines"],
  ];
  for (const [path, source, fault] of faulty) {
    assertEquals(faultsOf(path, source), [`${path} ${fault}`], source);
  }
  const fine: [string, string][] = [
    ["src/nn/a.ts", '// Deno.cwd()\n/* navigator.gpu */ const x = "Deno"; const y = `Deno`;'],
    [
      "src/nn/a.ts",
      "/**\n * ```ts\n * import { x } from '../gpu/x.ts';\n * ```\n */\nconst x = 1;",
    ],
    ["src/nn/a.ts", 'const text = "import { x } from \\"../gpu/x.ts\\"";'],
    ["src/nn/a.ts", "const x = `${a}Deno`; const y = '\\'Deno'; const z = !/[/]\\/Deno/.test(x);"],
    ["src/nn/a.ts", 'export const from = 1;\nconst y = ["../gpu/x.ts"];'],
    ["src/gpu/a.ts", "await navigator.gpu.requestAdapter();"],
    ["src/data/a.ts", "Deno.cwd(); navigator.hardwareConcurrency;"],
    ["src/nn/a.ts", "x;\n".repeat(400)],
    ["kernels/mod.ts", "x;\n".repeat(4000)],
    ["kernels/processors/mod.ts", "x;\n".repeat(4000)],
  ];
  for (const [path, source] of fine) assertEquals(faultsOf(path, source), [], source);
});

Deno.test("the check reads every import that Deno's own parser reads", async () => {
  // The entry points of three folders, compared with `deno info`.
  for (const path of ["src/train/mod.ts", "src/report/mod.ts", "src/experiment/mod.ts"]) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", decodeURIComponent(new URL(path, root).pathname)],
      cwd: root,
      stderr: "null",
    }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
      modules: { specifier: string; error?: string; dependencies?: { specifier: string }[] }[];
    };
    const local = modules.filter(({ specifier, error }) =>
      error === undefined && specifier.startsWith(`${root}src/`)
    );
    assert(local.length > 5, `${path}: ${local.length} modules`);
    for (const { specifier, dependencies = [] } of local) {
      const source = await Deno.readTextFile(new URL(specifier));
      const found = importsOf(scan(source)).map((item) => item.specifier).filter(Boolean);
      const expected = dependencies.map((item) => item.specifier);
      assertEquals([...new Set(found)].sort(), [...new Set(expected)].sort(), specifier);
    }
  }
});
