/** Indices as WGSL whose strides and extents are read at run time. */
import { assert, assertEquals } from "@std/assert";
import { IndexText } from "../../src/compile/index_text.ts";
import {
  addIndex,
  divideIndex,
  type Index,
  moduloIndex,
  offsetIndex,
  scaleIndex,
  variableIndex,
} from "../../src/ir/index_expression.ts";

/** Indices as WGSL, one after the other: the last one, and what all need. */
function written(...indices: Index[]): {
  readonly code: string;
  readonly sizes: readonly number[];
  readonly lines: readonly string[];
} {
  const sizes: number[] = [];
  const lines: string[] = [];
  const text = new IndexText({
    size: (value) => `size${sizes.push(value) - 1}`,
    name: (code) => `v${lines.push(code) - 1}`,
  });
  const codes = indices.map((index) => text.of(index));
  return { code: codes.at(-1)!, sizes, lines };
}

Deno.test("IndexText shifts and masks by powers of two, and divides small indices as f32", () => {
  const q = variableIndex("q", 6000);
  const parts = [
    [divideIndex(q, 16), "q >> size0", [4]],
    [moduloIndex(q, 16), "q & size0", [15]],
    [divideIndex(q, 12), "u32((f32(q) + 0.5) * size0)", [1 / 12]],
  ] as const;
  for (const [index, line, sizes] of parts) {
    assertEquals(written(index), { code: "v0", sizes, lines: [line] });
  }
  assertEquals(written(moduloIndex(q, 12)), {
    code: "v1",
    sizes: [1 / 12, 12],
    lines: ["u32((f32(q) + 0.5) * size0)", "q - v0 * size1"],
  });
  const large = variableIndex("q", 2 ** 30);
  assertEquals(written(divideIndex(large, 12)).lines, ["q / 12u"]);
  assertEquals(written(moduloIndex(large, 12)).lines, ["q % 12u"]);
});

Deno.test("IndexText divides what is left of an index without its multiples", () => {
  // All of it is too large to be divided as f32.
  const q = scaleIndex(variableIndex("q", 2 ** 20), 5);
  assertEquals(written(divideIndex(q, 3)), {
    code: "(v0 + q)",
    sizes: [2, 1 / 3],
    lines: ["u32((f32((q * size0)) + 0.5) * size1)"],
  });
  assertEquals(written(moduloIndex(q, 3)).lines, [
    "u32((f32((q * size0)) + 0.5) * size1)",
    "(q * size0) - v0 * size2",
  ]);
  // What may be negative is not.
  const back = offsetIndex(scaleIndex(variableIndex("q", 2 ** 20), -2), 2 ** 22);
  const lines = written(moduloIndex(addIndex(scaleIndex(variableIndex("p", 8), 4), back), 3)).lines;
  assert(lines[0]!.endsWith(" % 3u"), `${lines}`);
});

Deno.test("IndexText writes what repeats once, and leaves what divides short loops in the text", () => {
  const q = variableIndex("q", 6000);
  const quotient = divideIndex(q, 20);
  const twice = addIndex(scaleIndex(quotient, 500), moduloIndex(quotient, 8));
  assertEquals(written(twice), {
    code: "(v1 + v0 * size2)",
    sizes: [1 / 20, 7, 500],
    lines: ["u32((f32(q) + 0.5) * size0)", "v0 & size1"],
  });
  // An unrolled loop makes constants of its counter's parts; strides are never in the text, however small.
  const r = variableIndex("r", 4);
  const step = addIndex(scaleIndex(divideIndex(r, 2), 3), moduloIndex(r, 2));
  assertEquals(written(step), {
    code: "((r % 2u) + (r / 2u) * size0)",
    sizes: [3],
    lines: [],
  });
});

Deno.test("IndexText leaves numbers in the text of a kernel that has many", () => {
  const parts = Array.from({ length: 20 }, (_, k) => scaleIndex(variableIndex(`q${k}`, 9), 10 + k));
  const { code, sizes } = written(parts.reduce(addIndex));
  assertEquals(sizes.length, 16);
  assertEquals(code.match(/ \* (size\d+|\d+u)/g)?.filter((by) => by.endsWith("u")).length, 4);
  const quotient = divideIndex(variableIndex("z", 100), 12);
  assertEquals(written(...parts, quotient).lines, [`u32((f32(z) + 0.5) * f32(${1 / 12}))`]);
});

Deno.test("quotients as f32 are those of integers, for every index that is divided so", () => {
  const asF32 = (extent: number, by: number) =>
    written(divideIndex(variableIndex("q", extent), by)).lines[0]!.includes("f32");
  let extent = 2 ** 10;
  while (asF32(extent * 2, 3)) extent *= 2;
  assertEquals(extent, 2 ** 21);
  const { fround, trunc } = Math;
  for (let by = 3; by < 5000; by += by < 200 ? 1 : 37) {
    const size = fround(1 / by);
    // The index before a multiple, and the multiple.
    for (let k = 1; k * by < extent; k++) {
      const [before, after] = [k * by - 1, k * by].map((q) =>
        trunc(fround(fround(q + 0.5) * size))
      );
      assert(before === k - 1 && after === k, `${k} * ${by}: ${before}, ${after}`);
    }
  }
});
