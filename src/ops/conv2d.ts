/**
 * 2-D convolution, its input gradient and its filter gradient.
 *
 * The three are bilinear, and each one's derivatives are the other two: the set is closed under
 * differentiation of any order. Layout: images `[filterSets, images, height, width, channels]`,
 * filters `[filterSets, kernelHeight, kernelWidth, inChannels, outChannels]`; filter set `b` is
 * applied to the images `[b]`, so that tasks with own weights are one operation.
 *
 * @module
 */
import type { Aval } from "../ir/aval.ts";
import { type NdArray, zerosNd } from "../ir/nd_array.ts";
import { type Batched, definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { add } from "./add.ts";
import {
  type Conv2dGeometry,
  lowerConv2d,
  lowerConv2dFilterGrad,
  lowerConv2dInputGrad,
} from "./conv2d_lowering.ts";
import { requireFloat, withBatch } from "./elementwise.ts";
import { permute, reshape } from "./reshape.ts";

/** Everything of a convolution's geometry that its two operands need not show. */
export interface Conv2dParams {
  /** Height and width of the input images. */
  readonly input: readonly [number, number];
  /** Height and width of the filters. */
  readonly kernel: readonly [number, number];
  /** Steps along height and width. */
  readonly stride: readonly [number, number];
  /** Zeros above, left, below and right of the images. */
  readonly padding: readonly [number, number, number, number];
}

/** Height and width of a convolution's result. */
export function conv2dOutputSize(
  { input, kernel, stride, padding: [top, left, bottom, right] }: Conv2dParams,
): [number, number] {
  return [
    Math.floor((input[0] + top + bottom - kernel[0]) / stride[0]) + 1,
    Math.floor((input[1] + left + right - kernel[1]) / stride[1]) + 1,
  ];
}

function requireShape(aval: Aval, what: string, expected: readonly (number | null)[]): void {
  requireFloat(aval);
  const fits = aval.shape.length === expected.length &&
    expected.every((extent, k) => extent === null || extent === aval.shape[k]);
  if (!fits) {
    const text = expected.map((extent) => extent ?? "any").join(", ");
    throw new TypeError(`${what} is [${aval.shape.join(", ")}], expected [${text}].`);
  }
}

/** Geometry from filter sets, images, and channels; throws where the window does not fit. */
function geometry(
  params: Conv2dParams,
  sets: number,
  images: number,
  channels: readonly [number, number],
): Conv2dGeometry {
  const [outHeight, outWidth] = conv2dOutputSize(params);
  if (outHeight < 1 || outWidth < 1) {
    throw new TypeError(
      `a window of [${params.kernel}] does not fit images of [${params.input}] with padding ` +
        `[${params.padding}].`,
    );
  }
  const [padTop, padLeft, padBottom, padRight] = params.padding;
  return {
    batch: sets,
    images,
    height: params.input[0],
    width: params.input[1],
    inChannels: channels[0],
    outChannels: channels[1],
    kernelHeight: params.kernel[0],
    kernelWidth: params.kernel[1],
    strideY: params.stride[0],
    strideX: params.stride[1],
    padTop,
    padLeft,
    padBottom,
    padRight,
  };
}

function forwardGeometry(params: Conv2dParams, x: Aval, w: Aval): Conv2dGeometry {
  requireShape(w, "filters", [null, ...params.kernel, null, null]);
  requireShape(x, "images", [w.shape[0]!, null, ...params.input, w.shape[3]!]);
  return geometry(params, x.shape[0]!, x.shape[1]!, [w.shape[3]!, w.shape[4]!]);
}

function inputGradGeometry(params: Conv2dParams, w: Aval, dy: Aval): Conv2dGeometry {
  requireShape(w, "filters", [null, ...params.kernel, null, null]);
  requireShape(dy, "cotangent", [w.shape[0]!, null, ...conv2dOutputSize(params), w.shape[4]!]);
  return geometry(params, w.shape[0]!, dy.shape[1]!, [w.shape[3]!, w.shape[4]!]);
}

function filterGradGeometry(params: Conv2dParams, x: Aval, dy: Aval): Conv2dGeometry {
  requireShape(x, "images", [null, null, ...params.input, null]);
  requireShape(dy, "cotangent", [x.shape[0]!, x.shape[1]!, ...conv2dOutputSize(params), null]);
  return geometry(params, x.shape[0]!, x.shape[1]!, [x.shape[4]!, dy.shape[4]!]);
}

function flops(g: Conv2dGeometry, params: Conv2dParams): number {
  const [outHeight, outWidth] = conv2dOutputSize(params);
  return 2 * g.batch * g.images * outHeight * outWidth * g.outChannels * g.inChannels *
    g.kernelHeight * g.kernelWidth;
}

/** Visits every product of the convolution with the positions of image, filter and result rows. */
function forEachTap(
  g: Conv2dGeometry,
  params: Conv2dParams,
  visit: (xAt: number, wAt: number, yAt: number) => void,
): void {
  const [outHeight, outWidth] = conv2dOutputSize(params);
  for (let b = 0; b < g.batch; b++) {
    for (let n = 0; n < g.images; n++) {
      const image = b * g.images + n;
      for (let oy = 0; oy < outHeight; oy++) {
        for (let ox = 0; ox < outWidth; ox++) {
          const yAt = ((image * outHeight + oy) * outWidth + ox) * g.outChannels;
          for (let ky = 0; ky < g.kernelHeight; ky++) {
            const iy = oy * g.strideY + ky - g.padTop;
            if (iy < 0 || iy >= g.height) continue;
            for (let kx = 0; kx < g.kernelWidth; kx++) {
              const ix = ox * g.strideX + kx - g.padLeft;
              if (ix < 0 || ix >= g.width) continue;
              const xAt = ((image * g.height + iy) * g.width + ix) * g.inChannels;
              const wAt = ((b * g.kernelHeight + ky) * g.kernelWidth + kx) * g.inChannels *
                g.outChannels;
              visit(xAt, wAt, yAt);
            }
          }
        }
      }
    }
  }
}

/** Shared rules: all three are bilinear, `self` applies one of them to new operands. */
function bilinear(
  self: (a: Tensor, b: Tensor, params: Conv2dParams) => Tensor,
  params: Conv2dParams,
  [a, b]: readonly [Tensor, Tensor],
  [da, db]: readonly (Tensor | null)[],
): Tensor | null {
  const left = da ? self(da, b, params) : null;
  const right = db ? self(a, db, params) : null;
  return left && right ? add(left, right) : left ?? right;
}

/** Joins the batch axis with the filter sets: `[v, b, ...]` becomes `[v * b, ...]`. */
function joinSets(tensor: Tensor): Tensor {
  const [v, b, ...rest] = tensor.shape;
  return reshape(tensor, [v! * b!, ...rest]);
}

/**
 * vmap where the filters may be shared: `images` is the operand with an images axis. Shared
 * filters join the batch with the images instead of copying the filters.
 */
function mapOverImages(
  filters: Batched,
  images: Batched,
  batch: number,
  run: (filters: Tensor, images: Tensor) => Tensor,
): Tensor {
  if (filters.batched) {
    const result = run(joinSets(filters.tensor), joinSets(withBatch(images, batch)));
    return reshape(result, [batch, result.shape[0]! / batch, ...result.shape.slice(1)]);
  }
  // [v, b, n, ...] -> [b, v, n, ...] -> [b, v * n, ...]
  const [v, b, n, ...rest] = images.tensor.shape;
  const folded = reshape(permute(images.tensor, [1, 0, 2, 3, 4, 5]), [b!, v! * n!, ...rest]);
  const result = run(filters.tensor, folded);
  return permute(
    reshape(result, [b!, v!, n!, ...result.shape.slice(2)]),
    [1, 0, 2, 3, 4, 5],
  );
}

/** Convolution of images `[b, n, h, w, cin]` with filters `[b, kh, kw, cin, cout]`. */
export const conv2dP: Primitive<Conv2dParams> = /* @__PURE__ */ definePrimitive<Conv2dParams>({
  name: "conv2d",
  aval: (params, [x, w]) => {
    const g = forwardGeometry(params, x!, w!);
    return { shape: [g.batch, g.images, ...conv2dOutputSize(params), g.outChannels], dtype: "f32" };
  },
  evaluate: (params, [x, w], output): NdArray => {
    const g = forwardGeometry(params, x!, w!);
    const y = zerosNd(output.shape, "f32");
    forEachTap(g, params, (xAt, wAt, yAt) => {
      for (let i = 0; i < g.inChannels; i++) {
        const value = x!.data[xAt + i]!;
        const row = wAt + i * g.outChannels;
        for (let o = 0; o < g.outChannels; o++) y.data[yAt + o]! += value * w!.data[row + o]!;
      }
    });
    return y;
  },
  jvp: ({ params, inputs }, tangents) =>
    bilinear(conv2d, params, [inputs[0]!, inputs[1]!], tangents),
  transpose: ({ params, inputs: [x, w] }, ct, linear) => [
    linear[0] ? conv2dInputGrad(w!, ct, params) : null,
    linear[1] ? conv2dFilterGrad(x!, ct, params) : null,
  ],
  vmap: ({ params }, [x, w], batch) =>
    mapOverImages(w!, x!, batch, (filters, images) => conv2d(images, filters, params)),
  lower: {
    kind: "kernel",
    lower: (params, [x, w], _, traits) => lowerConv2d(forwardGeometry(params, x!, w!), traits),
  },
  flops: (params, [x, w]) => flops(forwardGeometry(params, x!, w!), params),
});

/** Gradient of {@linkcode conv2dP} with respect to its images, from filters and cotangent. */
export const conv2dInputGradP: Primitive<Conv2dParams> = /* @__PURE__ */ definePrimitive<
  Conv2dParams
>({
  name: "conv2d_input_grad",
  aval: (params, [w, dy]) => {
    const g = inputGradGeometry(params, w!, dy!);
    return { shape: [g.batch, g.images, g.height, g.width, g.inChannels], dtype: "f32" };
  },
  evaluate: (params, [w, dy], output) => {
    const g = inputGradGeometry(params, w!, dy!);
    const dx = zerosNd(output.shape, "f32");
    forEachTap(g, params, (xAt, wAt, yAt) => {
      for (let i = 0; i < g.inChannels; i++) {
        const row = wAt + i * g.outChannels;
        let total = 0;
        for (let o = 0; o < g.outChannels; o++) total += dy!.data[yAt + o]! * w!.data[row + o]!;
        dx.data[xAt + i]! += total;
      }
    });
    return dx;
  },
  jvp: ({ params, inputs }, tangents) =>
    bilinear(conv2dInputGrad, params, [inputs[0]!, inputs[1]!], tangents),
  transpose: ({ params, inputs: [w, dy] }, ct, linear) => [
    linear[0] ? conv2dFilterGrad(ct, dy!, params) : null,
    linear[1] ? conv2d(ct, w!, params) : null,
  ],
  vmap: ({ params }, [w, dy], batch) =>
    mapOverImages(w!, dy!, batch, (filters, images) => conv2dInputGrad(filters, images, params)),
  lower: {
    kind: "kernel",
    lower: (params, [w, dy], _, traits) =>
      lowerConv2dInputGrad(inputGradGeometry(params, w!, dy!), traits),
  },
  flops: (params, [w, dy]) => flops(inputGradGeometry(params, w!, dy!), params),
});

/** Gradient of {@linkcode conv2dP} with respect to its filters, from images and cotangent. */
export const conv2dFilterGradP: Primitive<Conv2dParams> = /* @__PURE__ */ definePrimitive<
  Conv2dParams
>({
  name: "conv2d_filter_grad",
  aval: (params, [x, dy]) => {
    const g = filterGradGeometry(params, x!, dy!);
    return {
      shape: [g.batch, g.kernelHeight, g.kernelWidth, g.inChannels, g.outChannels],
      dtype: "f32",
    };
  },
  evaluate: (params, [x, dy], output) => {
    const g = filterGradGeometry(params, x!, dy!);
    const dw = zerosNd(output.shape, "f32");
    forEachTap(g, params, (xAt, wAt, yAt) => {
      for (let i = 0; i < g.inChannels; i++) {
        const value = x!.data[xAt + i]!;
        const row = wAt + i * g.outChannels;
        for (let o = 0; o < g.outChannels; o++) dw.data[row + o]! += value * dy!.data[yAt + o]!;
      }
    });
    return dw;
  },
  jvp: ({ params, inputs }, tangents) =>
    bilinear(conv2dFilterGrad, params, [inputs[0]!, inputs[1]!], tangents),
  transpose: ({ params, inputs: [x, dy] }, ct, linear) => [
    linear[0] ? conv2dInputGrad(ct, dy!, params) : null,
    linear[1] ? conv2d(x!, ct, params) : null,
  ],
  vmap: ({ params }, [x, dy], batch) => {
    const result = conv2dFilterGrad(
      joinSets(withBatch(x!, batch)),
      joinSets(withBatch(dy!, batch)),
      params,
    );
    return reshape(result, [batch, result.shape[0]! / batch, ...result.shape.slice(1)]);
  },
  lower: {
    kind: "kernel",
    lower: (params, [x, dy], _, traits) =>
      lowerConv2dFilterGrad(filterGradGeometry(params, x!, dy!), traits),
  },
  flops: (params, [x, dy]) => flops(filterGradGeometry(params, x!, dy!), params),
});

/** Convolution of images `x` `[b, n, h, w, cin]` with filters `w` `[b, kh, kw, cin, cout]`. */
export function conv2d(x: Tensor, w: Tensor, params: Conv2dParams): Tensor {
  return apply(conv2dP, params, [x, w]);
}

/** Gradient of {@linkcode conv2d} with respect to `x`. */
export function conv2dInputGrad(w: Tensor, dy: Tensor, params: Conv2dParams): Tensor {
  return apply(conv2dInputGradP, params, [w, dy]);
}

/** Gradient of {@linkcode conv2d} with respect to `w`. */
export function conv2dFilterGrad(x: Tensor, dy: Tensor, params: Conv2dParams): Tensor {
  return apply(conv2dFilterGradP, params, [x, dy]);
}
