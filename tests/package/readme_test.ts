import { assertEquals, assertMatch } from "@std/assert";

const root = new URL("../../", import.meta.url);

/** The README's library example. */
function readmeExample(): string {
  const text = Deno.readTextFileSync(new URL("README.md", root));
  const found = /```ts\n([\s\S]*?)```/.exec(text)?.[1];
  if (found === undefined) throw new Error("README.md has no TypeScript example");
  return found;
}

Deno.test("the package works from another folder as jsr:@mutasesumele/toolkit", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = (relative: string): string => new URL(relative, root).pathname;
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({
        links: ["", "links/assert", "links/cli", "links/yaml"].map(path),
        compilerOptions: { lib: ["deno.window", "deno.unstable"] },
      }),
    );
    await Deno.writeTextFile(`${folder}/main.ts`, readmeExample());
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--check", "--allow-read", "--allow-env", "--allow-sys", "main.ts"],
      cwd: folder,
      env: { NO_COLOR: "1", XDG_RUNTIME_DIR: folder },
    }).output();
    const decoder = new TextDecoder();
    assertEquals(code, 0, decoder.decode(stderr));
    assertMatch(decoder.decode(stdout), /^\d+\.\d+\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("README.md has exactly the two commands for a fresh machine", () => {
  const commands = Deno.readTextFileSync(new URL("README.md", root)).match(/^npx -y deno@.*$/gm);
  assertEquals(commands, [
    "npx -y deno@2.9.6 task experiment cifar-maml",
    "npx -y deno@2.9.6 task test",
  ]);
});
