/** Files of what was measured: whole or not there, and of what several processes keep at once nothing is lost. */
import { assertEquals, assertMatch } from "@std/assert";
import { changeStored, readStored, whyNotStored } from "../../src/machine/stored_file.ts";
import { EACH, numbers } from "./add_numbers.ts";

const adder = decodeURIComponent(new URL("add_numbers.ts", import.meta.url).pathname);

Deno.test("changeStored() of several processes at once loses nothing, and leaves no half", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/deep/numbers.json`;
    const writers = ["a", "b", "c"].map((who) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", adder, path, who],
      }).spawn()
    );
    for (const writer of writers) assertEquals((await writer.status).code, 0);
    const found = await readStored(numbers(path));
    const { value } = found as { readonly value: Readonly<Record<string, number>> };
    const all = ["a", "b", "c"].flatMap((who) =>
      Array.from({ length: EACH }, (_, k) => `${who}-${k}`)
    );
    assertEquals(Object.keys(value).sort(), all.sort());
    const names = (await Array.fromAsync(Deno.readDir(`${folder}/deep`))).map(({ name }) => name);
    assertEquals(names.sort(), ["numbers.json", "numbers.json.lock"]);
    // What is not changed is not written.
    const { mtime } = await Deno.stat(path);
    const same = await changeStored(numbers(path), (now) => (now as { value: typeof value }).value);
    assertEquals(same, found);
    assertEquals((await Deno.stat(path)).mtime, mtime);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("whyNotStored() tries, says why not, and leaves nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals(await whyNotStored(numbers(`${folder}/new/numbers.json`)), undefined);
    assertEquals(await Array.fromAsync(Deno.readDir(`${folder}/new`)), []);
    // A link that leads nowhere is no folder to anybody, root included.
    await Deno.symlink(`${folder}/gone/there`, `${folder}/link`);
    assertMatch(
      (await whyNotStored(numbers(`${folder}/link/numbers.json`)))!,
      /^Cannot make the folder of profiles .*link: /,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
