/** Image files in a folder for every class. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ImageDataset, loadImageFolder, loadImageSplits } from "../../src/data/mod.ts";
import { withFolder } from "./fixtures.ts";
import { png } from "./png_fixtures.ts";

/** A grey picture whose first row is `width` pixels that spell `number`. */
const picture = (number: number, width = 4, height = width) =>
  png(width, height, (x, y) => y === 0 ? (number >> x) & 1 : 0);

const numbers = ({ images, height, width, channels, count }: ImageDataset): number[] =>
  Array.from({ length: count }, (_, k) => {
    const at = k * height * width * channels;
    return [0, 1, 2, 3].reduce(
      (sum, x) => sum + (images[at + x * channels]! > 127 ? 1 << x : 0),
      0,
    );
  });

async function write(folder: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(path, bytes);
  }
}

Deno.test("loadImageFolder() reads the files of every class, sorted", () =>
  withFolder(async (folder) => {
    await write(folder, {
      "dog/b.png": picture(2),
      "dog/a.PNG": picture(1),
      "dog/notes.txt": new Uint8Array(3),
      "cat/x.png": picture(7),
      "cat/.hidden.png": new Uint8Array(3),
      ".git/HEAD": new Uint8Array(3),
      "readme.md": new Uint8Array(3),
    });
    await Deno.symlink(`${folder}/dog/a.PNG`, `${folder}/cat/link.png`);
    const set = await loadImageFolder({ path: `${folder}/` });
    assertEquals(set.classNames, ["cat", "dog"]);
    assertEquals([...set.labels], [0, 0, 1, 1]);
    assertEquals(numbers(set), [1, 7, 1, 2]);
    assertEquals([set.count, set.height, set.width, set.channels], [4, 4, 4, 3]);
    assertEquals([set.source, set.synthetic], ["folder", false]);
    const grey = await loadImageFolder({ path: folder, channels: 1, size: 2, name: "pets" });
    assertEquals([grey.name, grey.images.length, grey.height], ["pets", 4 * 4, 2]);
  }));

Deno.test("loadImageFolder() names what it cannot use", () =>
  withFolder(async (folder) => {
    const refused = async (files: Record<string, Uint8Array>, message: string, options = {}) => {
      await write(`${folder}/set`, { "ant/1.png": picture(1), ...files });
      await assertRejects(
        () => loadImageFolder({ path: `${folder}/set`, ...options }),
        Error,
        message,
      );
      await Deno.remove(`${folder}/set`, { recursive: true });
    };
    await refused({ "bee/1.webp": picture(1) }, "found 1.webp, expected JPEG and PNG files");
    await refused({ "bee/deep/1.png": picture(1) }, "found deep, expected JPEG and PNG files");
    await refused({ "bee/notes.txt": picture(1) }, "bee: no JPEG or PNG file");
    await refused({ "bee/1.png": new Uint8Array(9) }, "Cannot use " + folder + "/set/bee/1.png. ");
    const odd = { "bee/1.png": picture(1, 5) };
    await refused(odd, `${folder}/set/bee/1.png has 5 x 5 pixels, expected 4 x 4`);
    await refused({}, "48 bytes, expected at most 47", { mostBytes: 47 });
    const ended = { signal: AbortSignal.abort(new Error("it was ended")) };
    await refused({}, "it was ended", ended);
    await write(folder, { "loose/1.png": picture(1) });
    await assertRejects(() => loadImageFolder({ path: `${folder}/loose` }), Error, "no folder");
  }));

for (const [train, test] of [["train", "test"], ["Training", "val"]] as const) {
  Deno.test(`loadImageSplits() loads ${train} and ${test} out of image files of any size`, () =>
    withFolder(async (folder) => {
      await write(folder, {
        [`${train}/ant/1.png`]: picture(1),
        [`${train}/bee/1.png`]: picture(5, 7, 9),
        [`${test}/ant/1.png`]: picture(3),
        [`${test}/bee/9.png`]: picture(4),
      });
      const splits = await loadImageSplits({ data: folder, size: 4 });
      assertEquals(splits.train.classNames, splits.test.classNames);
      assertEquals([splits.train.count, splits.test.count, splits.test.height], [2, 2, 4]);
      assertEquals(numbers(splits.test), [3, 4]);
      assert(splits.train.name !== train && splits.train.name === splits.test.name);
      await write(folder, { [`${test}/wasp/1.png`]: picture(3) });
      await assertRejects(() => loadImageSplits({ data: folder, size: 4 }), Error, "wasp");
    }));
}

Deno.test("loadImageSplits() says how image files must lie", () =>
  withFolder(async (folder) => {
    const says = (message: string, data = folder) =>
      assertRejects(() => loadImageSplits({ data, size: 4 }), Error, message);
    await write(folder, { "a/1.png": picture(1) });
    await says("holds images without classes; expected train/CLASS/IMAGE.png", `${folder}/a`);
    await write(folder, { "b/1.png": picture(1) });
    await says("its folders a, b hold images, and none is for a test");
    await write(folder, { "train/a/1.png": picture(1) });
    await says("it has images in train, and no images to test on");
  }));
