/** Cases of matrix products and convolutions. @module */
import {
  conv2d,
  conv2dFilterGrad,
  conv2dInputGrad,
  conv2dOutputSize,
  type Conv2dParams,
  matmul,
} from "../../src/ops/mod.ts";
import { f32, type PrimitiveCase, primitiveCase } from "./case.ts";

const matrixProducts: readonly PrimitiveCase[] = [
  primitiveCase("matmul", [f32([3, 5]), f32([5, 7])], { build: (a, b) => matmul(a!, b!) }),
  primitiveCase("matmul transposeA", [f32([5, 3]), f32([5, 7])], {
    build: (a, b) => matmul(a!, b!, { transposeA: true }),
  }),
  primitiveCase("matmul transposeB", [f32([3, 5]), f32([7, 5])], {
    build: (a, b) => matmul(a!, b!, { transposeB: true }),
  }),
  primitiveCase("matmul both transposed", [f32([5, 3]), f32([7, 5])], {
    build: (a, b) => matmul(a!, b!, { transposeA: true, transposeB: true }),
  }),
  primitiveCase("matmul in batches", [f32([3, 5, 1]), f32([3, 1, 7])], {
    build: (a, b) => matmul(a!, b!),
  }),
  // Squares: no shape tells a transposed operand from one that is not.
  ...([
    ["transposeB", false, true],
    ["transposeA", true, false],
    ["both transposed", true, true],
  ] as const).map(([name, transposeA, transposeB]) =>
    primitiveCase(`matmul of squares ${name}`, [f32([4, 4]), f32([4, 4])], {
      build: (a, b) => matmul(a!, b!, { transposeA, transposeB }),
    })
  ),
  primitiveCase("matmul in batches transposeB", [f32([3, 1, 5]), f32([3, 7, 5])], {
    build: (a, b) => matmul(a!, b!, { transposeB: true }),
  }),
  primitiveCase("matmul two batch axes transposeA", [f32([1, 3, 5, 2]), f32([1, 3, 5, 3])], {
    build: (a, b) => matmul(a!, b!, { transposeA: true }),
  }),
  primitiveCase("matmul inner product", [f32([1, 7]), f32([7, 1])], {
    build: (a, b) => matmul(a!, b!),
  }),
  primitiveCase("matmul with itself", [f32([3, 3])], { build: (x) => matmul(x, x) }),
];

/** A convolution's geometry with the sizes that its parameters do not show. */
interface Geometry extends Conv2dParams {
  readonly sets: number;
  readonly images: number;
  readonly inChannels: number;
  readonly outChannels: number;
}

const geometries: Readonly<Record<string, Geometry>> = {
  "3x3 padded": {
    sets: 1,
    images: 3,
    inChannels: 3,
    outChannels: 5,
    input: [5, 7],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [1, 1, 1, 1],
  },
  "3x3 of two filter sets": {
    sets: 2,
    images: 3,
    inChannels: 1,
    outChannels: 3,
    input: [5, 4],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
  },
  "1x1": {
    sets: 1,
    images: 1,
    inChannels: 5,
    outChannels: 3,
    input: [3, 3],
    kernel: [1, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
  },
  "stride 2 that leaves a rest": {
    sets: 1,
    images: 2,
    inChannels: 3,
    outChannels: 2,
    input: [6, 8],
    kernel: [3, 3],
    stride: [2, 2],
    padding: [0, 0, 0, 0],
  },
  "uneven stride and padding": {
    sets: 3,
    images: 1,
    inChannels: 2,
    outChannels: 3,
    input: [5, 7],
    kernel: [2, 3],
    stride: [2, 3],
    padding: [1, 0, 0, 2],
  },
  "padding wider than the window": {
    sets: 1,
    images: 1,
    inChannels: 1,
    outChannels: 1,
    input: [3, 1],
    kernel: [2, 2],
    stride: [1, 1],
    padding: [3, 2, 2, 3],
  },
  "one window": {
    sets: 2,
    images: 3,
    inChannels: 2,
    outChannels: 7,
    input: [3, 5],
    kernel: [3, 5],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
  },
};

function convolutions(name: string, geometry: Geometry): PrimitiveCase[] {
  const { sets, images, inChannels, outChannels, ...params } = geometry;
  const x = f32([sets, images, ...params.input, inChannels]);
  const w = f32([sets, ...params.kernel, inChannels, outChannels]);
  const y = f32([sets, images, ...conv2dOutputSize(params), outChannels]);
  return [
    primitiveCase(`conv2d ${name}`, [x, w], { build: (a, b) => conv2d(a!, b!, params) }),
    primitiveCase(`conv2d_input_grad ${name}`, [w, y], {
      build: (a, b) => conv2dInputGrad(a!, b!, params),
    }),
    primitiveCase(`conv2d_filter_grad ${name}`, [x, y], {
      build: (a, b) => conv2dFilterGrad(a!, b!, params),
    }),
  ];
}

/** Cases of matrix products and convolutions. */
export const contractionCases: readonly PrimitiveCase[] = [
  ...matrixProducts,
  ...Object.entries(geometries).flatMap(([name, geometry]) => convolutions(name, geometry)),
];
