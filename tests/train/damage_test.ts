/** What a resumed run does with damaged files: never numbers that are not those of the whole run. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decodeSafetensors, encodeSafetensors } from "../../src/run/safetensors.ts";
import { CheckpointStore } from "../../src/run/checkpoint.ts";
import { copyFolder, resultsOf, runTwoStages } from "./fixtures.ts";

/** Makes a run that ended in the middle of the second stage, and calls `body` with it and its results. */
async function withRun(
  body: (
    folder: string,
    run: { readonly stopped: string; readonly whole: string[] },
  ) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const flags = ["--seed", "3", "--out", `${folder}/runs`];
    const { code, path, err } = await runTwoStages(flags);
    assertEquals(code, 0, err);
    const { path: stopped } = await runTwoStages(flags, { stopBefore: 6 });
    await body(folder, { stopped, whole: await resultsOf(path) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const second = (step: number) => `checkpoints/arm-second/step-00000000${step}.safetensors`;
const first = (step: number) => `checkpoints/arm-first/step-00000000${step}.safetensors`;

Deno.test("a run resumes to the same numbers where it stopped", () =>
  withRun(async (folder, { stopped, whole }) => {
    await copyFolder(stopped, `${folder}/copy`);
    const { code, err } = await runTwoStages(["--resume", `${folder}/copy`]);
    assertEquals(code, 0, err);
    assertEquals(await resultsOf(`${folder}/copy`), whole);
  }));

/** A change of a file's bytes. */
type Damage = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;

const headOf = (bytes: Uint8Array): number =>
  8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));

/** Writes a checkpoint anew, as a program would that knows the format but not the checksum. */
function forged(
  change: (file: { tensors: Record<string, unknown>; metadata: Record<string, string> }) => void,
): Damage {
  return (bytes) => {
    const { tensors, metadata } = decodeSafetensors(bytes);
    const file = { tensors: { ...tensors }, metadata: { ...metadata } };
    change(file as never);
    const pieces = encodeSafetensors(file);
    return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
  };
}

/** Replaces text in the header by text of the same length. */
function inHeader(from: string | RegExp, to: string): Damage {
  return (bytes) => {
    const head = new TextDecoder("latin1").decode(bytes.subarray(8, headOf(bytes)));
    const changed = head.replace(from, (found) => to.padEnd(found.length));
    assert(changed !== head && changed.length === head.length, String(from));
    const result = bytes.slice();
    result.set(Uint8Array.from(changed, (letter) => letter.charCodeAt(0)), 8);
    return result;
  };
}

/** Flipped bits, ends cut off, bytes put in and taken out. */
function randomDamages(count: number): [string, Damage][] {
  let state = 12345;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * n);
  };
  return Array.from({ length: count }, (_, k): [string, Damage] => [`random ${k}`, (bytes) => {
    const at = below(bytes.length);
    switch (k % 4) {
      case 0: {
        const result = bytes.slice();
        result[at]! ^= 1 << below(8);
        return result;
      }
      case 1:
        return bytes.slice(0, at);
      case 2:
        return Uint8Array.from([...bytes.slice(0, at), below(256), ...bytes.slice(at)]);
      default:
        return Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1)]);
    }
  }]);
}

const damages: [string, Damage][] = [
  ["empty", () => new Uint8Array()],
  ["zeros", (bytes) => new Uint8Array(bytes.length)],
  ["text", () => new TextEncoder().encode("<html>404</html>")],
  ["longer", (bytes) => Uint8Array.from([...bytes, 0])],
  ["two tensors swapped by their offsets", (bytes) => {
    const swapped = inHeader(/"data_offsets":\[0,4\]/, '"data_offsets":[9,9]')(bytes);
    const once = inHeader(/"data_offsets":\[4,8\]/, '"data_offsets":[0,4]')(swapped as never);
    return inHeader(/"data_offsets":\[9,9\]/, '"data_offsets":[4,8]')(once as never);
  }],
  [
    "no checksum, other data",
    forged(({ metadata, tensors }) => {
      delete metadata["sha256"];
      (tensors["x"] as { data: Float32Array }).data[0] = 7;
    }),
  ],
  ["no checksum", forged(({ metadata }) => void delete metadata["sha256"])],
  ["record null", forged(({ metadata }) => void (metadata["record"] = "null"))],
  ["record gone", forged(({ metadata }) => void delete metadata["record"])],
  ["record forged", inHeader(/\\"steps\\":4/, '\\"steps\\":9')],
  ["position forged", inHeader(/\\"bytes\\":\d/, '\\"bytes\\":1')],
  ["checksum of nothing", inHeader(/"sha256":"[0-9a-f]{64}"/, `"sha256":"${"0".repeat(64)}"`)],
  ["another tensor's name", inHeader('"x":{', '"z":{')],
];

Deno.test("CheckpointStore.latest() passes over every damaged file", () =>
  withRun(async (_, { stopped }) => {
    const path = `${stopped}/${second(4)}`;
    const store = new CheckpointStore(`${stopped}/checkpoints/arm-second`);
    const bytes = await Deno.readFile(path);
    assertEquals((await store.latest())?.step, 4);
    for (const [name, damage] of randomDamages(1000)) {
      await Deno.writeFile(path, damage(bytes));
      const told: string[] = [];
      const latest = await store.latest({ onCorrupt: ({ message }) => void told.push(message) });
      assertEquals([latest?.step, told.length], [2, 1], name);
      assertStringIncludes(told[0]!, path);
    }
  }));

Deno.test("a damaged newest checkpoint costs the steps since the one before, and is named", () =>
  withRun(async (folder, { stopped, whole }) => {
    for (const [index, [name, damage]] of damages.entries()) {
      const copy = `${folder}/copy-${index}`;
      await copyFolder(stopped, copy);
      const bytes = await Deno.readFile(`${copy}/${second(4)}`);
      await Deno.writeFile(`${copy}/${second(4)}`, damage(bytes));
      const { code, err } = await runTwoStages(["--resume", copy]);
      assertEquals(code, 0, `${name}: ${err}`);
      assertStringIncludes(err, `${copy}/${second(4)}`, name);
      assertStringIncludes(err, `Using ${copy}/${second(2)} instead.`, name);
      assertEquals(await resultsOf(copy), whole, name);
      await Deno.remove(copy, { recursive: true });
    }
  }));

Deno.test("a checkpoint in the place of another one is passed over, and a folder too", () =>
  withRun(async (folder, { stopped, whole }) => {
    const changes: [string, (copy: string) => Promise<void>][] = [
      ["another stage's", (copy) => Deno.copyFile(`${copy}/${first(4)}`, `${copy}/${second(4)}`)],
      ["another step's", (copy) => Deno.rename(`${copy}/${second(4)}`, `${copy}/${second(5)}`)],
      ["an older one's", (copy) => Deno.copyFile(`${copy}/${second(2)}`, `${copy}/${second(4)}`)],
      ["a folder", async (copy) => {
        await Deno.remove(`${copy}/${second(4)}`);
        await Deno.mkdir(`${copy}/${second(4)}`);
      }],
    ];
    for (const [index, [name, change]] of changes.entries()) {
      const copy = `${folder}/copy-${index}`;
      await copyFolder(stopped, copy);
      await change(copy);
      const { code, err } = await runTwoStages(["--resume", copy]);
      assertStringIncludes(err, `Using ${copy}/${second(2)} instead.`, name);
      // A folder in the place of a file that is to be written cannot be mended.
      assertEquals(code, name === "a folder" ? 1 : 0, `${name}: ${err}`);
      if (code === 0) assertEquals(await resultsOf(copy), whole, name);
    }
  }));

Deno.test("a run goes back to an earlier stage whose last checkpoint is damaged", () =>
  withRun(async (folder, { stopped, whole }) => {
    const copy = `${folder}/copy`;
    await copyFolder(stopped, copy);
    await Deno.writeTextFile(`${copy}/${first(6)}`, "gone");
    const { code, err } = await runTwoStages(["--resume", copy]);
    assertEquals(code, 0, err);
    assertStringIncludes(err, `Using ${copy}/${first(4)} instead.`);
    assertEquals(await resultsOf(copy), whole);
  }));

Deno.test("a stage without any good checkpoint is an error that changes nothing", () =>
  withRun(async (folder, { stopped, whole }) => {
    const copy = `${folder}/copy`;
    await copyFolder(stopped, copy);
    for (const step of [2, 4]) await Deno.writeTextFile(`${copy}/${second(step)}`, "gone");
    const before = await Deno.readTextFile(`${copy}/metrics.jsonl`);
    const { code, err } = await runTwoStages(["--resume", copy]);
    assertEquals(code, 1);
    assertStringIncludes(err, `Cannot go on from any checkpoint in ${copy}/checkpoints/arm-second`);
    assertEquals(await Deno.readTextFile(`${copy}/metrics.jsonl`), before);
    // The way out that the message names.
    await Deno.remove(`${copy}/checkpoints/arm-second`, { recursive: true });
    const again = await runTwoStages(["--resume", copy]);
    assertEquals(again.code, 0, again.err);
    assertEquals(await resultsOf(copy), whole);
  }));

Deno.test("metrics that are not those of a checkpoint are not cut: an older checkpoint, or an error", () =>
  withRun(async (folder, { stopped, whole }) => {
    const text = await Deno.readTextFile(`${stopped}/metrics.jsonl`);
    const lines = text.split("\n");
    const inSecond = (step: number) =>
      lines.findIndex((line) => line.includes('"second"') && line.includes(`"step":${step},"z"`));
    const cases: [string, string, string | undefined][] = [
      ["cut after the second step", `${lines.slice(0, inSecond(3)).join("\n")}\n`, second(2)],
      ["changed in the fourth", text.replace(lines[inSecond(4)]!, lines[inSecond(3)]!), second(2)],
      ["changed in the first line", text.replace('"step":0', '"step":9'), undefined],
      ["empty", "", undefined],
    ];
    for (const [index, [name, changed, used]] of cases.entries()) {
      const copy = `${folder}/copy-${index}`;
      await copyFolder(stopped, copy);
      await Deno.writeTextFile(`${copy}/metrics.jsonl`, changed);
      const { code, err } = await runTwoStages(["--resume", copy]);
      assertStringIncludes(err, `Cannot continue ${copy}/metrics.jsonl`, name);
      if (used) {
        assertStringIncludes(err, `Using ${copy}/${used} instead.`, name);
        assertEquals([code, await resultsOf(copy)], [0, whole], name);
      } else {
        assertEquals([code, await Deno.readTextFile(`${copy}/metrics.jsonl`)], [1, changed], name);
      }
    }
  }));

Deno.test("a resumed run names what was changed in its record, and binds its data", () =>
  withRun(async (folder, { stopped }) => {
    const record = await Deno.readTextFile(`${stopped}/config.yaml`);
    const cases: [string | RegExp, string, string, number][] = [
      ["scale: 1.5", "scale: 1.25", "config.scale (1.25, was 1.5)", 2],
      ["seen: 3", "seen: 4", "config.deep.seen (4, was 3)", 2],
      ["seed: 3", "seed: 4", "seed (4, was 3)", 2],
      ["engine: auto", "engine: reference", 'engine ("reference", was "auto")', 2],
      [/hash: \w+/, `hash: ${"a".repeat(64)}`, "has hash aaaa", 2],
      [/^hash: \w+\n/m, "", "lacks the experiment, seed, hash or config", 1],
      ["data: auto", "data: synthetic", 'another data ("synthetic", was "auto")', 1],
    ];
    for (const [index, [from, to, message, expected]] of cases.entries()) {
      const copy = `${folder}/copy-${index}`;
      await copyFolder(stopped, copy);
      const changed = record.replace(from, to);
      assert(changed !== record, String(from));
      await Deno.writeTextFile(`${copy}/config.yaml`, changed);
      const before = await Deno.readTextFile(`${copy}/metrics.jsonl`);
      const { code, err } = await runTwoStages(["--resume", copy]);
      assertStringIncludes(err, message);
      assertEquals([code, await Deno.readTextFile(`${copy}/metrics.jsonl`)], [expected, before]);
    }
    await Deno.remove(`${stopped}/begun.json`);
    await Deno.writeTextFile(`${stopped}/config.yaml`, record.replace("scale: 1.5", "scale: 2"));
    const { code, err } = await runTwoStages(["--resume", stopped]);
    assertEquals(code, 2);
    assertStringIncludes(err, "what the run began with has hash");
  }));

Deno.test("a resumed run removes what killed writers left, and nothing else", () =>
  withRun(async (_, { stopped, whole }) => {
    const stale = ["config.yaml.0123abcd.tmp", `${second(4)}.deadbeef.tmp`];
    for (const name of stale) await Deno.writeTextFile(`${stopped}/${name}`, "half");
    const kept = ["mine.tmp", "checkpoints/other.0123.tmp"];
    for (const name of kept) await Deno.writeTextFile(`${stopped}/${name}`, "mine");
    const { code, err } = await runTwoStages(["--resume", stopped]);
    assertEquals([code, await resultsOf(stopped)], [0, whole], err);
    for (const name of kept) assertEquals(await Deno.readTextFile(`${stopped}/${name}`), "mine");
    for (const name of stale) {
      const gone = await Deno.stat(`${stopped}/${name}`).then(() => false, () => true);
      assert(gone, name);
    }
  }));
