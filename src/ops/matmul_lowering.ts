import type { DeviceTraits, KernelLowering } from "../ir/lowering.ts";
export interface MatmulGeometry {
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}
export function lowerMatmul(_g: MatmulGeometry, _t: DeviceTraits): KernelLowering {
  throw new Error("pending");
}
