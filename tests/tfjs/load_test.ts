import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { hostArray } from "../../src/engine/mod.ts";
import { openEngine } from "../../src/interop/mod.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { mul } from "../../src/ops/mod.ts";
import { loadTfjs } from "../../src/tfjs/mod.ts";

/** Runs `body` where WebAssembly cannot be instantiated, as where its file is out of reach. */
async function withoutWebAssembly(body: () => Promise<void>): Promise<void> {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (): Promise<never> => Promise.reject(new Error("no WebAssembly today"));
  try {
    await body();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

Deno.test("a start that failed leaves the backend before current and can be tried again", async () => {
  const { warn, error } = console;
  const tf = await loadTfjs("cpu");
  await withoutWebAssembly(async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      const failure = await assertRejects(() => openEngine("tfjs"));
      assertStringIncludes((failure as Error).message, "Cannot start the backend 'wasm'");
      assertStringIncludes((failure as Error).message, "no WebAssembly today");
      assertEquals(tf.getBackend(), "cpu");
      assertEquals([...tf.tidy(() => tf.square([3, 4]).dataSync())], [9, 16]);
    }
  });
  const engine = await openEngine("tfjs");
  assertStringIncludes(engine.info.adapter, "wasm");
  const square = engine.jit((x: Tensor) => mul(x, x));
  assertEquals([...(await engine.read(await square(hostArray([3, 4])))).data], [9, 16]);
  engine.close();
  assert(console.warn === warn && console.error === error, "the console was left changed");
});

Deno.test("starts at the same time wait for each other", async () => {
  const { warn, error } = console;
  const modules = await Promise.all(["wasm", "cpu", "wasm"].map((name) => loadTfjs(name as "cpu")));
  assert(modules.every((tf) => tf === modules[0]));
  assertEquals(modules[0]!.getBackend(), "wasm");
  assert(console.warn === warn && console.error === error, "the console was left changed");
});

Deno.test("the files of the wasm backend may be in another folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { npmCache } = JSON.parse(new TextDecoder().decode(
      (await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()).stdout,
    )) as { npmCache: string };
    const name = "tfjs-backend-wasm-simd.wasm";
    // The cache has a folder for every host that packages come from.
    const copies = Array.from(Deno.readDirSync(npmCache), async (host) => {
      const own = `${host.name}/@tensorflow/tfjs-backend-wasm/4.22.0/dist/${name}`;
      await Deno.copyFile(`${npmCache}/${own}`, `${folder}/${name}`);
    });
    await Promise.any(copies);
    const module = JSON.stringify(import.meta.resolve("../../src/interop/mod.ts"));
    const run = async (wasmPath: string): Promise<{ code: number; text: string }> => {
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-check",
          "--no-lock",
          "--no-prompt",
          "--allow-env",
          `--allow-read=${folder}`,
        ]
          .concat([`--config=${new URL("../../deno.json", import.meta.url).pathname}`, "-"]),
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
        env: { NO_COLOR: "1" },
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(
        `import { openEngine } from ${module};
        const { info } = await openEngine("tfjs", { wasmPath: ${JSON.stringify(wasmPath)} });
        console.log(info.adapter);`,
      ));
      await writer.close();
      const { code, stdout, stderr } = await child.output();
      const text = new TextDecoder().decode(code === 0 ? stdout : stderr);
      return { code, text };
    };
    const right = await run(folder);
    assertEquals(right.code, 0, right.text);
    assertStringIncludes(right.text, "wasm simd");
    const wrong = await run(`${folder}/nowhere`);
    assertEquals(wrong.code, 1);
    assertStringIncludes(wrong.text, "Cannot start the backend 'wasm'");
    assertStringIncludes(wrong.text, "nowhere");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("other backends are refused, and tensors as arguments, with the way out", async () => {
  await assertRejects(() => loadTfjs("webgpu" as "wasm"), TypeError, "(await shareTf(engine)).tf");
  const tf = await loadTfjs("cpu");
  const engine = await openEngine("reference");
  const double = engine.jit((x: Tensor) => mul(x, x));
  await assertRejects(() => double(tf.tensor([1]) as never), TypeError, "shareTf(engine)).fromTf");
});
