/**
 * Classes of pictures without end: signs of a few strokes, drawn a little differently each time, and pictures
 * of the visitor, turned and shifted a little each time.
 *
 * @module
 */
import {
  type DecodedImage,
  type HostRandom,
  resizeImage,
  withChannels,
} from "@mutasesumele/toolkit";
import { type Picture, SIZE } from "./messages.ts";

/** Draws one more picture of its class. */
export type Draw = (random: HostRandom) => Picture;

/** A point of the unit square. */
type Point = readonly [x: number, y: number];

/** A class of signs: two or three strokes of three points. */
export function randomSign(random: HostRandom): Draw {
  const strokes = Array.from(
    { length: 2 + random.integer(2) },
    () => Array.from({ length: 3 }, (): Point => [random.uniform(-1, 1), random.uniform(-1, 1)]),
  );
  return (fresh) => {
    const place = placement(fresh);
    const wobble = (): number => fresh.uniform(-0.1, 0.1);
    const drawn = strokes.map((stroke) =>
      stroke.map(([x, y]): Point => place([0.7 * x + wobble(), 0.7 * y + wobble()]))
    );
    const thickness = fresh.uniform(0.1, 0.16);
    return pictureOf((at) => {
      const distance = Math.min(...drawn.map((stroke) => distanceTo(stroke, at)));
      return Math.min(1, Math.max(0, 1.5 - distance / thickness));
    });
  };
}

/** A class of one picture: dark is ink. */
export function pictureSign(image: DecodedImage): Draw {
  const side = 2 * SIZE;
  const { pixels } = withChannels(resizeImage(image, side), 1);
  return (fresh) => {
    const place = placement(fresh);
    return pictureOf((at) => {
      const [x, y] = place(at);
      const [column, row] = [x, y].map((v) => Math.floor((v + 1) / 2 * side)) as [number, number];
      const inside = Math.min(column, row) >= 0 && Math.max(column, row) < side;
      return inside ? 1 - pixels[row * side + column]! / 255 : 0;
    });
  };
}

/** Turns, scales and shifts a little. */
function placement(random: HostRandom): (point: Point) => Point {
  const [turn, scale] = [random.uniform(-0.2, 0.2), random.uniform(0.85, 1.1)];
  const [right, down] = [random.uniform(-0.12, 0.12), random.uniform(-0.12, 0.12)];
  const [cos, sin] = [scale * Math.cos(turn), scale * Math.sin(turn)];
  return ([x, y]) => [cos * x - sin * y + right, sin * x + cos * y + down];
}

/** A picture of the square from -1 to 1, from the ink at each point. */
function pictureOf(ink: (at: Point) => number): Picture {
  const middle = (k: number): number => (2 * k + 1) / SIZE - 1;
  return Float32Array.from(
    { length: SIZE * SIZE },
    (_, k) => ink([middle(k % SIZE), middle(Math.floor(k / SIZE))]),
  );
}

function distanceTo(stroke: readonly Point[], [x, y]: Point): number {
  return Math.min(
    ...stroke.slice(1).map(([toX, toY], k) => {
      const [fromX, fromY] = stroke[k]!;
      const [dx, dy] = [toX - fromX, toY - fromY];
      const along = ((x - fromX) * dx + (y - fromY) * dy) / (dx * dx + dy * dy || 1);
      const share = Math.min(1, Math.max(0, along));
      return Math.hypot(x - fromX - share * dx, y - fromY - share * dy);
    }),
  );
}
