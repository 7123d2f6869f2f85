/**
 * The examples of the documentation, run as they stand.
 *
 * `deno test --doc` gives every example a realm of its own and loads the whole package into it again,
 * which takes twenty times as long as the examples do. Here those of a group share one, as modules of
 * their own; their types are checked by `deno check --doc`, a part of `deno task static`.
 *
 * @module
 */

/** A fenced block of TypeScript in a file. */
export interface Example {
  /** The file, relative to the repository. */
  readonly path: string;
  /** Line of its opening fence, from 1. */
  readonly line: number;
  /** What is between the fences, without the margin of a comment. */
  readonly code: string;
}

/** Examples that share a realm. Those of packages with global registries see no others. */
export type Group = "packages" | "core" | "programs";

const root = new URL("../../", import.meta.url);
/** Where examples are, as `deno task static` checks their types. */
const PLACES = ["README.md", "mod.ts", "src", "examples"];
/** Languages of blocks that are for people. */
const SHOWN = ["", "sh", "python", "yaml"];
const PROGRAMS = /^(README\.md|examples|src\/(data|doctor|experiment|report|run|study|train)\/)/;

/**
 * Finds the examples of a text.
 *
 * @param path Its file; the documentation comments of one in TypeScript are read, all of other files.
 * @param text What stands in it.
 * @throws {Error} If a block has no end, or a language or an attribute that is neither run nor shown.
 */
export function examplesOf(path: string, text: string): Example[] {
  const found: Example[] = [];
  let [comment, open] = [
    !path.endsWith(".ts"),
    undefined as { line: number; run: boolean } | undefined,
  ];
  let code: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = path.endsWith(".ts") ? raw.replace(/^\s*\* ?/, "") : raw;
    if (path.endsWith(".ts")) {
      comment = comment ? !/^\s*\*\//.test(raw) : /^\s*\/\*\*\s*$/.test(raw);
    }
    const fence = comment ? /^\s*```(.*)$/.exec(line)?.[1]?.trim() : undefined;
    if (open === undefined && fence !== undefined) {
      if (fence !== "ts" && !SHOWN.includes(fence)) {
        throw new Error(
          `Cannot read an example at ${path}:${
            index + 1
          }: found a block of "${fence}", expected "ts" ` +
            `to run it, or one of ${SHOWN.map((name) => `"${name}"`).join(", ")} to show it`,
        );
      }
      open = { line: index + 1, run: fence === "ts" };
      code = [];
    } else if (open !== undefined && fence === "") {
      if (open.run) found.push({ path, line: open.line, code: code.join("\n") });
      open = undefined;
    } else if (open !== undefined && !comment) {
      break;
    } else {
      code.push(line);
    }
  }
  if (open !== undefined) {
    throw new Error(`Cannot read an example at ${path}:${open.line}: found no end of its block`);
  }
  return found;
}

/** The examples of the whole repository. */
export async function allExamples(): Promise<Example[]> {
  const found: Example[] = [];
  const visit = async (path: string): Promise<void> => {
    const url = new URL(path, root);
    if ((await Deno.stat(url)).isDirectory) {
      const names = (await Array.fromAsync(Deno.readDir(url))).map(({ name }) => name).sort();
      for (const name of names) await visit(`${path}/${name}`);
    } else if (/\.(ts|md)$/.test(path)) {
      found.push(...examplesOf(path, await Deno.readTextFile(url)));
    }
  };
  for (const place of PLACES) await visit(place);
  return found;
}

/** The group of an example. */
export function groupOf({ path, code }: Example): Group {
  if (/from "(@mutasesumele\/toolkit\/tfjs|@tensorflow\/|npm:)|import\("/.test(code)) {
    return "packages";
  }
  return PROGRAMS.test(path) ? "programs" : "core";
}

/** Runs an example; the lines of its errors are those of its file. */
export async function runExample({ line, code }: Example): Promise<void> {
  const source = "\n".repeat(line) + code;
  const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
  try {
    await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Makes every example of a group a test. */
export async function testExamples(group: Group): Promise<void> {
  for (const example of await allExamples()) {
    if (groupOf(example) !== group) continue;
    Deno.test(`${example.path}:${example.line}`, () => runExample(example));
  }
}
