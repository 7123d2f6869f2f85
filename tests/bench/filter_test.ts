import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { withoutWebgpu } from "../webgpu.ts";

const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);

async function bench(filter: string, env: Record<string, string>) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "-A", "--no-check", "--json", "--filter", filter, "bench"],
    cwd: root,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("deno bench --filter prepares nothing that it was not asked for", async () => {
  // Without any driver, opening a device would be an error.
  const nowhere = "/nonexistent";
  const { code, out, err } = await bench("no bench has this name", {
    VK_DRIVER_FILES: nowhere,
    VK_ICD_FILENAMES: nowhere,
    DENO_WEBGPU_BACKEND: "vulkan",
  });
  assertEquals(code, 0, err);
  assertEquals(JSON.parse(out || '{ "benches": [] }').benches, []);
});

Deno.test({
  name: "deno bench --filter times what it was asked for, and nothing else",
  ignore: withoutWebgpu,
  fn: async () => {
    const { code, out, err } = await bench("[75x128]", {});
    assertEquals(code, 0, err);
    const { benches } = JSON.parse(out) as {
      benches: { name: string; results: { ok?: { n: number } }[] }[];
    };
    assertEquals(benches.length, 1);
    assertStringIncludes(benches[0]!.name, "matmul");
    assert(benches[0]!.results[0]!.ok!.n >= 1);
  },
});
