/** Mean average precision against examples by hand and against its definition. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  averagePrecision,
  type Box,
  boxOverlap,
  COCO_OVERLAPS,
  meanAveragePrecision,
  type ScoredBox,
  suppressOverlaps,
  type TrueBox,
} from "../../src/pretext/average_precision.ts";
import { integer, uniform } from "../cases/random.ts";

const truth = (image: number, box: Box, name = 0): TrueBox => ({ image, box, class: name });
const found = (score: number, image: number, box: Box, name = 0): ScoredBox => ({
  ...truth(image, box, name),
  score,
});

Deno.test("averagePrecision() agrees with an example that is worked by hand", () => {
  // Three objects in two images. By score: right, wrong, right, wrong (taken already), missed one.
  const truths = [truth(0, [0, 0, 10, 10]), truth(0, [20, 0, 30, 10]), truth(1, [0, 0, 10, 10])];
  const boxes = [
    found(0.9, 0, [0, 0, 10, 10]), // right: 1 of 1, recall 1/3
    found(0.8, 1, [40, 40, 50, 50]), // wrong: 1 of 2
    found(0.7, 1, [0, 0, 10, 9]), // overlap 0.9: right, 2 of 3, recall 2/3
    found(0.6, 0, [0, 0, 10, 10]), // a second box of a taken object: wrong, 2 of 4
  ];
  // Recalls 0 to 0.33 (34 of them): precision 1; 0.34 to 0.66 (33): 2/3; above: 0.
  assertAlmostEquals(averagePrecision(boxes, truths, 0.5), (34 + 33 * 2 / 3) / 101, 1e-12);
  // At 0.95 the third box is wrong too.
  assertAlmostEquals(averagePrecision(boxes, truths, 0.95), 34 / 101, 1e-12);
  // Over ten overlaps the third box is right at nine: 0.5, ..., 0.9.
  assertAlmostEquals(
    meanAveragePrecision(boxes, truths),
    (9 * (34 + 22) / 101 + 34 / 101) / 10,
    1e-12,
  );
});

Deno.test("a later right box raises the precision of lower recalls", () => {
  // Wrong, right, right: precision 0, 1/2, 2/3; the envelope is 2/3 up to recall 1.
  const truths = [truth(0, [0, 0, 1, 1]), truth(1, [0, 0, 1, 1])];
  const boxes = [
    found(3, 2, [0, 0, 1, 1]),
    found(2, 0, [0, 0, 1, 1]),
    found(1, 1, [0, 0, 1, 1]),
  ];
  assertAlmostEquals(averagePrecision(boxes, truths, 0.5), 2 / 3, 1e-12);
});

Deno.test("a box takes the object it overlaps most, and of others what is left", () => {
  const truths = [truth(0, [0, 0, 10, 10]), truth(0, [2, 0, 12, 10])];
  // Both boxes overlap both objects by more than half; the first takes the second object.
  const boxes = [found(2, 0, [2, 0, 12, 10]), found(1, 0, [1, 0, 11, 10])];
  assertEquals(averagePrecision(boxes, truths, 0.5), 1);
  assertAlmostEquals(averagePrecision(boxes, truths, 0.9), 51 / 101, 1e-12);
});

Deno.test("classes without an object do not count, of others every one alike", () => {
  const box: Box = [0, 0, 1, 1];
  const truths = [truth(0, box, 0), truth(1, box, 0), truth(0, box, 3)];
  const right = [found(1, 0, box, 0), found(1, 1, box, 0)];
  assertEquals(meanAveragePrecision([...right, found(9, 0, box, 7)], truths), 0.5);
  assertEquals(meanAveragePrecision([...right, found(9, 0, box, 3)], truths), 1);
});

Deno.test("at most 100 boxes of an image count", () => {
  const wrong = Array.from({ length: 100 }, (_, k) => found(2 + k, 0, [5, 5, 6, 6]));
  const right = found(1, 0, [0, 0, 1, 1]);
  const truths = [truth(0, [0, 0, 1, 1])];
  assertEquals(averagePrecision([...wrong, right], truths, 0.5), 0);
  assertAlmostEquals(averagePrecision([...wrong.slice(1), right], truths, 0.5), 1 / 100, 1e-12);
});

/** The definition, without sorting the axis of recall: all thresholds of the score, one by one. */
function byDefinition(
  boxes: readonly ScoredBox[],
  truths: readonly TrueBox[],
  overlap: number,
): number {
  const points = boxes.map(({ score }) => {
    // What is found at this score or a higher one, matched anew.
    const sure = boxes.filter((one) => one.score >= score).sort((a, b) => b.score - a.score);
    const free = new Set(truths);
    let right = 0;
    for (const one of sure) {
      const near = [...free].filter((other) => other.image === one.image)
        .map((other) => ({ other, shared: boxOverlap(one.box, other.box) }))
        .filter(({ shared }) => shared >= overlap)
        .sort((a, b) => b.shared - a.shared)[0];
      if (near && free.delete(near.other)) right++;
    }
    return { recall: right / truths.length, precision: right / sure.length };
  });
  let total = 0;
  for (let k = 0; k <= 100; k++) {
    const there = points.filter(({ recall }) => recall >= k * 0.01).map(({ precision }) =>
      precision
    );
    total += Math.max(0, ...there);
  }
  return total / 101;
}

Deno.test("meanAveragePrecision() is what its definition says, on random boxes", () => {
  const values = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const next = uniform(seed);
    const box = (): Box => {
      const [left, top] = [integer(next, 0, 12), integer(next, 0, 12)];
      return [left, top, left + integer(next, 3, 8), top + integer(next, 3, 8)];
    };
    const truths = Array.from(
      { length: integer(next, 1, 8) },
      () => truth(integer(next, 0, 2), box(), integer(next, 0, 1)),
    );
    // Half of the boxes are objects, moved a little; scores are all different.
    const boxes = Array.from({ length: integer(next, 1, 14) }, (_, k) => {
      const near = truths[integer(next, 0, truths.length - 1)]!;
      const moved = near.box.map((edge) => edge + integer(next, -1, 1) * 0.5) as unknown as Box;
      const own = next() < 0.6 ? { ...near, box: moved } : truth(integer(next, 0, 2), box(), 1);
      return { ...own, score: next() + k * 1e-6 };
    });
    const names = [...new Set(truths.map((one) => one.class))];
    const expected = names.flatMap((name) =>
      COCO_OVERLAPS.map((overlap) =>
        byDefinition(
          boxes.filter((one) => one.class === name),
          truths.filter((one) => one.class === name),
          overlap,
        )
      )
    );
    const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
    assertAlmostEquals(meanAveragePrecision(boxes, truths), mean, 1e-12);
    values.add(mean);
  }
  assert(values.size > 20, "too many alike");
});

Deno.test("meanAveragePrecision() is that of pycocotools", () => {
  // COCOeval of pycocotools 2.0.11, stats[0] and stats[1], of the same scenes: 5 images, 3 classes, 12 to 31
  // objects, 40 boxes of which six in ten are objects that were moved.
  const coco: readonly (readonly [number, number])[] = [
    [0.25591960456549856, 0.3779460298971074],
    [0.24696736340300693, 0.3919534810623919],
    [0.2582252868143957, 0.40649064906490645],
    [0.4126091180546626, 0.627098424128127],
    [0.2861707420742074, 0.41000641730839754],
    [0.3872828070891554, 0.6675884976991558],
    [0.3056038818167531, 0.43316831683168316],
    [0.3507926067332008, 0.6153191509627153],
    [0.2503707751727554, 0.4812772943961063],
    [0.22535334485829536, 0.3452302373094452],
    [0.20967716002369466, 0.31003155260581],
    [0.20067659242704455, 0.30383959448576436],
  ];
  coco.forEach(([mean, half], seed) => {
    let state = seed + 1;
    const draw = (bound: number): number => (state = state * 48271 % 2147483647) % bound;
    const box = (): Box => {
      const [left, top] = [draw(24), draw(24)];
      return [left, top, left + 6 + draw(12), top + 6 + draw(12)];
    };
    const object = (): TrueBox => {
      const [image, name] = [draw(5), draw(3)];
      return truth(image, box(), name);
    };
    const truths = Array.from({ length: 12 + draw(20) }, object);
    const boxes = Array.from({ length: 40 }, (_, k): ScoredBox => {
      const near = truths[draw(truths.length)]!;
      const shift = (edge: number): number => edge + (draw(5) - 2) * 0.5;
      const one = draw(10) < 6 ? { ...near, box: near.box.map(shift) as unknown as Box } : object();
      return { ...one, score: (draw(100000) * 64 + k) / 6.4e6 };
    });
    assertAlmostEquals(meanAveragePrecision(boxes, truths), mean, 1e-12, `${seed}`);
    const found = meanAveragePrecision(boxes, truths, { overlaps: [0.5] });
    assertAlmostEquals(found, half, 1e-12, `${seed}`);
  });
});

Deno.test("suppressOverlaps() keeps the surest of boxes that overlap, for every class and image", () => {
  const boxes = [
    found(0.5, 0, [0, 0, 10, 10]),
    found(0.9, 0, [0, 0, 10, 9]),
    found(0.4, 0, [0, 5, 10, 15]),
    found(0.3, 0, [0, 0, 10, 10], 1),
    found(0.2, 1, [0, 0, 10, 10]),
  ];
  assertEquals(suppressOverlaps(boxes).map(({ score }) => score), [0.9, 0.4, 0.3, 0.2]);
  assertEquals(suppressOverlaps(boxes, { most: 0.2 }).map(({ score }) => score), [0.9, 0.3, 0.2]);
  assertEquals(boxOverlap([0, 0, 0, 0], [0, 0, 0, 0]), 0);
});

Deno.test("mean average precision refuses what has no value", () => {
  const one = truth(0, [0, 0, 1, 1]);
  assertThrows(() => averagePrecision([], [], 0.5), RangeError, "a class without objects");
  assertThrows(() => meanAveragePrecision([], []), RangeError, "of 0 objects");
  assertThrows(
    () => averagePrecision([{ ...one, score: NaN }], [one], 0.5),
    RangeError,
    "found NaN, expected finite numbers",
  );
});
