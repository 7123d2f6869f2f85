import type { DeviceTraits, KernelLowering } from "../ir/lowering.ts";
export interface Conv2dGeometry {
  readonly batch: number;
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly padBottom: number;
  readonly padRight: number;
}
export function lowerConv2d(_g: Conv2dGeometry, _t: DeviceTraits): KernelLowering {
  throw new Error("pending");
}
export function lowerConv2dInputGrad(_g: Conv2dGeometry, _t: DeviceTraits): KernelLowering {
  throw new Error("pending");
}
export function lowerConv2dFilterGrad(_g: Conv2dGeometry, _t: DeviceTraits): KernelLowering {
  throw new Error("pending");
}
