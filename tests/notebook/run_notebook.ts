/**
 * Runs a notebook's cells as Deno's kernel does: in order, in one scope, the last expression of each shown.
 *
 * @module
 */

/** What a cell shows, by type. */
export type Bundle = Readonly<Record<string, string>>;

interface Notebook {
  readonly cells: readonly { readonly cell_type: string; readonly source: readonly string[] }[];
}

/** What begins a statement that is no expression. */
const STATEMENT =
  /^(import|export|const|let|var|type|interface|function|async function|class|for|while|if|using|await using|try|switch)\b/;

/**
 * Runs a notebook.
 *
 * @param path The file.
 * @returns What each cell of code shows; `undefined` for those that end without an expression.
 */
export async function runNotebook(path: URL): Promise<(Bundle | undefined)[]> {
  const { cells } = JSON.parse(await Deno.readTextFile(path)) as Notebook;
  const sources = cells.filter(({ cell_type }) => cell_type === "code")
    .map(({ source }) => withLastShown(source.join("")));
  const file = new URL(`./${crypto.randomUUID()}.ts`, path);
  await Deno.writeTextFile(file, `export const shown = [];\n${sources.join("\n")}`);
  try {
    const { shown } = await import(file.href) as { shown: unknown[] };
    return await Promise.all(shown.map(formsOf));
  } finally {
    await Deno.remove(file);
  }
}

/** What the kernel asks of a value. */
async function formsOf(value: unknown): Promise<Bundle | undefined> {
  if (value === undefined) return undefined;
  const display = (value as Record<symbol, () => Promise<Bundle>>)[Symbol.for("Jupyter.display")];
  return typeof display === "function"
    ? await display.call(value)
    : { "text/plain": Deno.inspect(value) };
}

/** A cell whose last statement, which begins at the margin, is kept if it is an expression. */
export function withLastShown(cell: string): string {
  const lines = cell.trimEnd().split("\n");
  const first = lines.findLastIndex((line) => /^[^\s})\]]/.test(line) && !line.startsWith("//"));
  const last = lines.slice(first).join("\n").replace(/;$/, "");
  if (STATEMENT.test(last)) return `${lines.join("\n")}\nshown.push(undefined);`;
  return `${lines.slice(0, first).join("\n")}\nshown.push(${last});`;
}
