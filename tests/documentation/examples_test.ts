import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { allExamples, type Example, examplesOf, groupOf, runExample } from "./examples.ts";

const fence = "```";
const source = `/**
 * A thing.
 *
 * @example It adds
 * ${fence}ts
 * const sum: number = 1 + 1;
 *   if (sum !== 2) throw new Error("no");
 * ${fence}
 */
export const text = \`
${fence}ts
no example, but a text
${fence}\`;
  /**
   * ${fence}sh
   * deno task test
   * ${fence}
   * ${fence}ts
   * export {};
   * ${fence}
   */
`;

Deno.test("examplesOf() finds the blocks of documentation comments, with their lines", () => {
  assertEquals(examplesOf("a.ts", source), [
    {
      path: "a.ts",
      line: 5,
      code: 'const sum: number = 1 + 1;\n  if (sum !== 2) throw new Error("no");',
    },
    { path: "a.ts", line: 18, code: "export {};" },
  ]);
  const page = `# Title\n\n${fence}ts\nf();\n${fence}\n\n${fence}\ntext\n${fence}\n`;
  assertEquals(examplesOf("a.md", page), [{ path: "a.md", line: 3, code: "f();" }]);
});

Deno.test("examplesOf() misses no block silently", () => {
  for (const language of ["tsx", "js", "ts ignore", "typescript"]) {
    const text = `${fence}${language}\nf();\n${fence}\n`;
    assertThrows(() => examplesOf("a.md", text), Error, `a.md:1: found a block of "${language}"`);
  }
  assertThrows(() => examplesOf("a.md", `${fence}ts\nf();\n`), Error, "a.md:1: found no end");
  const cut = `/**\n * ${fence}ts\n * f();\n */\nf();\n`;
  assertThrows(() => examplesOf("a.ts", cut), Error, "a.ts:2: found no end");
});

Deno.test("every fence of TypeScript in a comment or a page is an example of one group", async () => {
  const root = new URL("../../", import.meta.url);
  const examples = await allExamples();
  const byFile = Map.groupBy(examples, ({ path }) => path);
  for (const [path, found] of byFile) {
    const text = await Deno.readTextFile(new URL(path, root));
    assertEquals(found.length, text.match(/^[ *]*```ts$/gm)?.length, path);
  }
  const groups = Map.groupBy(examples, groupOf);
  assertEquals([...groups.keys()].sort(), ["core", "packages", "programs"]);
});

Deno.test("an example that fails says where in its file", async () => {
  const example = (code: string): Example => ({ path: "a.ts", line: 7, code });
  await runExample(
    example('import { hostArray } from "@mutasesumele/toolkit";\nhostArray(3, []);'),
  );
  const wrong = 'import { assertEquals } from "@std/assert";\nassertEquals(1 as number, 2);';
  const error = await assertRejects(() => runExample(example(wrong)), Error, "not equal");
  assertEquals(error.stack!.includes(":9:1"), true, error.stack);
});
