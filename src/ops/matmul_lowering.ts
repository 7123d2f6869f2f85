import type { DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import { gridFor } from "./conv2d_lowering.ts";
export interface MatmulGeometry {
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}
export function lowerMatmul(g: MatmulGeometry, t: DeviceTraits): KernelLowering {
  const total = g.batch * g.rows * g.columns;
  const { groups, row } = gridFor(total, t);
  return {
    scratch: [],
    calls: [{
      kernel: "naive_matmul",
      overrides: {
        M: g.rows,
        K: g.inner,
        N: g.columns,
        TA: g.transposeA ? 1 : 0,
        TB: g.transposeB ? 1 : 0,
        TOTAL: total,
        ROW: row,
      },
      workgroups: groups,
      flops: 2 * total * g.inner,
      buffers: [{ kind: "input", index: 0 }, { kind: "input", index: 1 }, {
        kind: "output",
        index: 0,
      }],
    }],
  };
}
