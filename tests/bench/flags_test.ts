/** The commands that measure for minutes say so when they are asked, and begin nothing that was not meant. */
import { assertEquals, assertStringIncludes } from "@std/assert";

async function run(file: string, ...flags: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", file, ...flags],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

for (
  const [file, flag] of [["growth", "--axes"], ["predictions", "--arms"], ["report", "--repeat"], [
    "peers/main",
    "--only",
  ]]
) {
  Deno.test(`bench/${file}.ts --help tells its flags, and a misspelt flag stops it`, async () => {
    const { code, out } = await run(`bench/${file}.ts`, "--help");
    assertEquals(code, 0);
    assertStringIncludes(out, `\n  ${flag} `);
    const wrong = await run(`bench/${file}.ts`, `${flag}x=1`);
    assertEquals([wrong.code, wrong.out], [2, ""]);
    assertStringIncludes(wrong.error, `Did you mean "${flag}"?`);
  });
}

Deno.test("the demo does so, too", async () => {
  assertStringIncludes((await run("examples/browser/serve.ts", "--help")).out, "--port");
  const wrong = await run("examples/browser/serve.ts", "--prot=1");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.error, '"--prot=1"');
});
