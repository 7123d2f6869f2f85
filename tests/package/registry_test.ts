/** What somebody gets who has nothing of this tree: the package from a registry, its programs without a clone. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TFJS_VERSION } from "../../src/tfjs/open_late_tfjs.ts";
import { withoutWebgpu } from "../webgpu.ts";
import { type Ended, LocalRegistry } from "./local_registry.ts";

const registry = await LocalRegistry.open();

const jsr = "jsr:@mutasesumele/toolkit";

Deno.test("the package is published without a warning", () => {
  const { code, out, err } = registry.publication;
  assertEquals(code, 0, err);
  assert(!/warn/i.test(out + err), out + err);
  assert(!registry.file("/mod.ts").includes("npm:"));
  assertStringIncludes(registry.file("/src/report/chart.ts"), 'import("npm:vega@');
});

/** A run of cifar-maml that is as short as can be. */
const shortRun = [
  ...[`${jsr}/experiments/cifar-maml`, "--preset", "smoke", "--seed", "3"],
  ...["--data", "images", "--set", "validation=10", "--set", "testImages=10"],
  ...["--set", "only.arms=[scratch]"],
  ...["pretrain", "fineTune", "probe"].flatMap((part) => ["--set", `${part}.steps=1`]),
];

/** As if TensorFlow.js were not in the cache. */
const withoutTfjs = ["run", "-A", "--reload=npm:@tensorflow/tfjs"];

/**
 * Runs Deno without a network. Without a lock file it may then want another version of a package than it took with one:
 * that is fetched, unless it is TensorFlow.js, and the command begins again.
 */
async function withoutNetwork(args: readonly string[], cwd: string): Promise<Ended> {
  const fetched = new Set<string>();
  for (;;) {
    const ended = await registry.deno(args, { cwd, offline: true });
    const missing = /Failed caching npm package '([^']+)'/.exec(ended.err)?.[1];
    if (!missing || missing.startsWith("@tensorflow/") || fetched.has(missing)) return ended;
    fetched.add(missing);
    const { code, err } = await registry.deno(["cache", `npm:${missing}`], { cwd });
    assertEquals(code, 0, err);
    // What it has written until then, if anything.
    await ignoreMissing(Deno.remove(`${cwd}/runs`, { recursive: true }));
  }
}

Deno.test("cifar-maml runs from the registry, without a clone and without TensorFlow.js", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeCifar(`${folder}/images`);
    // Without a lock file Deno asks npm for the versions of every package once, and loads what charts import late.
    const late = registry.file("/src/report/chart.ts").matchAll(/import\("(npm:[^"]+)"\)/g);
    const cached = await registry.deno(
      ["cache", `${jsr}/experiments/cifar-maml`, ...[...late].map(([, name]) => name!)],
      { cwd: folder },
    );
    assertEquals(cached.code, 0, cached.err);
    // Where there is an adapter, TensorFlow.js cannot be had, and is not missed.
    const { code, err } = withoutWebgpu
      ? await registry.deno(["run", "-A", ...shortRun], { cwd: folder })
      : await withoutNetwork([...withoutTfjs, ...shortRun], folder);
    assertEquals(code, 0, err);
    const [run] = [...Deno.readDirSync(`${folder}/runs/cifar-maml`)];
    const path = `${folder}/runs/cifar-maml/${run!.name}`;
    assertStringIncludes(await Deno.readTextFile(`${path}/report.html`), "<svg");
    // The commit of whatever repository the working folder is in would be a wrong one.
    assertMatch(await Deno.readTextFile(`${path}/config.yaml`), /^commit: null$/m);
    const asked = await withoutNetwork([...withoutTfjs, ...shortRun, "--engine", "tfjs"], folder);
    assertEquals(asked.code, 1, asked.err);
    assertStringIncludes(asked.err, "Cannot load TensorFlow.js");
    assertStringIncludes(asked.err, "deno cache npm:@tensorflow/tfjs@");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("TensorFlow.js is fetched late in the version that is fetched early", async () => {
  const { imports } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  for (const name of ["tfjs", "tfjs-backend-wasm"]) {
    assertEquals(imports[`@tensorflow/${name}`], `npm:@tensorflow/${name}@${TFJS_VERSION}`);
  }
});

Deno.test("doctor runs from the registry, and without TensorFlow.js unless it is asked for", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Where there is an adapter, TensorFlow.js cannot be had, and is not missed.
    const doctor = [...withoutTfjs, `${jsr}/doctor`];
    const { code, out, err } = withoutWebgpu
      ? await registry.deno(["run", "-A", `${jsr}/doctor`], { cwd: folder })
      : await withoutNetwork(doctor, folder);
    assertEquals(code, 0, out + err);
    assertStringIncludes(out, "everything is in order");
    const asked = await withoutNetwork([...doctor, "--tfjs"], folder);
    assertEquals(asked.code, 1, asked.out + asked.err);
    assertStringIncludes(asked.out, "engine tfjs: WRONG, it does not open. Cannot load TensorFlow");
    assertStringIncludes(asked.out, "something is wrong: see above");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("nothing is left of the registry", async () => await registry[Symbol.asyncDispose]());

async function ignoreMissing(removed: Promise<void>): Promise<void> {
  try {
    await removed;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** A folder with as few images as the binary format of CIFAR-10 allows. */
async function writeCifar(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const [records, size] = [40, 1 + 3 * 32 * 32];
  for (const name of [1, 2, 3, 4, 5].map((k) => `data_batch_${k}`).concat("test_batch")) {
    const bytes = crypto.getRandomValues(new Uint8Array(records * size).subarray(0, 65_536));
    const all = new Uint8Array(records * size);
    for (let at = 0; at < all.length; at += bytes.length) {
      all.set(bytes.subarray(0, all.length - at), at);
    }
    for (let k = 0; k < records; k++) all[k * size] = k % 10;
    await Deno.writeFile(`${folder}/${name}.bin`, all);
  }
}
