/** What the page and its worker tell each other. @module */

/** Rows and columns of a picture. */
export const SIZE = 16;
/** Classes of a task. */
export const WAYS = 3;
/** Pictures of a class to learn from. */
export const SHOTS = 2;

/** A grey picture `[SIZE, SIZE]`: 0 is paper, 1 is ink. */
export type Picture = Float32Array<ArrayBuffer>;

/** What the page asks for. */
export type Request =
  | { readonly kind: "train"; readonly on: boolean }
  | { readonly kind: "add"; readonly files: readonly File[] }
  /** `support`: SHOTS pictures of each of WAYS classes; `query`: the picture to tell. */
  | {
    readonly kind: "adapt";
    readonly support: readonly (readonly Picture[])[];
    readonly query: Picture;
  };

/** What the worker answers. */
export type Reply =
  | { readonly kind: "ready"; readonly engine: string; readonly reason: string }
  | {
    readonly kind: "step";
    readonly step: number;
    readonly loss: number;
    readonly accuracy: number;
    readonly milliseconds: number;
  }
  | { readonly kind: "added"; readonly classes: number; readonly refused: readonly string[] }
  /** Chances of the classes by the meta-trained start, and after adaptation. */
  | {
    readonly kind: "adapted";
    readonly before: readonly number[];
    readonly after: readonly number[];
  }
  | { readonly kind: "failed"; readonly message: string };
