/** Names of the procedural classes, in the order of their labels. */
export const SYNTHETIC_CLASS_NAMES: readonly string[] = [
  "tree",
  "house",
  "mushroom",
  "cup",
  "bottle",
  "table",
  "dotted balloon",
  "striped balloon",
  "tower",
  "flag",
];

/** Which paint a point of an object has: none, the first or the second colour. */
export type Paint = 0 | 1 | 2;

/** Paint of a point `(u, v)` of an upright object in the square `[-1, 1]²`, `v` upwards. */
type Shape = (u: number, v: number) => Paint;

function tree(u: number, v: number): Paint {
  if (v > -0.35) return v < 1 && Math.abs(u) < (1 - v) * 0.58 ? 1 : 0;
  return v > -1 && Math.abs(u) < 0.16 ? 2 : 0;
}

function house(u: number, v: number): Paint {
  if (v > 0.1) return v < 1 && Math.abs(u) < (1 - v) * 1.1 ? 2 : 0;
  if (v < -1 || Math.abs(u) > 0.75) return 0;
  return v < -0.3 && Math.abs(u) < 0.22 ? 2 : 1;
}

function mushroom(u: number, v: number): Paint {
  if (v > 0) return u * u + v * v < 1 ? 1 : 0;
  return v > -1 && Math.abs(u) < 0.26 ? 2 : 0;
}

function cup(u: number, v: number): Paint {
  if (v > -0.8 && v < 0.6 && Math.abs(u + 0.2) < 0.5 + 0.15 * v) return v > 0.35 ? 2 : 1;
  const squared = (u - 0.4) * (u - 0.4) + (v + 0.05) * (v + 0.05);
  return u > 0.3 && squared < 0.24 && squared > 0.07 ? 1 : 0;
}

function bottle(u: number, v: number): Paint {
  if (v < -1 || v > 1) return 0;
  if (v > 0.8) return Math.abs(u) < 0.24 ? 2 : 0;
  if (v > 0.2) return Math.abs(u) < 0.17 ? 1 : 0;
  if (Math.abs(u) > 0.45) return 0;
  return v > -0.65 && v < -0.15 ? 2 : 1;
}

function table(u: number, v: number): Paint {
  if (v > 0.2) return v < 0.55 && Math.abs(u) < 1 ? 1 : 0;
  return v > -0.9 && Math.abs(u) > 0.6 && Math.abs(u) < 0.86 ? 2 : 0;
}

/** A round balloon on a string; `pattern` tells where the second colour is. */
function balloon(pattern: (u: number, v: number) => boolean): Shape {
  return (u, v) => {
    if (u * u + (v - 0.3) * (v - 0.3) < 0.49) return pattern(u, v) ? 2 : 1;
    return v < -0.3 && v > -1 && Math.abs(u) < 0.08 ? 2 : 0;
  };
}

const dottedBalloon = /* @__PURE__ */ balloon((u, v) => {
  const column = u * 2.6 - Math.floor(u * 2.6) - 0.5;
  const row = v * 2.6 - Math.floor(v * 2.6) - 0.5;
  return column * column + row * row < 0.11;
});

const stripedBalloon = /* @__PURE__ */ balloon((_u, v) => v * 2.3 - Math.floor(v * 2.3) < 0.5);

function tower(u: number, v: number): Paint {
  if (Math.abs(u) > 0.5 || v < -1 || v > 1) return 0;
  if (v > 0.7) return Math.floor(u * 5 + 0.5) % 2 === 0 ? 1 : 0;
  return (Math.floor(u * 4) + Math.floor(v * 4)) % 2 === 0 ? 1 : 2;
}

function flag(u: number, v: number): Paint {
  if (Math.abs(u + 0.6) < 0.1) return v > -1 && v < 1 ? 2 : 0;
  return u > -0.5 && u < 0.8 && v > 0.1 && v < 0.95 ? 1 : 0;
}

/** The shape of every class, in the order of {@linkcode SYNTHETIC_CLASS_NAMES}. */
export const SYNTHETIC_SHAPES: readonly Shape[] = [
  tree,
  house,
  mushroom,
  cup,
  bottle,
  table,
  dottedBalloon,
  stripedBalloon,
  tower,
  flag,
];
