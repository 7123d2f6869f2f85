import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { decodeImage, decodeJpeg, decodePng, resizeImage } from "../../src/data/mod.ts";
import { checkImageSize, withChannels } from "../../src/data/decoded_image.ts";
import { exifOrientation, orient } from "../../src/data/exif_orientation.ts";
import { IMAGE_FIXTURES, type ImageFixture } from "./image_fixtures.ts";
import { MORE_IMAGE_FIXTURES } from "./image_fixtures_more.ts";
import { png, pngChunk, pngFile, pngHeader } from "./png_fixtures.ts";

const ALL_FIXTURES = [...IMAGE_FIXTURES, ...MORE_IMAGE_FIXTURES];

function fixture(name: string): ImageFixture {
  return ALL_FIXTURES.find((candidate) => candidate.name === name)!;
}

/** A copy of a file with one byte changed. */
function flip(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at]! ^= 0x10;
  return changed;
}

for (const { name, file, shape, pixels } of ALL_FIXTURES) {
  Deno.test(`decodeImage() decodes ${name}, as Pillow does`, async () => {
    const image = await decodeImage(Uint8Array.fromBase64(file));
    assertEquals([image.height, image.width, image.channels], [shape[0], shape[1], shape[2] ?? 1]);
    const expected = Uint8Array.fromBase64(pixels);
    // Colour conversion of CMYK is rounded differently; everything else is the same to the bit.
    const tolerance = name.startsWith("JPEG, CMYK") ? 2 : 0;
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
  // Of a wide image only the black centre counts, whatever the filter would reach outside.
  const wide = { width: 24, height: 8, channels: 1 as const, pixels: new Uint8Array(192) };
  wide.pixels.forEach((_, at) => wide.pixels[at] = at % 24 < 8 || at % 24 >= 16 ? 255 : 0);
  for (const size of [1, 2, 3, 16]) assert(resizeImage(wide, size).pixels.every((p) => p === 0));
  const tall = { ...wide, width: 8, height: 24, pixels: wide.pixels.slice() };
  tall.pixels.forEach((_, at) => tall.pixels[at] = at < 64 || at >= 128 ? 255 : 0);
  assert(resizeImage(tall, 2).pixels.every((p) => p === 0));
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

Deno.test("resizeImage() is Pillow's, to a byte's last digit", () => {
  // Image.crop((1, 0, 10, 9)).resize((4, 4), Image.BILINEAR) of Pillow 12.3.
  const pillow = [108, 107, 139, 91, 128, 165, 138, 127, 126, 150, 119, 97, 101, 165, 164, 125];
  const pixels = Uint8Array.from({ length: 99 }, (_, at) => {
    const [y, x] = [Math.floor(at / 11), at % 11];
    return (31 * y + 17 * x * x + 53 * y * x) % 256;
  });
  const resized = resizeImage({ width: 11, height: 9, channels: 1, pixels }, 4).pixels;
  resized.forEach((byte, at) => assertAlmostEquals(byte, pillow[at]!, 1));
  const off = resized.filter((byte, at) => byte !== pillow[at]).length;
  assert(off <= 5, `${off} of 16 differ`);
});

Deno.test("exifOrientation() reads both byte orders and takes nonsense for upright", () => {
  const tiff = (order: string, tag: number, type: number, value: number) => {
    const bytes = new Uint8Array(26);
    const view = new DataView(bytes.buffer);
    const little = order === "II";
    bytes.set(new TextEncoder().encode(order));
    view.setUint16(2, 42, little);
    view.setUint32(4, 8, little);
    view.setUint16(8, 1, little);
    [tag, type].forEach((field, index) => view.setUint16(10 + 2 * index, field, little));
    view.setUint32(14, 1, little);
    view.setUint16(18, value, little);
    return bytes;
  };
  for (const order of ["II", "MM"]) {
    for (let value = 1; value <= 8; value++) {
      assertEquals(exifOrientation(tiff(order, 0x0112, 3, value)), value);
    }
    for (const value of [0, 9, 65535]) {
      assertEquals(exifOrientation(tiff(order, 0x112, 3, value)), 1);
    }
    assertEquals(exifOrientation(tiff(order, 0x0113, 3, 6)), 1);
    assertEquals(exifOrientation(tiff(order, 0x0112, 4, 6)), 1);
    for (let length = 0; length < 22; length++) {
      assertEquals(exifOrientation(tiff(order, 0x0112, 3, 6).slice(0, length)), 1);
    }
  }
});

Deno.test("orient() is undone by the inverse orientation", () => {
  const pixels = Uint8Array.from({ length: 18 }, (_, at) => at);
  const image = { width: 3, height: 2, channels: 3 as const, pixels };
  for (let orientation = 1; orientation <= 8; orientation++) {
    const inverse = { 6: 8, 8: 6 }[orientation] ?? orientation;
    assertEquals(orient(orient(image, orientation), inverse), image);
  }
});

Deno.test("decodeJpeg() decodes the next image after any damaged one", async () => {
  const { file, pixels } = fixture("JPEG, restart markers");
  const bytes = Uint8Array.fromBase64(file);
  let refused = 0;
  for (let at = 2; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at]! ^= at % 2 === 0 ? 128 : 1;
    await decodeJpeg(damaged).catch(({ message }) => {
      if (message.includes("MozJPEG refuses")) refused++;
    });
    const image = await decodeJpeg(bytes);
    assertEquals(image.pixels, Uint8Array.fromBase64(pixels), `after byte ${at}`);
  }
  assert(refused > 10, `${refused} refused`);
  // At once: one failure must not break the others.
  const images = await Promise.allSettled(
    Array.from({ length: 20 }, (_, at) => decodeJpeg(at % 2 ? flip(bytes, 160) : bytes)),
  );
  images.forEach(({ status }, at) => {
    if (at % 2 === 0) assertEquals(status, "fulfilled");
  });
});

Deno.test("decodeJpeg() refuses what libjpeg only warns of, unless it is asked to tell", async () => {
  const bytes = Uint8Array.fromBase64(fixture("JPEG, half-size chroma").file);
  const extra = new Uint8Array(bytes.length + 9);
  // Bytes too many before the end marker.
  extra.set(bytes.subarray(0, -2));
  extra.set(bytes.subarray(-2), extra.length - 2);
  await assertRejects(() => decodeJpeg(extra), Error, "wonders (Corrupt JPEG data: 7 extraneous");
  const told: string[] = [];
  const image = await decodeJpeg(extra, { onFault: (fault) => told.push(fault) });
  assertEquals(image.pixels, (await decodeJpeg(bytes)).pixels);
  assertEquals(told.length, 1);
});

Deno.test("decodeJpeg() names the byte of a segment that is out of place", async () => {
  const bytes = Uint8Array.fromBase64(fixture("JPEG, half-size chroma").file);
  const frame = bytes.findIndex((byte, at) => byte === 0xff && bytes[at + 1] === 0xc0);
  const change = (changes: Record<number, number>) => {
    const copy = bytes.slice();
    for (const [at, byte] of Object.entries(changes)) copy[frame + Number(at)] = byte;
    return () => decodeJpeg(copy);
  };
  const place = `frame header at byte ${frame + 2}`;
  await assertRejects(change({ 4: 12 }), Error, `${place} with 12 bits`);
  await assertRejects(change({ 9: 2 }), Error, `${place} with 2 components`);
  await assertRejects(change({ 1: 0xc9 }), Error, `${place} with another process`);
  await assertRejects(change({ 3: 18 }), Error, `${place} with 18 bytes`);
  await assertRejects(change({ 2: 255 }), Error, `segment c0 at byte ${frame}`);
  // More pixels than so few bytes can hold are refused before memory is asked for.
  await assertRejects(
    change({ 5: 255, 6: 255, 7: 255, 8: 255 }),
    Error,
    "65535 x 65535 pixels in",
  );
  // Tables of symbols without a meaning or twice the same, and of steps of 0.
  const find = (marker: number) =>
    bytes.findIndex((byte, at) => byte === 0xff && bytes[at + 1] === marker) - frame;
  const symbol = find(0xc4) + 4 + 17 + 3;
  await assertRejects(change({ [symbol]: 13 }), Error, `symbol 13 at byte ${frame + symbol} of a`);
  await assertRejects(change({ [symbol]: bytes[frame + symbol + 1]! }), Error, "once each");
  const step = find(0xdb) + 4 + 1 + 9;
  await assertRejects(change({ [step]: 0 }), Error, `step of 0 at byte ${frame + step}`);
  const scan = bytes.findIndex((byte, at) => byte === 0xff && bytes[at + 1] === 0xda);
  const scans = [...bytes.subarray(0, scan)];
  for (let time = 0; time < 129; time++) scans.push(...bytes.subarray(scan, -2));
  await assertRejects(
    () => decodeJpeg(Uint8Array.from([...scans, 0xff, 0xd9])),
    Error,
    "more than 128 scans",
  );
});

Deno.test("decodePng() refuses chunks out of order, and more pixels than the data can hold", () => {
  const whole = png(8, 8, (x, y) => x ^ y);
  const parts = { header: pngHeader(8, 8, 1), end: pngChunk("IEND", new Uint8Array(0)) };
  const data = pngChunk("IDAT", whole.slice(41, -16));
  const text = pngChunk("tEXt", Uint8Array.of(65, 0, 66));
  const { header, end } = parts;
  assertEquals(decodePng(pngFile([header, text, data, text, end])), decodePng(whole));
  assertThrows(
    () => decodePng(pngFile([data, header, end])),
    Error,
    "IDAT at byte 8, expected IHDR",
  );
  assertThrows(() => decodePng(pngFile([header, header, data, end])), Error, "expected one IHDR");
  assertThrows(() => decodePng(pngFile([header, data, text, data, end])), Error, "in a row");
  const palette = pngChunk("PLTE", new Uint8Array(4));
  assertThrows(
    () => decodePng(pngFile([header, palette, data, end])),
    Error,
    "PLTE at byte 33 of 4",
  );
  const huge = pngFile([pngHeader(10_000, 10_000, 1), data, end]);
  assertThrows(() => decodePng(huge), Error, "10000 x 10000 pixels in");
});

Deno.test("decodeJpeg() says what is needed where it may not read its decoder", async () => {
  const module = new URL("../../src/data/decode_jpeg.ts", import.meta.url).href;
  const program = `
    import { decodeJpeg } from ${JSON.stringify(module)};
    await decodeJpeg(Uint8Array.fromBase64(${JSON.stringify(fixture("JPEG, grey").file)}));`;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, program);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check", "--config"],
        decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname),
        path,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 1);
    assertStringIncludes(said, "Cannot load the decoder of JPEG images: Requires read access to ");
    assertStringIncludes(said, 'mozjpeg_dec.wasm", where Deno keeps packages. -P=experiment');
  } finally {
    await Deno.remove(path);
  }
});
