/**
 * What processes do where WebGPU is OpenGL: `DENO_WEBGPU_BACKEND=gl` makes it so on every machine that
 * has a libEGL. Where there is none the tests are reported as ignored, unless the environment variable
 * `MUTASESUMELE_REQUIRE_OPENGL` is set.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const config = decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname);

/** Runs a script, or a file of `src`, in a process whose WebGPU is OpenGL. */
async function run(
  what: { readonly script: string } | { readonly file: string },
): Promise<{ code: number; out: string; err: string }> {
  const file = "file" in what
    ? decodeURIComponent(new URL(`../../src/${what.file}`, import.meta.url).pathname)
    : "-";
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-lock", `--config=${config}`, file],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", DENO_WEBGPU_BACKEND: "gl" },
  }).spawn();
  const writer = child.stdin.getWriter();
  if ("script" in what) await writer.write(new TextEncoder().encode(what.script));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

const { out } = await run({
  script: `console.log((await navigator.gpu.requestAdapter())?.info.description ?? "none");`,
});
const ignore = out.trim() === "none" && !Deno.env.has("MUTASESUMELE_REQUIRE_OPENGL");
if (ignore) {
  console.error("tests that need OpenGL are ignored: install libegl1 and libgl1-mesa-dri");
}

Deno.test({
  name: "the engine `auto` takes TensorFlow.js rather than OpenGL and says so; `webgpu` is refused",
  ignore,
  fn: async () => {
    const { code, out, err } = await run({
      script: `
        import { openEngine } from ${
        JSON.stringify(import.meta.resolve("../../src/interop/mod.ts"))
      };
        const engine = await openEngine("auto", { onChoice: (line) => console.error(line) });
        console.log(engine.info.name, engine.reason);
        await openEngine("webgpu").catch(({ name, message }) => console.log(name, message));
      `,
    });
    assertEquals(code, 0, err);
    const [chosen, refused] = out.trimEnd().split("\n");
    assert(/^tfjs WebGPU has no adapter to trust, found only .* through OpenGL/.test(chosen!), out);
    assert(/^NoAdapterError Cannot open .* OpenGL.* mesa-vulkan-drivers/.test(refused!), out);
    assertStringIncludes(err, `engine tfjs on TensorFlow.js`);
    assertStringIncludes(err, chosen!.slice("tfjs ".length));
  },
});

Deno.test({
  name: "without TensorFlow.js the engine `auto` falls back to the reference, and says so",
  ignore,
  fn: async () => {
    const { code, out, err } = await run({
      script: `
        import { openEngine } from ${JSON.stringify(import.meta.resolve("../../mod.ts"))};
        const engine = await openEngine();
        console.log(engine.info.name, engine.reason);
      `,
    });
    assertEquals(code, 0, err);
    assert(/^reference WebGPU has no adapter to trust, .* through OpenGL/.test(out), out);
    assertStringIncludes(out, "take openEngine from '@mutasesumele/toolkit/tfjs'");
  },
});

Deno.test({
  name: "doctor says that there is only OpenGL, and checks TensorFlow.js",
  ignore,
  fn: async () => {
    const { code, out, err } = await run({ file: "doctor/doctor.ts" });
    assertEquals(code, 0, err);
    assert(/^WebGPU adapter: none\. .* through OpenGL, which corrupts memory/m.test(out), out);
    assertStringIncludes(out, "experiments run on TensorFlow.js (wasm)");
    assert(!/^engine webgpu/m.test(out), out);
    assert(/^engine tfjs on/m.test(out), out);
  },
});
