/** The entries of the package: what each costs who imports it, and what its documentation promises. */
import { assert, assertEquals } from "@std/assert";
import { drawn } from "../again.ts";

const root = new URL("../../", import.meta.url);
const { exports: entries, tasks } = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", root)),
) as {
  readonly exports: Readonly<Record<string, string>>;
  readonly tasks: Readonly<Record<string, { readonly command: string }>>;
};

/** What each entry brings from elsewhere; an experiment is a whole program and may bring all. */
const brought: Readonly<Record<string, readonly string[]>> = {
  ".": [],
  "./data": [
    ...["@jsquash/jpeg", "fflate", "hyparquet", "hyparquet-compressors", "jpeg-js"],
    ...["node:crypto", "node:zlib"],
  ],
  "./train": ["node:crypto"],
  "./run": ["deno-std", "node:crypto"],
  "./report": [],
  "./report/charts": ["vega", "vega-lite"],
  "./report/pictures": ["fast-png"],
  "./notebook": ["fast-png", "vega", "vega-lite"],
  "./study": [],
  "./tfjs": [
    ...["@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm", "@tensorflow/tfjs-backend-webgpu"],
  ],
  "./doctor": ["node:crypto"],
};

/** Runs Deno in the tree and reads the JSON that it prints. */
async function denoJson(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A module as `deno info --json` gives it, of what is used here. */
interface Module {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
}

/**
 * Everything that a program fetches which imports an entry: files of this tree, packages and modules of Node. What
 * is imported for its types only is fetched by who checks them.
 */
async function graphOf(path: string): Promise<{ files: number; elsewhere: string[] }> {
  const { modules } = await denoJson("info", "--json", path) as { modules: Module[] };
  assertEquals(modules.filter(({ error }) => error !== undefined), []);
  const known = new Map(modules.map((module) => [module.specifier, module]));
  const files = new Set([new URL(path, root).href]);
  const elsewhere = new Set<string>();
  for (const file of files) {
    for (const { code } of known.get(file)?.dependencies ?? []) {
      if (code?.specifier === undefined) continue;
      if (code.specifier.startsWith("file:")) files.add(code.specifier);
      else elsewhere.add(code.specifier.replace(/^npm:\/?(.[^@]*)@.*/, "$1"));
    }
  }
  return { files: files.size, elsewhere: [...elsewhere].sort() };
}

Deno.test("nobody pays for a package before using it", async () => {
  for (const [entry, packages] of Object.entries(brought)) {
    const { files, elsewhere } = await graphOf(entries[entry]!);
    assert(files > 1, `${entry}: ${files} files`);
    assertEquals(elsewhere, [...packages].sort(), entry);
  }
});

Deno.test("an entry that is neither an experiment nor in the table is missed", () => {
  const others = Object.keys(entries).filter((name) => !(name in brought));
  const programs = ["./experiment", "./study/images"];
  const unknown = others.filter((name) =>
    !programs.includes(name) && !/^\.\/experiments\/[a-z-]+$/.test(name)
  );
  assertEquals(unknown, []);
});

Deno.test("the documentation of every entry is checked and shown", () => {
  const files = Object.values(entries).map((path) => path.replace("./", ""));
  for (const task of ["docs", "docs:lint"]) {
    assertEquals(tasks[task]!.command.match(/\S+\.ts/g), files, task);
  }
});

/** Documentation as `deno doc --json` gives it, of what is used here. */
interface Doc {
  readonly tags?: readonly { readonly kind: string }[];
}
interface Declaration {
  readonly kind: string;
  readonly jsDoc?: Doc;
  readonly def?: {
    readonly constructors?: readonly { readonly jsDoc?: Doc }[];
    readonly methods?: readonly { readonly jsDoc?: Doc }[];
  };
}
interface ModuleDoc {
  readonly module_doc?: Doc;
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly Declaration[];
  }[];
}

const hasExample = (doc: Doc | undefined): boolean =>
  doc?.tags?.some(({ kind }) => kind === "example") ?? false;

/** Whether a function or class has an example, or a class at one of its members. */
function isShown({ jsDoc, def }: Declaration): boolean {
  const members = [...def?.constructors ?? [], ...def?.methods ?? []];
  return hasExample(jsDoc) || members.some((member) => hasExample(member.jsDoc));
}

/** What is exported from an entry without an example. */
function withoutExample(entry: string, { module_doc, symbols }: ModuleDoc): string[] {
  const missing = symbols.filter(({ declarations }) => {
    const shown = declarations.filter(({ kind }) => kind === "function" || kind === "class");
    return shown.length > 0 && !shown.some(isShown);
  }).map(({ name }) => `${entry} ${name}`);
  return hasExample(module_doc) ? missing : [`${entry} itself`, ...missing];
}

Deno.test("every entry, and every function and class of it, has an example", async () => {
  let count = 0;
  for (const [entry, path] of drawn(Object.entries(entries))) {
    const { nodes } = await denoJson("doc", "--json", path) as {
      nodes: Readonly<Record<string, ModuleDoc>>;
    };
    const [doc, ...others] = Object.values(nodes);
    assert(doc !== undefined && others.length === 0, entry);
    count += doc.symbols.length;
    assertEquals(withoutExample(entry, doc), []);
  }
  assert(count > 500, `${count} symbols`);
  const bare = { name: "f", declarations: [{ kind: "function" }] };
  assertEquals(withoutExample("./x", { symbols: [bare] }), ["./x itself", "./x f"]);
});
