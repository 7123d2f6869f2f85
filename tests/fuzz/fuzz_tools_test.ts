/** The random programs themselves: what they cover, that they repeat, and that faults are seen. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { LoadedProgram } from "../../src/engine/engine.ts";
import { Engine } from "../../src/engine/engine.ts";
import { ReferenceBackend } from "../../src/engine/reference_backend.ts";
import { WebGpuBackend } from "../../src/engine/webgpu_backend.ts";
import { evaluate } from "../../src/ir/evaluate.ts";
import { type NdArray, ndArray } from "../../src/ir/nd_array.ts";
import type { Program } from "../../src/ir/program.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import {
  abs,
  add,
  argMax,
  constant,
  conv2d,
  equal,
  expandDims,
  flip,
  floor,
  less,
  matmul,
  mul,
  neg,
  pad,
  reshape,
  sin,
  slice,
  sub,
  sum,
  zeros,
} from "../../src/tensor/mod.ts";
import * as transform from "../../src/transform/mod.ts";
import { compare, type Comparison } from "./compare.ts";
import { Draw } from "./draw.ts";
import { type Engines, starve } from "./engines.ts";
import { generate } from "./generate.ts";
import { differencesLaw } from "./laws.ts";
import { minimise } from "./minimise.ts";
import { type Mode, modes, subjectOf } from "./modes.ts";
import { mutations } from "./mutations.ts";
import { inputsOf, isInput, PUBLIC, type Recipe, wrappers } from "./recipe.ts";
import { callNames, recipeText } from "./recipe_text.ts";
import { expectationOf, FLOAT32, FLOAT64 } from "./rounding.ts";
import { attempt, drawSetting, type Verdict } from "./trial.ts";
import { webgpuTest } from "../webgpu.ts";

/** Public functions that are no part of programs. */
const HOST_ONLY = ["valuesOf", "keyWords"];

const FIRST = Array.from({ length: 25 }, (_, k) => generate(3, k));

Deno.test("random programs are a function of their seed and number", () => {
  FIRST.forEach((recipe, k) => assertEquals(recipeText(generate(3, k)), recipeText(recipe)));
  assertNotEquals(recipeText(generate(4, 0)), recipeText(FIRST[0]!));
  assertEquals(new Set(FIRST.map(recipeText)).size, FIRST.length);
});

Deno.test("random programs call every public function of tensors, and every transformation", () => {
  const wanted = Object.keys(PUBLIC)
    .filter((name) => typeof PUBLIC[name] === "function" && !HOST_ONLY.includes(name));
  const missing = new Set([...wanted, ...wrappers]);
  const ranks = new Set<number>();
  const extents = new Set<number>();
  for (let k = 0; k < 2000 && missing.size > 0; k++) {
    const recipe = generate(5, k);
    callNames(recipe).forEach((name) => missing.delete(name));
    for (const { shape } of inputsOf(recipe)) {
      ranks.add(shape.length);
      shape.forEach((extent) => extents.add(extent));
    }
  }
  assertEquals([...missing], []);
  assertEquals([0, 1, 2, 3, 4, 5].filter((rank) => !ranks.has(rank)), []);
  assert(extents.has(0) && extents.has(1), "no extents of 0 and 1");
});

Deno.test("every planted fault has its place", async () => {
  for (const { name, file, from } of mutations) {
    const source = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    const places = source.split(from).length - 1;
    assertEquals(places, 1, `the text of '${name}' occurs ${places} times in ${file}`);
  }
});

Deno.test("a program's text means the program", () => {
  const scope: Record<string, unknown> = { ...PUBLIC, ...transform };
  for (const recipe of FIRST) {
    const text = recipeText(recipe).replaceAll(/: Tensor(\[\])?/g, "").replaceAll("!", "");
    const fn = new Function(...Object.keys(scope), `${text}\nreturn program;`)(
      ...Object.values(scope),
    ) as (...args: Tensor[]) => Tensor | Tensor[];
    const { fn: built, avals, inputs } = subjectOf(recipe, "out", []);
    const point = inputs(new Draw(1));
    const found = evaluate(
      transform.trace((...args: Tensor[]) => [fn(...args)].flat(), avals).program,
      point,
    );
    assertEquals(found, evaluate(transform.trace(built, avals).program, point), text);
  }
});

/** Engines that consist of one, whose results a fault changes. */
function faulty(
  change: (results: NdArray[], run: number, inputs: readonly NdArray[]) => void,
): Engines {
  const backend = new ReferenceBackend();
  const load = backend.load.bind(backend);
  backend.load = async (program: Program): Promise<LoadedProgram> => {
    const loaded = await load(program);
    let run = 0;
    return {
      dispatches: loaded.dispatches,
      run: async (inputs) => {
        const results = await loaded.run(inputs) as NdArray[];
        change(results, run++, inputs as NdArray[]);
        return results;
      },
    };
  };
  const engine = new Engine(backend);
  return {
    get: () => Promise.resolve(engine),
    reset: () => {},
    close: () => {},
  } as unknown as Engines;
}

async function verdictsOf(
  engines: Engines,
  mode: Mode,
  programs = FIRST.length,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const [k, recipe] of FIRST.slice(0, programs).entries()) {
    const setting = drawSetting(recipe, [3, k], { engine: "tfjs", mode, special: false });
    verdicts.push(await attempt(engines, recipe, setting));
  }
  return verdicts;
}

function share(verdicts: readonly Verdict[], kind: Verdict["kind"]): number {
  return verdicts.filter((verdict) => verdict.kind === kind).length / verdicts.length;
}

Deno.test("an engine without faults is right in every mode", async () => {
  for (const mode of modes) {
    const verdicts = await verdictsOf(faulty(() => {}), mode, 8);
    assertEquals(
      verdicts.map(({ kind, message }) => `${kind} ${message}`),
      verdicts.map(() => "right "),
    );
  }
});

Deno.test("an engine that returns the previous call's results is wrong", async () => {
  let last: NdArray[] = [];
  let programs = 0;
  /** Programs whose results the second inputs change at all; of the others nothing can be told. */
  const changed = new Set<number>();
  const verdicts = await verdictsOf(
    faulty((results, run) => {
      if (run === 0) programs++;
      const own = results.map((result) => ndArray(result, result.data));
      if (run > 0) {
        results.forEach((result, k) => {
          const before = last[k]!.data;
          if (result.data.some((value, at) => !Object.is(value, before[at]))) {
            changed.add(programs - 1);
          }
          result.data.set(before);
        });
      }
      last = own;
    }),
    "out",
  );
  assertEquals(programs, verdicts.length);
  const told = verdicts.filter((_, k) => changed.has(k));
  assert(told.length > 0.8 * verdicts.length, `${told.length} programs depend on their inputs`);
  // Where a result is an input itself, the fault changes the input, which is told too.
  assertEquals(share(told, "right"), 0, `${share(told, "right")} of them pass`);
  const { message } = verdicts.find(({ kind }) => kind === "wrong")!;
  assertStringIncludes(message, "call 2");
});

Deno.test("an engine whose results are off by a thousandth is wrong", async () => {
  const verdicts = await verdictsOf(
    faulty((results) => {
      for (const { data, dtype } of results) {
        if (dtype === "f32") data.forEach((x, k) => data[k] = x * 1.001);
      }
    }),
    "out",
  );
  assert(share(verdicts, "wrong") > 0.9, `${share(verdicts, "wrong")} of the programs are wrong`);
});

Deno.test("an engine that changes its inputs is refused", async () => {
  const verdicts = await verdictsOf(
    faulty((_, __, inputs) => {
      const filled = inputs.find(({ data }) => data.length > 0);
      if (filled) filled.data[0] = 77;
    }),
    "out",
  );
  const changed = verdicts.filter(({ message }) => message.includes("was changed")).length;
  assert(changed / verdicts.length > 0.5, `${changed} of ${verdicts.length} are seen`);
});

/** Compares results with what is asked of `fn` at a point. */
function judge(
  fn: (x: Tensor) => Tensor,
  values: readonly number[],
  found: (exact: readonly number[]) => number[],
  upToAlgorithm = false,
): Comparison {
  const aval = { shape: [values.length], dtype: "f32" as const };
  const { program } = transform.trace((x: Tensor) => [fn(x)], [aval]);
  const expected = expectationOf(program, [ndArray(aval, values)], new Draw(1), 24);
  const [result] = expected.exact;
  const { shape, dtype } = result!;
  const data = Float32Array.from(found(Array.from(result!.data)));
  return compare([{ shape, dtype, data }], expected, { special: false, upToAlgorithm });
}

Deno.test("expectationOf() allows what cancellation in float32 costs, and no more", () => {
  // 1e4 and the next float32 but two: their difference is known to a unit of 1e4 only.
  const cancelling = (x: Tensor): Tensor => sub(mul(x, 1.1), mul(x, 1.0999));
  const near = judge(cancelling, [1e4, 3e4], (exact) => exact.map((value) => value + 2e-4));
  assertEquals(near.wrong, undefined);
  const far = judge(cancelling, [1e4, 3e4], (exact) => exact.map((value) => value + 0.05));
  assert(far.wrong !== undefined);
  const plain = (x: Tensor): Tensor => mul(x, 1.1);
  assert(judge(plain, [1, 2], (exact) => exact.map((value) => value + 2e-5)).wrong !== undefined);
});

Deno.test("compare() passes over what is up to the algorithm: NaN, once something is not finite", () => {
  const wrongOf = (values: readonly number[], found: readonly number[], upToAlgorithm: boolean) =>
    judge((x) => mul(x, 2), values, () => [...found], upToAlgorithm).wrong !== undefined;
  assert(!wrongOf([NaN, 0], [NaN, NaN], true));
  assert(wrongOf([NaN, 0], [NaN, NaN], false));
  assert(wrongOf([NaN, 0], [NaN, 1], true));
  assert(wrongOf([1, 0], [2, NaN], true));
});

Deno.test("expectationOf() asks nothing where rounding decides, and everything where it does not", () => {
  const close = (x: Tensor): Tensor => argMax(mul(x, 1 / 3));
  const decided = judge(close, [1, 2, 3], () => [1]);
  assertEquals([decided.ambiguous, decided.wrong !== undefined], [0, true]);
  const tie = judge(close, [3, 1, Math.fround(3 + 2 ** -22)], () => [0]);
  assertEquals([tie.ambiguous, tie.wrong], [1, undefined]);
  // Whole numbers are added without errors on every engine.
  const count = (x: Tensor): Tensor => less(sum(x), 6);
  assertEquals(judge(count, [1, 2, 3], () => [0]).ambiguous, 0);
  // What is computed may be computed again, with its sums in another order; what is read is the same.
  const again = judge((x) => below(mul(x, 1 / 3)), [1, 2, 4], () => [1, 1, 0]);
  assertEquals([again.ambiguous, again.wrong], [1, undefined]);
  // In float32 the sine of 1e-4 is 1e-4.
  const equalled = judge((x) => equal(sin(x), x), [0.5, 1e-4], () => [0, 1]);
  assertEquals([equalled.ambiguous, equalled.wrong], [1, undefined]);
  const same = judge(below, [1.5, 2.5, 4.5], () => [1, 1, 0]);
  assertEquals([same.ambiguous, same.wrong !== undefined], [0, true]);
});

Deno.test("expectationOf() lets what cancels in a sum be gone, where sums may be rearranged", () => {
  const aval = { shape: [4], dtype: "f32" as const };
  const point = [ndArray(aval, [1, Infinity, NaN, -Infinity])];
  const asked = (fn: (x: Tensor) => Tensor, rearranging = true): string => {
    const { program } = transform.trace((x: Tensor) => [fn(x)], [aval]);
    const { allowed } = expectationOf(program, point, new Draw(1), 24, { ...FLOAT32, rearranging });
    return Array.from(allowed[0]!, (most) => Number.isNaN(most) ? "-" : "x").join("");
  };
  assertEquals(asked((x) => sub(add(x, 1), x)), "x---");
  assertEquals(asked((x) => sub(add(x, 1), x), false), "xxxx");
  assertEquals(asked((x) => add(neg(add(x, x)), x)), "x-x-");
  assertEquals(
    asked((x) => mul(transform.checkpoint((y: Tensor) => sub(add(y, 1), y))(x), 2)),
    "x---",
  );
  for (const kept of [(x: Tensor) => sub(x, x), (x: Tensor) => add(neg(x), x)]) {
    assertEquals(asked((x) => add(kept(x), x)), "xxxx");
  }
  assertEquals(asked((x) => add(add(x, 1), x)), "xxxx");
  // Across calls, and in another shape.
  const difference = transform.checkpoint((x: Tensor, y: Tensor) => sub(x, y));
  assertEquals(asked((x) => difference(difference(x, flip(x, 0)), x)), "xx--");
  // A border's zeros, but no others.
  assertEquals(asked((x) => mul(pad(slice(x, [[0, 1]]), [[0, 3]]), x)), "x---");
  assertEquals(asked((x) => mul(constant([1, 0, 0, 0]), x)), "xxxx");
  const same = (x: Tensor): Tensor => reshape(expandDims(x, 0), [4]);
  assertEquals(asked((x) => sub(add(same(x), 1), x)), "x---");
  // Zeros around the image of an infinite pixel; of a finite one all is asked.
  const taps = (pixel: number) => (x: Tensor): Tensor => {
    const image = reshape(slice(x, [[pixel, pixel + 1]]), [1, 1, 1, 1]);
    const loss = (w: Tensor): Tensor => sum(conv2d(image, w, { padding: 1 }));
    return transform.grad(loss)(zeros([3, 3, 1, 1]));
  };
  assertEquals([asked(taps(0)), asked(taps(1))], ["xxxxxxxxx", "---------"]);
});

Deno.test("expectationOf() in float64 asks all but what that rounding decides", () => {
  const allowedAt = (values: readonly number[]): (readonly number[])[] => {
    const aval = { shape: [values.length], dtype: "f32" as const };
    const { program } = transform.trace((x: Tensor) => {
      const thirds = mul(x, 1 / 3);
      return [floor(thirds), thirds];
    }, [aval]);
    const point = [ndArray(aval, values)];
    return expectationOf(program, point, new Draw(1), 24, FLOAT64).allowed.map((of) => [...of]);
  };
  // Three thirds are 1 or a little less: the floor is up to rounding, those of 4 / 3 and 5 / 3 are not.
  assertEquals(allowedAt([3])[0], [NaN]);
  const [floors, thirds] = allowedAt([4, 5]);
  assert(floors!.every((distance) => distance < 1e-14), `${floors}`);
  assert(thirds!.every((distance) => distance > 0 && distance < 1e-14), `${thirds}`);
});

/** Whether each element is below that at the other end. */
function below(x: Tensor): Tensor {
  return less(x, flip(x, 0));
}

Deno.test("minimise() leaves what a failure needs", async () => {
  const recipe = findWith("logSumExp", "concat");
  const needs = (smaller: Recipe): boolean =>
    ["logSumExp", "concat"].every((name) => callNames(smaller).has(name));
  const smallest = await minimise(recipe, (smaller) => Promise.resolve(needs(smaller)));
  const calls = smallest.lines.length - inputsOf(smallest).length;
  assert(needs(smallest));
  assert(calls <= 3, recipeText(smallest));
  assertEquals(smallest.functions.length, 0);
});

/** A long program that calls functions by itself, not inside of functions of its own. */
function findWith(...names: readonly string[]): Recipe {
  for (let k = 0;; k++) {
    const recipe = generate(11, k);
    const calls = called(recipe.lines);
    const inner = called(recipe.functions.flatMap(({ body }) => body.lines));
    const found = names.every((name) => calls.has(name) && !inner.has(name));
    if (recipe.lines.length > 15 && found) return recipe;
  }
}

function called(lines: Recipe["lines"]): Set<string | number> {
  return new Set(lines.flatMap((line) => isInput(line) ? [] : [line.call]));
}

Deno.test("differencesLaw() finds wrong tangents, and no fault in right ones or at kinks", () => {
  const aval = { shape: [3], dtype: "f32" as const };
  const { program } = transform.trace((x: Tensor) => [mul(x, abs(x))], [aval]);
  const situation = {
    program,
    primals: [ndArray(aval, [0.5, -1.5, 2])],
    direction: [ndArray(aval, [1, 0.5, -1])],
  };
  const law = (tangent: number[]): string | undefined =>
    differencesLaw("jvp", [ndArray(aval, tangent)], situation);
  assertEquals(law([1, 1.5, -4]), undefined);
  assertStringIncludes(law([1, 1.5, -2])!, "element 2 is -2");
  // A step goes over many waves: differences say nothing.
  const waves = transform.trace((x: Tensor) => [sin(mul(x, 1e12))], [aval]).program;
  const slopes = [0.5, -1.5, 2].map((x, k) => 1e12 * Math.cos(1e12 * x) * [1, 0.5, -1][k]!);
  assertEquals(
    differencesLaw("jvp", [ndArray(aval, slopes)], { ...situation, program: waves }),
    undefined,
  );
  const bent = transform.trace((x: Tensor) => [abs(sub(x, 0.5))], [aval]).program;
  assertEquals(
    differencesLaw("jvp", [ndArray(aval, [77, -0.5, -1])], { ...situation, program: bent }),
    undefined,
  );
});

webgpuTest(
  "starve() has programs computed in parts, and as they are where that cannot be",
  async (gpu) => {
    const avals = [{ shape: [8, 4], dtype: "f32" }, { shape: [4, 64], dtype: "f32" }] as const;
    const partsOf = async (fn: (a: Tensor, b: Tensor) => Tensor): Promise<number> => {
      const program = transform.simplify(
        transform.trace((a: Tensor, b: Tensor) => [fn(a, b)], avals).program,
      );
      const loaded = await starve(new WebGpuBackend(gpu)).load(program);
      return loaded.program!.nodes.filter(({ primitive }) => primitive.name === "call").length;
    };
    assertEquals(await partsOf((a, b) => sum(abs(matmul(a, b)))), 2);
    // One number has no parts.
    assertEquals(await partsOf((a, b) => sum(mul(sum(a), b))), 0);
  },
);
