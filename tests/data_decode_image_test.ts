import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { decodeImage, decodeJpeg, decodePng, resizeImage } from "../src/data/mod.ts";
import { checkImageSize, withChannels } from "../src/data/decoded_image.ts";
import { IMAGE_FIXTURES, type ImageFixture } from "./data_image_fixtures.ts";

function fixture(name: string): ImageFixture {
  return IMAGE_FIXTURES.find((candidate) => candidate.name === name)!;
}

/** A copy of a file with one byte changed. */
function flip(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at]! ^= 0x10;
  return changed;
}

for (const { name, file, shape, pixels } of IMAGE_FIXTURES) {
  Deno.test(`decodeImage() decodes ${name}, as Pillow does`, async () => {
    const image = await decodeImage(Uint8Array.fromBase64(file));
    assertEquals([image.height, image.width, image.channels], [shape[0], shape[1], shape[2] ?? 1]);
    const expected = Uint8Array.fromBase64(pixels);
    // Colour conversion of CMYK is rounded differently; everything else is the same to the bit.
    const tolerance = name === "JPEG, CMYK" ? 2 : 0;
    assertEquals(image.pixels.length, expected.length);
    expected.forEach((byte, at) =>
      assert(Math.abs(byte - image.pixels[at]!) <= tolerance, `byte ${at}: ${image.pixels[at]}`)
    );
  });
}

Deno.test("decodePng() gives the painted colours", () => {
  const { pixels } = decodePng(Uint8Array.fromBase64(fixture("PNG, RGB, interlaced").file));
  for (let y = 0; y < 5; y++) {
    for (let x = 0; x < 9; x++) {
      const at = (y * 9 + x) * 3;
      assertEquals([...pixels.subarray(at, at + 3)], [28 * x, 50 * y, 7 * x * y + x]);
    }
  }
});

Deno.test("decodePng() refuses a file with any byte changed or cut off", () => {
  const bytes = Uint8Array.fromBase64(fixture("PNG, RGB, 8 bits").file);
  for (let at = 0; at < bytes.length; at++) {
    assertThrows(() => decodePng(flip(bytes, at)), Error, "Cannot decode a PNG image");
  }
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodePng(bytes.slice(0, length)), Error, "Cannot decode a PNG image");
  }
});

Deno.test("decodeJpeg() refuses cut files at every length", async () => {
  for (const name of ["JPEG, half-size chroma", "JPEG, progressive", "JPEG, CMYK"]) {
    const bytes = Uint8Array.fromBase64(fixture(name).file);
    for (let length = 2; length < bytes.length; length += 3) {
      await assertRejects(() => decodeJpeg(bytes.slice(0, length)), Error, "Cannot decode a JPEG");
    }
    await assertRejects(() => decodeJpeg(bytes.slice(0, -1)), Error, "no end marker");
  }
});

Deno.test("decodeJpeg() allows bytes after the end marker", async () => {
  const { file, pixels } = fixture("JPEG, grey");
  const image = await decodeJpeg(
    new Uint8Array([...Uint8Array.fromBase64(file), 0, 0, 1, 2]),
  );
  assertEquals(image.pixels, Uint8Array.fromBase64(pixels));
});

Deno.test("decodeImage() refuses other formats and absurd sizes", async () => {
  await assertRejects(() => decodeImage(new Uint8Array(0)), Error, "starts with nothing");
  await assertRejects(
    () => decodeImage(new TextEncoder().encode("RIFF....WEBP")),
    Error,
    "52 49 46 46",
  );
  assertThrows(() => checkImageSize(1 << 20, 1 << 20), RangeError, "1048576 x 1048576");
  assertThrows(() => checkImageSize(0, 5), RangeError, "0 x 5");
});

Deno.test("withChannels() goes from grey to RGB and back without loss", () => {
  const pixels = Uint8Array.from({ length: 256 }, (_, value) => value);
  const grey = { width: 16, height: 16, channels: 1 as const, pixels };
  assertEquals(withChannels(withChannels(grey, 3), 1).pixels, pixels);
});

Deno.test("resizeImage() keeps constants and the mean, halves by averaging, cuts the centre", () => {
  const constant = { width: 7, height: 5, channels: 3 as const, pixels: new Uint8Array(105) };
  constant.pixels.fill(93);
  for (const size of [1, 3, 5, 11]) {
    const resized = resizeImage(constant, size);
    assertEquals([resized.width, resized.height, resized.pixels.length], [
      size,
      size,
      3 * size ** 2,
    ]);
    assert(resized.pixels.every((byte) => byte === 93));
  }
  // The centre of a wide image with coloured sides (the filter reaches one pixel beyond the cut).
  const wide = { width: 8, height: 2, channels: 1 as const, pixels: new Uint8Array(16).fill(200) };
  [2, 3, 4, 5, 10, 11, 12, 13].forEach((at) => wide.pixels[at] = 50);
  assertEquals([...resizeImage(wide, 1).pixels], [50]);
  const ramp = {
    width: 4,
    height: 4,
    channels: 1 as const,
    pixels: Uint8Array.from({ length: 16 }, (_, at) => (at % 4) * 40),
  };
  // Taps 1/4 3/4 3/4 1/4 around each pair, cut off and normalised at the border:
  // (3 * 0 + 3 * 40 + 80) / 7 and its mirror image.
  assertEquals([...resizeImage(ramp, 2).pixels], [29, 91, 29, 91]);
  assertThrows(() => resizeImage(ramp, 0), RangeError, "size 0");
});
