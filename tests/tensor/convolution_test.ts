import { assert, assertEquals, assertThrows } from "@std/assert";
import * as t from "../../src/tensor/mod.ts";
import type { Conv2dOptions, ConvTranspose2dOptions } from "../../src/tensor/mod.ts";
import { integer, pick, uniform } from "../cases/random.ts";
import { fromIndex } from "./fixtures.ts";

type Pair = readonly [number, number];

/** Everything of a convolution that loops need. */
interface Problem {
  readonly n: number;
  readonly input: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: readonly [number, number, number, number];
  readonly groups: number;
  /** Channels of one group. */
  readonly inner: number;
  readonly outer: number;
}

function drawProblem(next: () => number): Problem {
  const some = (low: number, high: number): Pair => [
    integer(next, low, high),
    integer(next, low, high),
  ];
  const kernel = some(1, 3);
  const dilation = next() < 0.5 ? some(1, 3) : [1, 1] as const;
  const reach = kernel.map((taps, k) => dilation[k]! * (taps - 1) + 1);
  return {
    n: integer(next, 1, 2),
    input: [reach[0]! + integer(next, 0, 5), reach[1]! + integer(next, 0, 5)],
    kernel,
    stride: next() < 0.5 ? some(1, 3) : [1, 1],
    dilation,
    padding: [...some(0, 2), ...some(0, 2)],
    groups: pick(next, [1, 1, 2, 3]),
    inner: integer(next, 1, 2),
    outer: integer(next, 1, 2),
  };
}

const outputOf = ({ input, kernel, stride, dilation, padding }: Problem): Pair => {
  const count = (k: 0 | 1): number =>
    Math.floor(
      (input[k] + padding[k]! + padding[k + 2]! - dilation[k] * (kernel[k] - 1) - 1) / stride[k],
    ) + 1;
  return [count(0), count(1)];
};

/** Visits every product: positions in images, filters and result. */
function forEachProduct(p: Problem, visit: (x: number, w: number, y: number) => void): void {
  const [height, width] = outputOf(p);
  const [cin, cout] = [p.groups * p.inner, p.groups * p.outer];
  fromIndex(
    [p.n, height, width, p.groups, p.outer, ...p.kernel, p.inner],
    (...[n, oy, ox, g, o, ky, kx, i]) => {
      const y = oy! * p.stride[0] + ky! * p.dilation[0] - p.padding[0];
      const x = ox! * p.stride[1] + kx! * p.dilation[1] - p.padding[1];
      if (y < 0 || x < 0 || y >= p.input[0] || x >= p.input[1]) return 0;
      visit(
        ((n! * p.input[0] + y) * p.input[1] + x) * cin + g! * p.inner + i!,
        ((ky! * p.kernel[1] + kx!) * p.inner + i!) * cout + g! * p.outer + o!,
        ((n! * height + oy!) * width + ox!) * cout + g! * p.outer + o!,
      );
      return 0;
    },
  );
}

function numbers(shape: readonly number[], next: () => number): number[] {
  return fromIndex(shape, () => integer(next, -9, 9));
}

Deno.test("conv2d() and convTranspose2d() agree with loops for every stride, padding, dilation and grouping", () => {
  let compared = 0;
  for (let seed = 0; seed < 150; seed++) {
    const next = uniform(seed);
    const p = drawProblem(next);
    const xShape = [p.n, ...p.input, p.groups * p.inner];
    const wShape = [...p.kernel, p.inner, p.groups * p.outer];
    const yShape = [p.n, ...outputOf(p), p.groups * p.outer];
    if (outputOf(p).some((size) => size < 1)) continue;
    compared++;
    const [x, w, y] = [xShape, wShape, yShape].map((shape) => numbers(shape, next));
    const forward = new Array<number>(y!.length).fill(0);
    const backward = new Array<number>(x!.length).fill(0);
    forEachProduct(p, (xAt, wAt, yAt) => {
      forward[yAt]! += x![xAt]! * w![wAt]!;
      backward[xAt]! += y![yAt]! * w![wAt]!;
    });
    const { stride, dilation, padding, groups } = p;
    const options = { stride, dilation, padding, groups };
    const what = JSON.stringify(p);
    const tensor = (values: number[], shape: readonly number[]) => t.constant(values, { shape });
    const convolved = t.conv2d(tensor(x!, xShape), tensor(w!, wShape), options);
    assertEquals(convolved.shape, yShape, what);
    assertEquals(t.valuesOf(convolved).map((v) => v + 0), forward.map((v) => v + 0), what);
    // The transposed convolution of the same options, its result as large as the images were.
    const outputPadding = [0, 1].map((k) =>
      (p.input[k]! + padding[k]! + padding[k + 2]! - dilation[k]! * (p.kernel[k]! - 1) - 1) %
      stride[k]!
    ) as unknown as Pair;
    const transposed = t.convTranspose2d(tensor(y!, yShape), tensor(w!, wShape), {
      ...options,
      outputPadding,
    });
    assertEquals(transposed.shape, xShape, what);
    assertEquals(t.valuesOf(transposed).map((v) => v + 0), backward.map((v) => v + 0), what);
  }
  assert(compared > 100, `${compared} compared`);
});

Deno.test("convTranspose2d() gives what PyTorch's conv_transpose2d gives", () => {
  // F.conv_transpose2d of torch 2.13: x[0, i, r, c] = 8 i + 4 r + c - 5 for [1, 2, 2, 4], w[i, o, r, c] =
  // 18 i + 9 o + 3 r + c - 14 for [2, 2, 3, 3].
  const x = t.transpose(
    t.constant(Array.from({ length: 16 }, (_, k) => k - 5), { shape: [1, 2, 2, 4] }),
    [0, 2, 3, 1],
  );
  const w = t.transpose(
    t.constant(Array.from({ length: 36 }, (_, k) => k - 14), { shape: [2, 2, 3, 3] }),
    [2, 3, 1, 0],
  );
  const first = t.convTranspose2d(x, w, { stride: 2, padding: 1, outputPadding: 1 });
  assertEquals(first.shape, [1, 4, 8, 2]);
  assertEquals(t.valuesOf(t.slice(first, [0, 1, null, 0])), [
    116,
    224,
    112,
    216,
    108,
    208,
    104,
    120,
  ]);
  const second = t.convTranspose2d(x, w, { dilation: 2, padding: 1 });
  assertEquals(second.shape, [1, 4, 6, 2]);
  assertEquals(t.valuesOf(t.slice(second, [0, 2, null, 1])), [128, 262, 292, 278, 312, 162]);
});

Deno.test("padding 'same' gives ceil(size / stride), and transposed size * stride", () => {
  for (const size of [3, 4, 7]) {
    for (const stride of [1, 2, 3]) {
      for (const dilation of [1, 2]) {
        const options = { stride, dilation, padding: "same" } as const;
        const images = t.ones([1, size, size + 1, 2]);
        const y = t.conv2d(images, t.ones([3, 2, 2, 1]), options);
        assertEquals(y.shape, [1, Math.ceil(size / stride), Math.ceil((size + 1) / stride), 1]);
        const x = t.convTranspose2d(images, t.ones([3, 2, 1, 2]), options);
        assertEquals(x.shape, [1, size * stride, (size + 1) * stride, 1]);
      }
    }
  }
});

Deno.test("convolutions say which option or shape does not fit", () => {
  const images = t.ones([1, 3, 3, 4]);
  const wrong: [readonly number[], Conv2dOptions, string][] = [
    [
      [3, 3, 4, 1],
      { stride: 0 },
      "Cannot convolve with stride [0,0]: expected whole numbers from 1",
    ],
    [[3, 3, 4, 1], { dilation: 1.5 }, "dilation [1.5,1.5]"],
    [[3, 3, 4, 1], { padding: -1 }, "padding [-1,-1,-1,-1]: expected whole numbers from 0"],
    [[3, 3, 2, 3], { groups: 2 }, "found 3 channels in 2 groups, expected a multiple"],
    [[3, 3, 4, 2], { groups: 2 }, "in 2 groups: expected images"],
    [[3, 3, 4, 2], { dilation: 2 }, "a window of [5,5] does not fit images of [3,3]"],
    [[3, 3, 1, 4], { groups: 4, dilation: 2 }, "a window of [5,5] does not fit images of [3,3]"],
    [[3, 3, 4, 2], { dilation: 2, stride: 2 }, "a window of [5,5] does not fit images of [3,3]"],
  ];
  for (const [shape, options, message] of wrong) {
    assertThrows(() => t.conv2d(images, t.ones(shape), options), Error, message);
  }
  const backwards: [readonly number[], ConvTranspose2dOptions, string][] = [
    [[3, 3, 1, 3], {}, "expected images"],
    [[3, 3, 1, 4], { outputPadding: 1 }, "below the stride [1,1]"],
    [[3, 3, 1, 4], { stride: 2, outputPadding: 1, padding: "same" }, "none beside padding 'same'"],
    [[1, 1, 1, 4], { padding: 2 }, "found [-1,-1] pixels of a result"],
    [[3, 3, 1, 4], { groups: 3 }, "found 4 channels in 3 groups"],
  ];
  for (const [shape, options, message] of backwards) {
    assertThrows(() => t.convTranspose2d(images, t.ones(shape), options), Error, message);
  }
});
