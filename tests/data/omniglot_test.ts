import { assert, assertEquals, assertRejects } from "@std/assert";
import { zipSync } from "fflate";
import { EpisodeSampler, loadOmniglot } from "../../src/data/mod.ts";
import { withFolder } from "./fixtures.ts";
import { IMAGE_FIXTURES } from "./image_fixtures.ts";
import { sharedTest } from "../shared.ts";

const [SMALL1, SMALL2] = [1, 2].map((part) =>
  new URL(`../../../shared/data/omniglot/images_background_small${part}.zip`, import.meta.url)
    .pathname
);

sharedTest("loadOmniglot() reads a published file as drawn", async () => {
  const dataset = await loadOmniglot({ paths: [SMALL1!] });
  // Balinese 24, Early Aramaic 22, Greek 24, Korean 40, Latin 26 characters, 20 drawings of each.
  assertEquals(dataset.classNames.length, 136);
  assertEquals(dataset.count, 136 * 20);
  assertEquals([dataset.height, dataset.width, dataset.channels], [105, 105, 1]);
  assertEquals(dataset.classNames[0], "Balinese/character01");
  assertEquals(dataset.classNames[135], "Latin/character26");
  assertEquals([...dataset.labels.subarray(18, 22)], [0, 0, 1, 1]);
  assert(dataset.images.every((byte) => byte === 0 || byte === 255), "one bit a pixel");
  const ink = dataset.images.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0);
  const share = ink / dataset.images.length;
  assert(share > 0.02 && share < 0.1, `strokes are thin and black: ${share}`);
});

sharedTest("loadOmniglot() joins overlapping files, resizes and inverts", async () => {
  const dataset = await loadOmniglot({ paths: [SMALL1!, SMALL2!], size: 28, invert: true });
  // Greek and Latin are in both.
  assertEquals(dataset.classNames.length, 242);
  assertEquals(dataset.count, 242 * 20);
  assert(dataset.provenance.includes("1000 found twice"), dataset.provenance);
  assertEquals(dataset.images.length, 4840 * 28 * 28);
  const mean = dataset.images.reduce((sum, byte) => sum + byte, 0) / dataset.images.length;
  assert(mean > 5 && mean < 30, `white strokes on black: ${mean}`);
  const sampler = new EpisodeSampler({
    examples: dataset,
    way: 20,
    shot: 5,
    queryShot: 15,
    seed: 0,
  });
  assertEquals(sampler.episode(0).query.length, 300);
});

sharedTest("loadOmniglot() throws on files that are foreign, cut or disagree", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.zip`;
    const load = (paths = [path]) => loadOmniglot({ paths });
    const real = await Deno.readFile(SMALL1!);
    await Deno.writeFile(path, real.slice(0, real.length >> 1));
    await assertRejects(load, Error, `Cannot read ${path}`);
    await Deno.writeFile(path, zipSync({ "readme.txt": new Uint8Array(5) }));
    await assertRejects(load, Error, "no drawing");
    const drawing = Uint8Array.fromBase64(IMAGE_FIXTURES[0]!.file);
    const name = "images_background/Greek/character01/0394_01.png";
    await Deno.writeFile(path, zipSync({ [name]: drawing }));
    await assertRejects(load, Error, `0394_01.png of ${path}: 9 x 5 pixels`);
    await assertRejects(() => load([SMALL1!, path]), Error, "two different drawings");
    await Deno.writeFile(path, zipSync({ [name]: drawing.slice(0, -3) }));
    await assertRejects(load, Error, `drawing Greek/character01/0394_01.png of ${path}`);
    await Deno.writeFile(path, zipSync({ [name]: new Uint8Array((1 << 26) + 1) }));
    await assertRejects(load, Error, "announces 67108865 bytes");
    const twice = [name, `other/${name}`].map((key) => [key, drawing]);
    await Deno.writeFile(path, zipSync(Object.fromEntries(twice)));
    await assertRejects(load, Error, "two drawings Greek/character01/0394_01.png");
  });
});
