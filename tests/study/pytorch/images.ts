/**
 * Writes the images of the regime labels-100 of cifar-hypothesis, preset quick, for `study.py`:
 * `deno run -A tests/study/pytorch/images.ts DATA FOLDER`.
 */
import { loadImageSplits, splitDataset, takePerClass } from "../../../src/data/mod.ts";
import { firstImages } from "../../../src/study/arms/regimes.ts";

const [data, folder] = Deno.args as [string, string];
const splits = await loadImageSplits({ data });
const [train, test] = [firstImages(splits.train, 10_000), firstImages(splits.test, 5_000)];
const { train: indices } = splitDataset(train, { validation: 500, seed: 0 });
const rows = takePerClass(train, { perClass: 100, seed: 0, indices });
await Deno.mkdir(folder, { recursive: true });
await Deno.writeFile(`${folder}/train.bin`, train.images);
await Deno.writeFile(`${folder}/test.bin`, test.images);
await Deno.writeTextFile(
  `${folder}/facts.json`,
  JSON.stringify({ rows: [...rows], train: [...train.labels], test: [...test.labels] }),
);
