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
export function gridFor(
  total: number,
  t: DeviceTraits,
): { groups: [number, number, number]; row: number } {
  const g = Math.ceil(total / 64);
  const rows = Math.ceil(g / t.maxWorkgroupsPerDimension);
  const x = Math.ceil(g / rows);
  return { groups: [x, rows, 1], row: x * 64 };
}
function base(g: Conv2dGeometry) {
  const HO = Math.floor((g.height + g.padTop + g.padBottom - g.kernelHeight) / g.strideY) + 1,
    WO = Math.floor((g.width + g.padLeft + g.padRight - g.kernelWidth) / g.strideX) + 1;
  return {
    B: g.batch,
    N: g.images,
    H: g.height,
    W: g.width,
    CI: g.inChannels,
    CO: g.outChannels,
    KH: g.kernelHeight,
    KW: g.kernelWidth,
    SY: g.strideY,
    SX: g.strideX,
    PT: g.padTop,
    PL: g.padLeft,
    HO,
    WO,
    PARTS: 1,
    EACH: 1,
  };
}
function one(kernel: string, g: Conv2dGeometry, t: DeviceTraits, total: number): KernelLowering {
  const { groups, row } = gridFor(total, t);
  const b = base(g);
  return {
    scratch: [],
    calls: [{
      kernel,
      overrides: { ...b, TOTAL: total, ROW: row },
      workgroups: groups,
      flops: 2 * b.B * b.N * b.HO * b.WO * b.CI * b.CO * b.KH * b.KW,
      buffers: [{ kind: "input", index: 0 }, { kind: "input", index: 1 }, {
        kind: "output",
        index: 0,
      }],
    }],
  };
}
export function lowerConv2d(g: Conv2dGeometry, t: DeviceTraits): KernelLowering {
  const b = base(g);
  return one("naive_conv2d", g, t, b.B * b.N * b.HO * b.WO * b.CO);
}
export function lowerConv2dInputGrad(g: Conv2dGeometry, t: DeviceTraits): KernelLowering {
  const b = base(g);
  return one("naive_conv2d_input_grad", g, t, b.B * b.N * b.H * b.W * b.CI);
}
export function lowerConv2dFilterGrad(g: Conv2dGeometry, t: DeviceTraits): KernelLowering {
  const b = base(g);
  const out = b.B * b.KH * b.KW * b.CI * b.CO;
  const all = b.N * b.HO * b.WO;
  const parts = Math.ceil(all / 4096);
  const each = Math.ceil(all / parts);
  const l = one("naive_conv2d_filter_grad", g, t, out * parts);
  const c = l.calls[0]!;
  const j = gridFor(out, t);
  return {
    scratch: [out * parts],
    calls: [{
      ...c,
      overrides: { ...c.overrides, PARTS: parts, EACH: each },
      buffers: [{ kind: "input", index: 0 }, { kind: "input", index: 1 }, {
        kind: "scratch",
        index: 0,
      }],
    }, {
      kernel: "naive_join",
      overrides: { TOTAL: out, PARTS: parts, ROW: j.row },
      workgroups: j.groups,
      flops: 0,
      buffers: [{ kind: "scratch", index: 0 }, { kind: "output", index: 0 }],
    }],
  };
}
