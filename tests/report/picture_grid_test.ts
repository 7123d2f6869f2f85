/** Pictures in one PNG file, read back by another decoder. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeImage } from "../../src/data/mod.ts";
import { pictureGrid } from "../../src/report/picture_grid.ts";
import { drawText } from "../../src/report/pixel_text.ts";

/** The pixels of a file, by the decoder of data sets. */
async function pixelsOf(png: Uint8Array): Promise<(y: number, x: number) => number[]> {
  const { width, pixels } = await decodeImage(png);
  return (y, x) => [...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
}

Deno.test("pictureGrid() shows every picture in its place, grey or in colour", async () => {
  const red = { shape: [2, 1, 1, 3], data: [1, 0, 0, 0.5, 0.25, 2] };
  const grey = { shape: [2, 2, 2, 1], data: [0, 1, -1, 0.2, NaN, 0, 0, 0] };
  const { png, width, height } = pictureGrid({ title: "x", rows: { ab: red, c: grey }, cell: 4 });
  assertEquals([width, height], [8 + 2 * 6 + 2 * 8, 4 + 11 + 2 * 8]);
  const at = await pixelsOf(png);
  const [left, top] = [20, 15];
  for (const [y, x] of [[0, 0], [3, 3]] as const) {
    assertEquals(at(top + y, left + x), [255, 0, 0]);
    assertEquals(at(top + y, left + 8 + x), [128, 64, 255]);
  }
  // Between pictures there is white.
  assertEquals(at(top, left + 4), [255, 255, 255]);
  assertEquals(at(top + 4, left), [255, 255, 255]);
  const second = (y: number, x: number): number => at(top + 8 + y, left + x)[0]!;
  assertEquals([second(0, 0), second(1, 2), second(2, 1), second(3, 3)], [0, 255, 0, 51]);
  assertEquals(at(top + 8, left + 8), [255, 0, 255]);
});

Deno.test("pictureGrid() averages where it makes smaller, and keeps the shape of a picture", async () => {
  // A picture of 4 x 8: black and white columns, and a grey row.
  const data = Array.from({ length: 32 }, (_, k) => k < 8 ? 0.2 : k % 2);
  const { png } = pictureGrid({ title: "", rows: { a: { shape: [1, 4, 8, 1], data } }, cell: 4 });
  const at = await pixelsOf(png);
  const column = [0, 1, 2, 3].map((y) => at(15 + y, 8 + 6)[0]!);
  // Two rows in the middle of four: (0.2 + 0.2 + 0 + 1) / 4, then (0 + 1) / 2.
  assertEquals(column, [255, Math.round(255 * 0.35), 128, 255]);
});

Deno.test("pictureGrid() writes its title in lines that fit, and refuses what is no picture", () => {
  const picture = { shape: [1, 1, 1, 1], data: [0] };
  const of = (title: string): number =>
    pictureGrid({ title, rows: { label: picture }, cell: 32 }).height;
  // 74 pixels are 11 letters.
  assertEquals(of("one two"), 51);
  assertEquals(of("one two three"), 62);
  assertEquals(of("a-word-that-is-too-long"), 73);
  for (const shape of [[0, 1, 1, 1], [1, 1, 1], [1, 1, 1, 2]]) {
    assertThrows(
      () => pictureGrid({ title: "", rows: { a: { shape, data: [0, 0] } }, cell: 4 }),
      RangeError,
      "Cannot draw",
    );
  }
  const two = { shape: [2, 1, 1, 1], data: [0, 0] };
  assertThrows(
    () => pictureGrid({ title: "", rows: { a: picture, b: two }, cell: 4 }),
    RangeError,
    'Cannot draw the row "b" of pictures [2, 1, 1, 1]: expected 1 pictures',
  );
});

Deno.test("drawText() has a letter of its own for everything that labels need", () => {
  const shapes = [..."abcdefghijklmnopqrstuvwxyz0123456789.,:-+/%()"].map((letter) => {
    const lit: string[] = [];
    drawText(letter, (y, x) => lit.push(`${y} ${x}`));
    assert(lit.length >= 3 && lit.every((place) => /^[0-6] [0-4]$/.test(place)), letter);
    return lit.join();
  });
  assertEquals(new Set(shapes).size, shapes.length);
  const drawn = (text: string): string[] => {
    const rows = Array.from(
      { length: 7 },
      () => Array.from({ length: 6 * text.length }, () => "."),
    );
    drawText(text, (y, x) => rows[y]![x] = "#");
    return rows.map((row) => row.join(""));
  };
  assertEquals(drawn("Lt"), [
    ".##....#....",
    "..#....#....",
    "..#...###...",
    "..#....#....",
    "..#....#....",
    "..#....#..#.",
    ".###....##..",
  ]);
});
