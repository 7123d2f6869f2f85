/**
 * Neural network layers: pure functions of parameters, state and input.
 *
 * @module
 */
export * from "./batch_norm.ts";
export * from "./conv2d_layer.ts";
export * from "./conv4.ts";
export * from "./conv_transpose2d_layer.ts";
export * from "./decoder.ts";
export * from "./dropout.ts";
export * from "./encoder.ts";
export * from "./group_norm.ts";
export * from "./heads.ts";
export * from "./initializers.ts";
export {
  type Applied,
  type ApplyOptions,
  type Initial,
  type Layer,
  type NoParams,
  type Params,
  type ParamsOf,
  type ScaleAndOffset,
  statelessLayer,
  type VisiblePatches,
  type WeightAndBias,
} from "./layer.ts";
export * from "./layer_norm.ts";
export * from "./linear.ts";
export * from "./normalization.ts";
export * from "./res_net.ts";
export type { ImageSize, ImageSizeOptions } from "./require_images.ts";
export * from "./residual.ts";
export * from "./self_attention.ts";
export * from "./sequential.ts";
export * from "./stateless.ts";
export { transformerBlock, type TransformerBlockOptions } from "./transformer_block.ts";
export * from "./vision_transformer.ts";
