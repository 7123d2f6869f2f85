/** Every pretext task with its trivial solver, for tests of learning. */
import { encoder, visionTransformer } from "../../src/nn/mod.ts";
import * as pretext from "../../src/pretext/mod.ts";
import { permutations } from "../../src/pretext/permutations.ts";
import { detectionPrecision } from "./detection_precision.ts";
import { type Drawn, each, type Lesson } from "./learning.ts";

type Solver = (drawn: Drawn) => number;

const share = (right: readonly boolean[]): number => right.filter((is) => is).length / right.length;
const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.every((value, k) => value === b[k]);
const metric = (name: string): Solver => ({ figures }) => figures[name]!;

/** Value of a picture of `[size, size, 3]` by row and column. */
const luma = (picture: readonly number[], at: number): number =>
  0.299 * picture[3 * at]! + 0.587 * picture[3 * at + 1]! + 0.114 * picture[3 * at + 2]!;

/** Share of images whose brightest edge was the top: sky, and light from above. */
const brightestEdge: Solver = ({ pictures: { input, target } }) => {
  const size = input.shape[1]!;
  const turned = (picture: readonly number[]): number[] =>
    Array.from({ length: size * size }, (_, at) => {
      const [y, x] = [Math.floor(at / size), at % size];
      return picture.slice(3 * (x * size + size - 1 - y), 3 * (x * size + size - y));
    }).flat();
  const uprights = each(target);
  return share(
    each(input).map((picture, k) => {
      const band = size / 4;
      const edges = [0, 0, 0, 0];
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const value = luma(picture, y * size + x);
          // A quarter turn against the clock brings the top to the left.
          if (y < band) edges[0]! += value;
          if (x < band) edges[1]! += value;
          if (y >= size - band) edges[2]! += value;
          if (x >= size - band) edges[3]! += value;
        }
      }
      let upright = uprights[k]!;
      for (let turns = edges.indexOf(Math.max(...edges)); turns > 0; turns--) {
        upright = turned(upright);
      }
      return same(upright, picture);
    }),
  );
};

/** A square of a picture `[size, size, 3]`, as rows of pixels. */
function square(
  picture: readonly number[],
  { width, top, left, side }: {
    readonly width: number;
    readonly top: number;
    readonly left: number;
    readonly side: number;
  },
): number[][] {
  return Array.from({ length: side }, (_, y) => {
    const first = 3 * ((top + y) * width + left);
    return picture.slice(first, first + 3 * side);
  });
}

/** Mean difference of the edges of two squares that lie beside each other, or one above the other. */
function misfit(a: readonly number[][], b: readonly number[][], beside: boolean): number {
  const [one, other] = beside
    ? [a.flatMap((row) => row.slice(-3)), b.flatMap((row) => row.slice(0, 3))]
    : [a.at(-1)!, b[0]!];
  return one.reduce((sum, value, k) => sum + Math.abs(value - other[k]!), 0) / one.length;
}

/** Share of mosaics of 2 x 2 tiles that are right where the edges of the tiles fit best. */
const fittingTiles: Solver = ({ pictures: { input, target } }) => {
  const tilesOf = (picture: readonly number[]): number[][][] =>
    [[2, 2], [2, 18], [18, 2], [18, 18]].map(([top, left]) =>
      square(picture, { width: 32, top: top!, left: left!, side: 12 })
    );
  const originals = each(target).map(tilesOf);
  return share(
    each(input).map(tilesOf).map((tiles, k) => {
      const orders = permutations([0, 1, 2, 3]);
      const misfits = orders.map(([a, b, c, d]) =>
        misfit(tiles[a!]!, tiles[b!]!, true) + misfit(tiles[c!]!, tiles[d!]!, true) +
        misfit(tiles[a!]!, tiles[c!]!, false) + misfit(tiles[b!]!, tiles[d!]!, false)
      );
      const best = orders[misfits.indexOf(Math.min(...misfits))]!;
      return best.every((tile, place) => same(tiles[tile]!.flat(), originals[k]![place]!.flat()));
    }),
  );
};

/** Share of patches that lie on the side where they fit best; at least that of one answer for all. */
const fittingSide: Solver = ({ pictures: { input, target } }) => {
  const side = input.shape[1]!;
  const boards = each(target);
  return Math.max(
    1 / 8,
    share(
      each(input).map((picture, k) => {
        const [centre, other] = [0, side].map((left) =>
          square(picture, { width: 2 * side, top: 0, left, side })
        ) as [number[][], number[][]];
        const misfits = [
          misfit(other, centre, false),
          misfit(other, centre, true),
          misfit(centre, other, true),
          misfit(centre, other, false),
        ];
        const [top, left] = [[0, 1], [1, 0], [1, 2], [
          2,
          1,
        ]][misfits.indexOf(Math.min(...misfits))]!;
        const there = square(boards[k]!, {
          width: 3 * side,
          top: top! * side,
          left: left! * side,
          side,
        });
        return same(there.flat(), other.flat());
      }),
    ),
  );
};

/** Share of views in whose place their partner was found. */
const found: Solver = ({ pictures: { target, prediction } }) => {
  const partners = each(target);
  return share(each(prediction).map((view, k) => same(view, partners[k]!)));
};

/** For every first view the view that is nearest by mean colour: `k` of the first, `n + k` of the second. */
function nearestColours({ pictures: { input, target } }: Drawn): number[] {
  const colours = [...each(input), ...each(target)].map((view) =>
    [0, 1, 2].map((c) => view.reduce((sum, value, k) => k % 3 === c ? sum + value : sum, 0))
  );
  return colours.slice(0, colours.length / 2).map((colour, own) => {
    const distances = colours.map((other, k) =>
      k === own ? Infinity : colour.reduce((sum, value, c) => sum + (value - other[c]!) ** 2, 0)
    );
    return distances.indexOf(Math.min(...distances));
  });
}

/** Share of views whose partner is the nearest by mean colour. */
const nearestColour: Solver = (drawn) =>
  share(nearestColours(drawn).map((view, k) => view === drawn.labels.length + k));

/** Share of views in whose place one of their class was found. */
const classFound: Solver = ({ pictures: { input, target, prediction }, labels }) => {
  const views = [...each(input), ...each(target)];
  return share(
    each(prediction).map((found, k) => {
      const view = views.findIndex((view, at) => at !== k && same(view, found));
      return labels[view % labels.length] === labels[k];
    }),
  );
};

/** Share of views whose nearest by mean colour is of their class. */
const nearestColourClass: Solver = (drawn) =>
  share(
    nearestColours(drawn).map((view, k) =>
      drawn.labels[view % drawn.labels.length] === drawn.labels[k]
    ),
  );

/** Share of the most frequent class. */
const commonestClass: Solver = ({ pictures: { target } }) => {
  const counts = Map.groupBy(each(target), (bars) => bars.indexOf(1));
  return Math.max(...[...counts.values()].map(({ length }) => length)) / target.shape[0]!;
};

/**
 * Views for a lesson of a minute: crops hold 0.3 of an image at least. With SimCLR's 0.08, made for
 * hundreds of epochs, many pairs share no part of the image.
 */
const augment = pretext.simclrAugment({ scale: [0.3, 1] });

const views = {
  steps: 150,
  figure: "partners found",
  of: found,
  solver: "nearest mean colour",
  trivial: nearestColour,
};
const told = { figure: "accuracy", of: metric("accuracy") };

const detector = pretext.detection({ classes: 10, hidden: 128 });

/** What a smaller lesson is learned with. */
const small = {
  backbone: { layer: encoder({ widths: [8, 16, 16], embedding: 64 }), embedding: 64 },
  steps: 30,
  rate: 0.006,
  warmup: 0,
};

/** One lesson for every task. */
export const LESSONS: readonly Lesson[] = [
  { task: pretext.barlowTwinsTask({ projection: 64, augment }), ...views, steps: 250 },
  {
    task: pretext.classification({ classes: 10, hidden: 64 }),
    steps: 150,
    short: { ...small, task: pretext.classification({ classes: 10, hidden: 64 }) },
    ...told,
    solver: "the most frequent class",
    trivial: commonestClass,
  },
  {
    // 75 classes of colour in place of the paper's 261, which cost four times as much.
    task: pretext.colorization({ bin: 20, widths: [32] }),
    // What is common to all images is learned sooner by a decoder that sees nothing else: it is ahead until
    // about 100 steps, at every rate tried.
    steps: 200,
    rate: 0.02,
    figure: "negative loss",
    of: ({ figures }) => -figures["loss"]!,
    solver: "a decoder taught as long that sees nothing",
    trivial: "blind",
  },
  { task: pretext.contrastive({ projection: 64, augment }), ...views },
  {
    task: detector,
    steps: 300,
    figure: "overlap",
    of: metric("overlap"),
    solver: "the same head taught as long that sees nothing",
    trivial: "blind",
    judge: (given) => detectionPrecision(detector, given),
  },
  { task: pretext.exemplar({ projection: 64, augment }), ...views },
  {
    task: pretext.inpainting({ widths: [32, 16] }),
    steps: 100,
    short: { ...small, task: pretext.inpainting({ widths: [16, 8] }) },
    figure: "explained",
    of: metric("explained"),
    solver: "the mean colour of what is visible",
    trivial: () => 0,
  },
  {
    task: pretext.jigsaw({ hidden: 128 }),
    steps: 400,
    ...told,
    solver: "the order in which edges fit best",
    trivial: fittingTiles,
  },
  {
    task: pretext.maskedAutoencoding({ widths: [32, 16] }),
    steps: 100,
    short: { ...small, task: pretext.maskedAutoencoding({ widths: [16, 8] }) },
    figure: "explained",
    of: metric("explained"),
    solver: "the mean colour of every hidden patch",
    trivial: () => 0,
  },
  {
    task: pretext.maskedPatches({ features: 48, depth: 1 }),
    backbone: {
      layer: visionTransformer({ imageSize: 32, patch: 4, features: 48, depth: 2, heads: 3 }),
      embedding: 48,
    },
    steps: 120,
    figure: "explained",
    of: metric("explained"),
    solver: "the mean colour of every hidden patch",
    trivial: () => 0,
  },
  {
    task: pretext.relativePosition({ hidden: 128 }),
    steps: 400,
    ...told,
    solver: "the side where edges fit best, at least one answer for all",
    trivial: fittingSide,
  },
  {
    task: pretext.rotation({ hidden: 64 }),
    steps: 300,
    ...told,
    solver: "the brightest edge was the top",
    trivial: brightestEdge,
  },
  // A narrower projection, at other rates, told partners apart no better than chance; 150 steps are too few
  // (0.07 against 0.08, 0.13 after 300): nothing but the predictor keeps views of different images apart.
  { task: pretext.simSiam({ projection: 256, augment }), rate: 0.002, ...views, steps: 300 },
  {
    task: pretext.supervisedContrastiveTask({ projection: 64, augment }),
    steps: 200,
    // Its loss asks for views of the class, not for the partner.
    figure: "views of the class found",
    of: classFound,
    solver: "nearest mean colour",
    trivial: nearestColourClass,
  },
  { task: pretext.vicRegTask({ projection: 64, augment }), ...views },
];
