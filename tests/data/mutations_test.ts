/** A short version of `tests/soak/data_mutations.ts`, in a process of its own to measure its memory. */
import { assert } from "@std/assert";

Deno.test("damaged files of every format are refused or mean the same", async () => {
  const script = new URL("../soak/data_mutations.ts", import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, "--files", "60", "--seed", "7"],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert(code === 0, text);
  assert(text.match(/60 files, \d+ refused/g)?.length === 7, text);
});
