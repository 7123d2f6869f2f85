import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { CheckpointStore, loadCheckpoint, saveCheckpoint } from "../../src/run/checkpoint.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  type TensorFile,
} from "../../src/run/safetensors.ts";

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function encode(file: TensorFile): Uint8Array<ArrayBuffer> {
  const pieces = encodeSafetensors(file);
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

/** A file with any header and any number of data bytes. */
function withHeader(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const everyType: Record<string, StoredTensor> = {
  f64: { dtype: "F64", shape: [1], data: Float64Array.of(Math.PI) },
  f32: { dtype: "F32", shape: [2, 3], data: Float32Array.of(0, -0, NaN, Infinity, 1e-45, 3) },
  i64: { dtype: "I64", shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
  u64: { dtype: "U64", shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  i32: { dtype: "I32", shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) },
  u32: { dtype: "U32", shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
  i16: { dtype: "I16", shape: [1], data: Int16Array.of(-32768) },
  u16: { dtype: "U16", shape: [1], data: Uint16Array.of(65535) },
  f16: { dtype: "F16", shape: [1], data: Uint16Array.of(0x3c00) },
  bf16: { dtype: "BF16", shape: [1], data: Uint16Array.of(0x3f80) },
  i8: { dtype: "I8", shape: [3], data: Int8Array.of(-128, 0, 127) },
  u8: { dtype: "U8", shape: [1], data: Uint8Array.of(255) },
  bool: { dtype: "BOOL", shape: [2], data: Uint8Array.of(0, 1) },
  scalar: { dtype: "F32", shape: [], data: Float32Array.of(5) },
  empty: { dtype: "F32", shape: [0, 4], data: new Float32Array() },
};

Deno.test("encodeSafetensors() and decodeSafetensors() round trip every type bit for bit", () => {
  const metadata = { step: "7", "ключ": 'a "b"\n' };
  const decoded = decodeSafetensors(encode({ tensors: everyType, metadata }));
  assertEquals(decoded.metadata, metadata);
  assertEquals(Object.keys(decoded.tensors).sort(), Object.keys(everyType).sort());
  for (const [name, expected] of Object.entries(everyType)) {
    const found = decoded.tensors[name]!;
    assertEquals([found.dtype, found.shape], [expected.dtype, expected.shape]);
    const raw = ({ data }: StoredTensor) =>
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    assertEquals(raw(found), raw(expected), name);
  }
});

Deno.test("encodeSafetensors() follows the layout of the format", () => {
  const bytes = encode({
    tensors: {
      b: { dtype: "U8", shape: [1], data: Uint8Array.of(9) },
      a: { dtype: "F32", shape: [1], data: Float32Array.of(1) },
    },
    metadata: { format: "pt" },
  });
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assertEquals(length % 8, 0);
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  assertEquals(
    header.trimEnd(),
    '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' +
      '"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}',
  );
  assertEquals([...bytes.subarray(8 + length)], [0, 0, 128, 63, 9]);
});

Deno.test("encodeSafetensors() gives equal bytes whatever the order of the names", () => {
  const reversed = Object.fromEntries(Object.entries(everyType).reverse());
  assertEquals(
    encode({ tensors: reversed, metadata: { b: "2", a: "1" } }),
    encode({ tensors: everyType, metadata: { a: "1", b: "2" } }),
  );
});

Deno.test("encodeSafetensors() takes a view of a larger buffer and rejects a wrong length", () => {
  const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
  const { tensors } = decodeSafetensors(
    encode({ tensors: { v: { dtype: "F32", shape: [2], data } }, metadata: {} }),
  );
  assertEquals(tensors["v"]!.data, Float32Array.of(2, 3));
  const wrong = { dtype: "F32", shape: [3], data } as const;
  assertThrows(
    () => encodeSafetensors({ tensors: { v: wrong }, metadata: {} }),
    TypeError,
    'tensor "v": found Float32Array of length 2, expected Float32Array of length 3',
  );
  const mistyped = { dtype: "I32", shape: [2], data } as unknown as StoredTensor;
  assertThrows(
    () => encodeSafetensors({ tensors: { v: mistyped }, metadata: {} }),
    TypeError,
    "I32",
  );
  const reserved = { __metadata__: { dtype: "F32", shape: [2], data } } as const;
  assertThrows(() => encodeSafetensors({ tensors: reserved, metadata: {} }), TypeError, "reserved");
});

Deno.test("decodeSafetensors() rejects every inconsistent header, naming the tensor", () => {
  const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({
    dtype: "F32",
    shape,
    data_offsets: [begin, end],
  });
  const cases: [unknown, number, string][] = [
    [{ a: f32(0, 8) }, 4, "found 4 bytes of data, expected 8"],
    [{ a: f32(0, 4) }, 8, "found 8 bytes of data, expected 4"],
    [{ a: f32(0, 8), b: f32(4, 12) }, 12, 'tensor "b" begins at 4, expected 8'],
    [{ a: f32(0, 4), b: f32(8, 12) }, 12, 'tensor "b" begins at 8, expected 4'],
    [{ a: f32(0, 4, [2]) }, 4, 'tensor "a" takes 4 bytes, expected 8'],
    [{ a: f32(4, 0, [0]) }, 4, "takes -4 bytes"],
    [{ a: f32(0, 4, [-1]) }, 4, "shape of natural numbers"],
    [{ a: f32(0, 4, [1.5]) }, 4, "shape of natural numbers"],
    [{ a: f32(0, 4, [2 ** 40, 2 ** 40]) }, 4, "takes 4 bytes"],
    [{ a: { ...f32(0, 4), dtype: "F33" } }, 4, 'dtype "F33", expected one of F64'],
    [{ a: { ...f32(0, 4), dtype: "constructor" } }, 4, "dtype"],
    [{ a: { dtype: "F32", shape: [1], data_offsets: [0, 2, 4] } }, 4, "two data_offsets"],
    [{ a: null }, 4, "dtype"],
    [JSON.parse(`{"__proto__":${JSON.stringify(f32(0, 4))}}`), 4, '"__proto__", which is reserved'],
    [{ __metadata__: { step: 1 } }, 0, "only text"],
    [[], 0, "not a JSON object"],
  ];
  for (const [header, dataBytes, message] of cases) {
    assertThrows(() => decodeSafetensors(withHeader(header, dataBytes)), SyntaxError, message);
  }
});

Deno.test("decodeSafetensors() bounds the header and rejects every truncation", () => {
  const bytes = encode({ tensors: everyType, metadata: { a: "b" } });
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeSafetensors(bytes.slice(0, length)), SyntaxError);
  }
  const neither = encode({ tensors: { b: everyType["bool"]! }, metadata: {} });
  neither[neither.length - 1] = 2;
  assertThrows(() => decodeSafetensors(neither), SyntaxError, "neither 0 nor 1");
  const huge = bytes.slice();
  new DataView(huge.buffer).setBigUint64(0, 2n ** 63n, true);
  assertThrows(() => decodeSafetensors(huge), SyntaxError, "the header claims");
  const notJson = bytes.slice();
  notJson[8] = 0x5d;
  assertThrows(() => decodeSafetensors(notJson), SyntaxError, "not JSON");
});

const content = (value: number): TensorFile => ({
  tensors: { w: { dtype: "F32", shape: [3], data: Float32Array.of(value, 0, -value) } },
  metadata: { value: String(value) },
});

Deno.test("loadCheckpoint() notices any flipped bit of the file", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    await saveCheckpoint(path, content(1));
    assertEquals(await loadCheckpoint(path), content(1));
    const bytes = await Deno.readFile(path);
    for (let bit = 0; bit < 8 * bytes.length; bit += 3) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await Deno.writeFile(path, flipped);
      await assertRejects(() => loadCheckpoint(path), SyntaxError, `checkpoint ${path}: `);
    }
  }));

Deno.test("loadCheckpoint() refuses a file without checksum and names a missing one", () =>
  inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a`, encode(content(2)));
    await assertRejects(
      () => loadCheckpoint(`${folder}/a`),
      SyntaxError,
      `${folder}/a: found no sha256 in its header`,
    );
    const metadata = { sha256: "0".repeat(64) };
    await assertRejects(
      () => saveCheckpoint(`${folder}/a`, { ...content(2), metadata }),
      TypeError,
      "reserved",
    );
    await assertRejects(() => loadCheckpoint(`${folder}/b`), Error, `${folder}/b: no such file`);
  }));

Deno.test("CheckpointStore keeps the last few and finds the latest", () =>
  inFolder(async (folder) => {
    const store = new CheckpointStore(`${folder}/new/place`, { keep: 3 });
    assertEquals(await store.list(), []);
    assertEquals(await store.latest(), undefined);
    for (const step of [0, 5, 9, 10, 100]) await store.save(step, content(step));
    assertEquals((await store.list()).map((entry) => entry.step), [9, 10, 100]);
    const latest = await store.latest();
    assertEquals([latest?.step, latest?.metadata], [100, { value: "100" }]);
    assertEquals(latest?.path, `${store.folder}/step-000000100.safetensors`);
  }));

Deno.test("CheckpointStore passes over a corrupt checkpoint and says so", () =>
  inFolder(async (folder) => {
    const store = new CheckpointStore(folder);
    await store.save(1, content(1));
    const path = await store.save(2, content(2));
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.subarray(0, bytes.length - 1));
    const passedOver: string[] = [];
    const latest = await store.latest({ onCorrupt: (error) => passedOver.push(error.message) });
    assertEquals(latest?.step, 1);
    assertEquals(passedOver.length, 1);
    assertStringIncludes(passedOver[0]!, `Cannot read the checkpoint ${path}: its sha256 is`);
    assertStringIncludes(passedOver[0]!, `Using ${latest!.path} instead.`);
    await assertRejects(() => store.latest(), SyntaxError, path);
    await Deno.writeFile(latest!.path, new Uint8Array());
    const nothing = await assertRejects(() => store.latest({ onCorrupt: () => {} }), Error, path);
    assertStringIncludes(nothing.message, latest!.path);
  }));

Deno.test("CheckpointStore.save() removes the future that a resumed run has left", () =>
  inFolder(async (folder) => {
    const store = new CheckpointStore(folder, { keep: 2 });
    for (const step of [10, 20, 30]) await store.save(step, content(step));
    await Deno.writeTextFile(`${folder}/notes.txt`, "mine");
    await store.save(25, content(25));
    assertEquals((await store.list()).map((entry) => entry.step), [20, 25]);
    assertEquals(await Deno.readTextFile(`${folder}/notes.txt`), "mine");
  }));

Deno.test("CheckpointStore throws on wrong steps and counts", async () => {
  assertThrows(() => new CheckpointStore("x", { keep: 0 }), RangeError, "keep 0");
  const store = new CheckpointStore("x");
  await assertRejects(() => store.save(-1, content(1)), RangeError, "step -1");
  await assertRejects(() => store.save(1.5, content(1)), RangeError, "step 1.5");
});
