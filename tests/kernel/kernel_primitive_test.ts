import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  apply,
  checkRules,
  constant,
  type HostArray,
  hostArray,
  kernelPrimitive,
  type KernelRules,
  keyWords,
  maml,
  mul,
  ndArray,
  openEngine,
  sgd,
  sum,
  type Tensor,
} from "../../mod.ts";
import { withoutWebgpu } from "../webgpu.ts";
import { PRODUCT, rowDot, rowDotRules } from "./own_kernels.ts";

const a = hostArray([[1, -2, 3], [0.5, 4, -1], [2, 2, 1], [0, 1, -3], [1, 5, 2]]);
const b = hostArray([[2, 1, 1], [3, -4, 1], [0.5, 2, 7], [1, -1, -3], [2, 2, 2]]);

/** The operation with some rules changed. */
function changed(rules: Partial<KernelRules<null>>): (x: Tensor, y: Tensor) => Tensor {
  const primitive = kernelPrimitive<null>({ ...rowDotRules, ...rules });
  return (x, y) => apply(primitive, null, [x, y]);
}

Deno.test({
  name: "an own kernel keeps all laws, on the device too",
  ignore: withoutWebgpu,
  fn: async () => {
    using engine = await openEngine("webgpu");
    const checks = await checkRules(rowDot, [a, b], { engine });
    assert(checks.length >= 14, `${checks.length} laws`);
    const [result] = [await engine.jit(rowDot)(a, b)];
    assertEquals([...(await engine.read(result) as HostArray).data], [3, -15.5, 12, 8, 16]);
  },
});

Deno.test("an own kernel works without a device, by its meaning", async () => {
  using engine = await openEngine("reference");
  await checkRules(rowDot, [a, b], { engine });
});

/** A rule that is wrong, and the law that it breaks. */
const wrong: readonly (readonly [string, Partial<KernelRules<null>>, string])[] = [
  [
    "a tangent that forgets an operand",
    { jvp: ({ inputs: [, right] }, [da]) => da ? rowDot(da, right!) : null },
    "the tangent is the limit of differences: off by",
  ],
  [
    "a cotangent of twice the size",
    {
      jvp: (node, [da]) => da ? apply(node.primitive, null, [da, node.inputs[1]!]) : null,
      transpose: (node, cotangent, linear) =>
        typeof rowDotRules.transpose === "string"
          ? []
          : rowDotRules.transpose(node, mul(cotangent, 2), linear),
    },
    "the cotangent is the adjoint of the tangent: off by",
  ],
  [
    "a vectorization of the first example only",
    {
      vmap: ({ primitive, params }, [x, y], batch) => {
        const one = (entry: typeof x): Tensor =>
          entry!.batched ? sum(mul(entry!.tensor, 1 / batch), { axes: 0 }) : entry!.tensor;
        const once = apply(primitive, params, [one(x), one(y)]);
        return mul(once, hostOnes(batch, once.shape[0]!));
      },
    },
    "vmap over operand 0 is a loop: off by",
  ],
  [
    "a shape that is not the one of the meaning",
    { evaluate: () => ndArray({ shape: [2], dtype: "f32" }, [1, 2]) },
    "evaluate gave",
  ],
];

function hostOnes(batch: number, rows: number): Tensor {
  return constant(new Array(batch * rows).fill(1), { shape: [batch, rows] });
}

for (const [what, rules, law] of wrong) {
  Deno.test(`checkRules() finds ${what}`, async () => {
    await assertRejects(() => checkRules(changed(rules), [a, b]), Error, law);
  });
}

Deno.test({
  name: "checkRules() finds a kernel that computes something else",
  ignore: withoutWebgpu,
  fn: async () => {
    using engine = await openEngine("webgpu");
    const product = PRODUCT.replace("a[i] * b[i]", "a[i] * b[i / 2u]");
    const kernels = { ...rowDotRules.kernels, product };
    const error = await assertRejects(
      () => checkRules(changed({ kernels }), [a, b], { engine }),
      Error,
      "- the engine's result is that of evaluate: off by",
    );
    assert(!/limit of differences/.test(error.message), error.message);
  },
});

Deno.test("an own kernel in an inner loss has the exact meta-gradient", async () => {
  using engine = await openEngine("reference", { float64: true });
  const metaGradientBy = async (dots: typeof rowDot): Promise<HostArray> => {
    const loss = (params: Tensor, _: object, batch: Tensor): Tensor => {
      const residual = dots(mul(params, params), batch);
      return sum(mul(residual, residual));
    };
    const meta = maml({ inner: loss, outer: loss }, {
      innerSteps: 2,
      innerRate: 1e-3,
      optimizer: sgd(),
    });
    const step = engine.jit((params: Tensor, batch: Tensor, key: Tensor) =>
      meta(
        { params, shared: {}, rates: {} },
        { support: batch, query: mul(batch, 0.5), constants: {} },
        key,
      ).grads.params
    );
    const batch = { shape: [1, 5, 3], dtype: b.dtype, data: b.data };
    return await engine.read(await step(a, batch, hostArray(keyWords(0), [2], "u32")));
  };
  const own = await metaGradientBy(rowDot);
  const library = await metaGradientBy((x, y) => sum(mul(x, y), { axes: 1 }));
  assert(library.data.some((value) => Math.abs(value) > 1));
  own.data.forEach((value, k) => {
    const expected = library.data[k]!;
    assert(Math.abs(value - expected) <= 1e-6 * Math.max(1, Math.abs(expected)), `${k}: ${value}`);
  });
});

/** What must not be accepted when it is defined. */
const refused: readonly (readonly [string, Partial<KernelRules<null>>, string])[] = [
  ["a name of the library", { name: "matmul" }, "Choose another, 'my_matmul'"],
  ["a missing rule", { jvp: undefined as never }, "found undefined for its rule 'jvp'"],
  [
    "a rule that is a wrong word",
    { transpose: "no" as "not linear" },
    "found the text 'no' for its rule 'transpose'",
  ],
  ["a kernel without entry point", { kernels: { product: "fn f() {}" } }, "found no 'fn main'"],
  [
    "bindings with a gap",
    { kernels: { product: PRODUCT.replace("@binding(1)", "@binding(5)") } },
    "Number the bindings from 0 without gaps",
  ],
];

for (const [what, rules, message] of refused) {
  Deno.test(`kernelPrimitive() refuses ${what}`, () => {
    assertThrows(() => changed(rules), Error, message);
  });
}

/** A lowering of one call of `product` that is changed. */
function lowering(
  change: Partial<ReturnType<KernelRules<null>["lower"]>["calls"][number]>,
): Partial<KernelRules<null>> {
  return {
    lower: (params, inputs, output, traits) => {
      const { calls, scratch } = rowDotRules.lower(params, inputs, output, traits);
      return { scratch, calls: [{ ...calls[0]!, ...change }, calls[1]!] };
    },
  };
}

const slot = (kind: "input" | "output" | "scratch", index = 0) => ({ kind, index });

/** What must not be accepted when it is compiled: it would compute wrong numbers, or none. */
const misbound: readonly (readonly [string, Partial<KernelRules<null>>, string])[] = [
  [
    "a buffer too few",
    lowering({ buffers: [slot("input"), slot("input", 1)] }),
    "its kernel 'product' is given 2 buffers, expected 3 (a, b, y)",
  ],
  [
    "an operand that would be written",
    lowering({ buffers: [slot("input"), slot("input", 1), slot("input", 1)] }),
    "the buffer 'y' of its kernel 'product' is given input 1, but is 'var<storage, read_write>'",
  ],
  [
    "a third operand of two",
    lowering({ buffers: [slot("input"), slot("input", 2), slot("scratch")] }),
    "given input 2, expected one below 2",
  ],
  [
    "numbers of another type",
    {
      kernels: {
        ...rowDotRules.kernels,
        product: PRODUCT.replace("b: array<f32>", "b: array<vec4i>"),
      },
    },
    "'b' of its kernel 'product' is given input 1, which holds f32, but is an array of i32",
  ],
  ["an empty grid", lowering({ workgroups: [0, 1, 1] }), "is to run 0 x 1 x 1 workgroups"],
  ["a kernel that it does not have", lowering({ kernel: "prod" }), "it has no kernel 'prod'"],
  [
    "a result that nobody writes",
    {
      lower: (params, inputs, output, traits) => {
        const { calls, scratch } = rowDotRules.lower(params, inputs, output, traits);
        return { scratch, calls: calls.slice(0, 1) };
      },
    },
    "none of its kernels gets the output",
  ],
];

for (const [what, rules, message] of misbound) {
  Deno.test({
    name: `the compiler refuses ${what}`,
    ignore: withoutWebgpu,
    fn: async () => {
      using engine = await openEngine("webgpu");
      const error = await assertRejects(
        () => engine.jit(changed(rules)).prepare(a, b),
        Error,
        message,
      );
      assert(/^Cannot compile 'row_dot' of \(f32\[5, 3\]/.test(error.message), error.message);
    },
  });
}
