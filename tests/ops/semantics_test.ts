/** What primitives compute, against numbers and formulas that come from elsewhere. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Aval } from "../../src/ir/aval.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import * as ops from "../../src/ops/mod.ts";
import { run, subjectOf } from "../cases/laws.ts";
import { primitiveCases } from "../cases/primitives.ts";

type Row = readonly [values: readonly number[], shape: readonly number[], dtype?: Aval["dtype"]];

function compute(build: (...tensors: Tensor[]) => Tensor, ...rows: Row[]): number[] {
  const inputs = rows.map(([values, shape, dtype = "f32"]) => ndArray({ shape, dtype }, values));
  return Array.from(run((...tensors) => [build(...tensors)], inputs)[0]!.data);
}

Deno.test("erf() agrees with the tables", () => {
  const points = [0, 0.5, 1, 2, 2.5, 3, -1];
  const table = [
    0,
    0.5204998778130465,
    0.8427007929497149,
    0.9953222650189527,
    0.999593047982555,
    0.9999779095030014,
    -0.8427007929497149,
  ];
  compute(ops.erf, [points, [7]]).forEach((value, k) => {
    assertAlmostEquals(value, table[k]!, 1e-14);
  });
});

Deno.test("integer arithmetic wraps modulo 2^32", () => {
  const u = "u32" as const;
  const most = 2 ** 32 - 1;
  assertEquals(compute(ops.mul, [[most, 123456789], [2], u], [[most, 987654321], [2], u]), [
    1,
    Number(123456789n * 987654321n % 2n ** 32n),
  ]);
  assertEquals(compute(ops.add, [[most], [1], u], [[2], [1], u]), [1]);
  assertEquals(compute(ops.sub, [[1], [1], u], [[2], [1], u]), [most]);
  const wide = 2_000_000_011;
  assertEquals(compute(ops.mul, [[wide], [1], "i32"], [[-wide], [1], "i32"]), [
    Number(BigInt.asIntN(32, BigInt(wide) * BigInt(-wide))),
  ]);
});

Deno.test("mul() of large whole f32 numbers does not wrap", () => {
  assertEquals(compute(ops.mul, [[1e10], []], [[3e10], []]), [3e20]);
});

Deno.test("div() of integers rounds to zero", () => {
  const rows: Row[] = [[[7, -7, 7, -7], [4], "i32"], [[2, 2, -2, -2], [4], "i32"]];
  assertEquals(compute(ops.div, ...rows), [3, -3, -3, 3]);
});

Deno.test("div() of integers by 0, or where the quotient does not fit, gives the dividend", () => {
  const least = -(2 ** 31);
  const rows: Row[] = [[[7, -7, 0, least], [4], "i32"], [[0, 0, 0, -1], [4], "i32"]];
  assertEquals(compute(ops.div, ...rows), [7, -7, 0, least]);
  assertEquals(compute(ops.div, [[7], [1], "u32"], [[0], [1], "u32"]), [7]);
});

Deno.test("convert() takes what is beyond an integer for the nearest that f32 holds, NaN for 0", () => {
  const x: Row = [[5e9, -1.9, 3e9, -3e9, Infinity, -Infinity, NaN], [7]];
  const [high, low] = [2 ** 31 - 128, -(2 ** 31)];
  assertEquals(compute((t) => ops.convert(t, "i32"), x), [high, -1, high, low, high, low, 0]);
  const most = 2 ** 32 - 256;
  assertEquals(compute((t) => ops.convert(t, "u32"), x), [most, 0, 3e9, 0, most, 0, 0]);
  assertEquals(compute((t) => ops.convert(t, "bool"), [[NaN, -0, Infinity], [3]]), [1, 0, 1]);
});

Deno.test("convert() rounds to zero, and keeps the bits of integers", () => {
  assertEquals(compute((x) => ops.convert(x, "i32"), [[1.9, -1.9, -0.5], [3]]), [1, -1, 0]);
  assertEquals(compute((x) => ops.convert(x, "u32"), [[-1], [1], "i32"]), [2 ** 32 - 1]);
  assertEquals(compute((x) => ops.convert(x, "bool"), [[0, -0.25, 3], [3]]), [0, 1, 1]);
});

Deno.test("shifts fill with zeros", () => {
  const u = "u32" as const;
  const top = 0x80000001;
  assertEquals(compute(ops.shiftRight, [[top], [1], u], [[31], [1], u]), [1]);
  assertEquals(compute(ops.shiftLeft, [[top], [1], u], [[1], [1], u]), [2]);
});

Deno.test("ties go to the first", () => {
  const x: Row = [[1, 3, 3, 2, 3, 0], [2, 3]];
  assertEquals(compute((t) => ops.argMax(t, [1]), x), [1, 1]);
  assertEquals(compute((t) => ops.argMax(t, [0, 1]), x), [1]);
  assertEquals(compute((t) => ops.argMax(t, [0]), x), [1, 0, 0]);
  const negative: Row = [[-Infinity, -Infinity], [2]];
  assertEquals(compute((t) => ops.argMax(t, [0]), negative), [0]);
  assertEquals(compute((t) => ops.reduceMax(t, [0]), negative), [-Infinity]);
});

Deno.test("views move the elements they name", () => {
  const x: Row = [[0, 1, 2, 3, 4, 5], [2, 3]];
  assertEquals(compute((t) => ops.permute(t, [1, 0]), x), [0, 3, 1, 4, 2, 5]);
  assertEquals(compute((t) => ops.reverse(t, [1]), x), [2, 1, 0, 5, 4, 3]);
  assertEquals(
    compute((t) => ops.slice(t, { start: [0, 1], shape: [2, 1], stride: [1, 2] }), x),
    [1, 4],
  );
  assertEquals(
    compute((t) => ops.pad(t, { low: [1], high: [2], interior: [1] }), [[5, 6], [2]]),
    [0, 5, 0, 6, 0, 0],
  );
  assertEquals(compute((t) => ops.broadcast(t, [3, 2], [1]), [[7, 8], [2]]), [7, 8, 7, 8, 7, 8]);
  assertEquals(compute((t) => ops.broadcast(t, [2, 3], [0]), [[7, 8], [2]]), [7, 7, 7, 8, 8, 8]);
  assertEquals(compute((t) => ops.concat([t, t], 1), x), [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
  assertEquals(compute(() => ops.iota([2, 3], [1]), [[], [0]]), [0, 1, 2, 0, 1, 2]);
  assertEquals(compute(() => ops.iota([2, 3], [0, 1]), [[], [0]]), [0, 1, 2, 3, 4, 5]);
  assertEquals(compute(() => ops.iota([2, 3], [0]), [[], [0]]), [0, 0, 0, 1, 1, 1]);
});

Deno.test("gather() and scatterAdd() clamp indices into the rows", () => {
  const k: Row = [[-1, 1, 9], [3], "i32"];
  assertEquals(compute((x, i) => ops.gather(x!, i!), [[10, 11, 12], [3]], k), [10, 11, 12]);
  assertEquals(
    compute((x, i) => ops.scatterAdd(x!, i!, { rows: 2 }), [[1, 2, 4], [3]], k),
    [1, 6],
  );
});

Deno.test("empty tensors go through", () => {
  const empty: Row = [[], [0, 3]];
  assertEquals(compute((x) => ops.sum(x, [0]), empty), [0, 0, 0]);
  assertEquals(compute((x) => ops.concat([x, x], 0), empty), []);
  assertEquals(compute((x) => ops.pad(x, { low: [1, 0], high: [0, 0] }), empty), [0, 0, 0]);
  assertEquals(compute((x) => ops.exp(x), empty), []);
});

Deno.test("matmul() is the sum over the inner axis", () => {
  for (const entry of primitiveCases.filter(({ primitive }) => primitive === "matmul")) {
    const { fn, point: [a, b = a] } = subjectOf(entry);
    const transposeA = /transposeA|both/.test(entry.name);
    const transposeB = /transposeB|both/.test(entry.name);
    const [result] = run(fn, subjectOf(entry).point);
    const [rows, columns] = result!.shape.slice(-2) as [number, number];
    const inner = a!.shape.at(transposeA ? -2 : -1)!;
    result!.data.forEach((value, at) => {
      const [batch, i, j] = [
        Math.floor(at / rows / columns),
        Math.floor(at / columns) % rows,
        at % columns,
      ];
      let expected = 0;
      for (let k = 0; k < inner; k++) {
        const left = transposeA ? k * rows + i : i * inner + k;
        const right = transposeB ? j * inner + k : k * columns + j;
        expected += a!.data[batch * rows * inner + left]! *
          b!.data[batch * inner * columns + right]!;
      }
      assertAlmostEquals(value, expected, 1e-12, entry.name);
    });
  }
});

Deno.test("conv2d() is the sum over window and channels", () => {
  const params: ops.Conv2dParams = {
    input: [5, 6],
    kernel: [2, 3],
    stride: [2, 1],
    padding: [1, 0, 2, 1],
  };
  const [sets, images, inChannels, outChannels] = [2, 3, 2, 5];
  const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
  const xShape = [sets, images, 5, 6, inChannels];
  const wShape = [sets, 2, 3, inChannels, outChannels];
  const x = ndArray(
    { shape: xShape, dtype: "f32" },
    Array.from({ length: size(xShape) }, (_, k) => Math.sin(k)),
  );
  const w = ndArray(
    { shape: wShape, dtype: "f32" },
    Array.from({ length: size(wShape) }, (_, k) => Math.cos(3 * k)),
  );
  const at = (index: number[], shape: number[]): number =>
    index.reduce((flat, part, axis) => flat * shape[axis]! + part, 0);
  const [y] = run((a, b) => [ops.conv2d(a!, b!, params)], [x, w]);
  assertEquals(y!.shape, [2, 3, 4, 5, 5]);
  y!.data.forEach((value, flat) => {
    const o = flat % 5;
    const ox = Math.floor(flat / 5) % 5;
    const oy = Math.floor(flat / 25) % 4;
    const n = Math.floor(flat / 100) % 3;
    const b = Math.floor(flat / 300);
    let expected = 0;
    for (let ky = 0; ky < 2; ky++) {
      for (let kx = 0; kx < 3; kx++) {
        for (let c = 0; c < inChannels; c++) {
          const [iy, ix] = [oy * 2 - 1 + ky, ox + kx];
          if (iy < 0 || iy >= 5 || ix < 0 || ix >= 6) continue;
          expected += x.data[at([b, n, iy, ix, c], xShape)]! *
            w.data[at([b, ky, kx, c, o], wShape)]!;
        }
      }
    }
    assertAlmostEquals(value, expected, 1e-12);
  });
});

/** Threefry-2x32-20 written from the paper, with both words of the counter. */
function threefry(key: [bigint, bigint], counter: [bigint, bigint]): [bigint, bigint] {
  const mask = 0xffffffffn;
  const keys = [key[0], key[1], 0x1bd11bdan ^ key[0] ^ key[1]];
  let x0 = (counter[0] + keys[0]!) & mask;
  let x1 = (counter[1] + keys[1]!) & mask;
  for (let round = 0; round < 20; round++) {
    const by = [13n, 15n, 26n, 6n, 17n, 29n, 16n, 24n][round % 8]!;
    x0 = (x0 + x1) & mask;
    x1 = (((x1 << by) | (x1 >> (32n - by))) & mask) ^ x0;
    if (round % 4 === 3) {
      const s = (round + 1) / 4;
      x0 = (x0 + keys[s % 3]!) & mask;
      x1 = (x1 + keys[(s + 1) % 3]! + BigInt(s)) & mask;
    }
  }
  return [x0, x1];
}

Deno.test("randomBits() is Threefry-2x32-20", () => {
  // Known answers published with Random123.
  assertEquals(threefry([0n, 0n], [0n, 0n]), [0x6b200159n, 0x99ba4efen]);
  const all = 0xffffffffn;
  assertEquals(threefry([all, all], [all, all]), [0x1cb996fcn, 0xbb002be7n]);
  assertEquals(
    threefry([0x13198a2en, 0x03707344n], [0x243f6a88n, 0x85a308d3n]),
    [0xc4923a9cn, 0x483df7a0n],
  );
  const keys = [0, 0, 1, 2, 0xffffffff, 0x80000000, 0xdeadbeef, 0x12345678];
  const bits = compute((key) => ops.randomBits(key, [2, 3]), [keys, [4, 2], "u32"]);
  for (let row = 0; row < 4; row++) {
    const key: [bigint, bigint] = [BigInt(keys[2 * row]!), BigInt(keys[2 * row + 1]!)];
    for (let k = 0; k < 6; k++) {
      assertEquals(BigInt(bits[row * 6 + k]!), threefry(key, [BigInt(k), 0n])[0]);
    }
  }
});

Deno.test("randomBits() are balanced and differ between keys", () => {
  const size = 4096;
  const bits = compute((key) => ops.randomBits(key, [size]), [[7, 8, 7, 9], [2, 2], "u32"]);
  for (let bit = 0; bit < 32; bit++) {
    const ones = bits.slice(0, size).filter((word) => word >>> bit & 1).length;
    // Five standard deviations of a fair coin.
    assertAlmostEquals(ones / size, 0.5, 5 * 0.5 / Math.sqrt(size), `bit ${bit}`);
  }
  const same = bits.slice(0, size).filter((word, k) => word === bits[size + k]).length;
  assertEquals(same, 0);
});
