/**
 * The texts of a new kernel: WGSL, a primitive with all its rules, a test. They compute `scale x^2` until someone
 * writes something better in its place.
 *
 * @module
 */

/** Names of a kernel in its texts. */
export interface KernelNames {
  /** Of the file and the primitive: `snake_case`. */
  readonly name: string;
  /** Of the function: `camelCase`. */
  readonly camel: string;
  /** Of its types: `PascalCase`. */
  readonly pascal: string;
}

/** The names that follow from `snake_case`. */
export function namesOf(name: string): KernelNames {
  const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return { name, camel, pascal: camel[0]!.toUpperCase() + camel.slice(1) };
}

/** WGSL. */
export function wgslText(): string {
  return `// y[i] = scale x[i]^2
//
// An override is compiled in, a member of Sizes is read at run time: all shapes share one pipeline.
// An invocation may not run more than 60,000 iterations of loops.

override WORKGROUP: u32;

struct Sizes {
  size: u32,
  scale: f32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn store(at: u32, value: f32) {
  y[at] = value;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (i >= sizes.size) { return; }
  store(i, sizes.scale * x[i] * x[i]);
}
`;
}

/** What both primitives have: parameters, shape, meaning. */
function commonRules({ name }: KernelNames): string {
  return `  name: "${name}",
  aval: (_, [x]) => {
    if (x?.dtype !== "f32") throw new TypeError("expected one operand of type f32.");
    return { shape: x.shape, dtype: "f32" };
  },
  evaluate: ({ scale }, [x], output) =>
    ndArray(output, Array.from(x!.data, (value) => scale * value * value)),`;
}

function paramsText({ camel, pascal }: KernelNames): string {
  return `/** Parameters of {@linkcode ${camel}P}. */
export interface ${pascal}Params {
  /** Factor of the squares. */
  readonly scale: number;
}
`;
}

function callText(name: string, more = ""): string {
  return `calls: [{
        kernel: "${name}",${more}
        overrides: { size, scale, ...overrides },
        workgroups,
        buffers: [{ kind: "input", index: 0 }, { kind: "output", index: 0 }],
        flops: 2 * size,
      }],
      scratch: [],`;
}

/** A primitive of the library, \`src/ops/<name>.ts\`. */
export function opText(names: KernelNames): string {
  const { name, camel, pascal } = names;
  return `/** \`scale x^2\`, element by element, by a kernel of its own. @module */
import { ${name} as wgsl } from "../../kernels/mod.ts";
import type { Aval } from "../ir/aval.ts";
import { sizeOf } from "../ir/aval.ts";
import type { CodedKernelCall, DeviceTraits, KernelLowering } from "../ir/lowering.ts";
import { ndArray } from "../ir/nd_array.ts";
import { definePrimitive, type Primitive } from "../ir/primitive.ts";
import { apply, type Tensor } from "../ir/tensor.ts";
import { like } from "./fill.ts";
import { linearGrid } from "./kernel_grid.ts";
import { mul } from "./mul.ts";

${paramsText(names)}
/** Squares times a factor. */
export const ${camel}P: Primitive<${pascal}Params> = definePrimitive<
  ${pascal}Params
>({
${commonRules(names)}
  // d(scale x^2) = 2 scale x dx
  jvp: ({ params: { scale }, inputs: [x] }, [dx]) =>
    dx ? mul(like(x!, 2 * scale), mul(x!, dx)) : null,
  transpose: "not linear",
  vmap: ({ params }, [x]) => apply(${camel}P, params, [x!.tensor]),
  lower: {
    kind: "kernel",
    lower: ({ scale }, _, output, traits) => lowering(scale, output, traits),
  },
  flops: (_, __, output) => 2 * sizeOf(output.shape),
});

function lowering(
  scale: number,
  { shape }: Aval,
  traits: DeviceTraits,
): KernelLowering<CodedKernelCall> {
  const size = sizeOf(shape);
  const { workgroups, overrides } = linearGrid(size, traits);
  return {
    ${callText(name, `\n        code: wgsl,`).replaceAll("\n  ", "\n")}
  };
}

/** \`scale x^2\`, element by element. */
export function ${camel}(x: Tensor, scale: number): Tensor {
  return apply(${camel}P, { scale }, [x]);
}
`;
}

/** Cases of a primitive of the library, \`tests/cases/<name>_cases.ts\`: all law tests use them. */
export function casesText({ name, camel }: KernelNames): string {
  return `/** Cases of \`${name}\`. @module */
import type { Tensor } from "../../src/ir/tensor.ts";
import { ${camel} } from "../../src/ops/${name}.ts";
import { f32, type PrimitiveCase, primitiveCase } from "./case.ts";

const build = (x: Tensor): Tensor => ${camel}(x, 0.5);

/** Odd sizes, and one of more than a workgroup. */
export const ${camel}Cases: readonly PrimitiveCase[] = [
  primitiveCase("${name}", [f32([3, 5])], { build }),
  primitiveCase("${name} of a scalar", [f32([])], { build }),
  primitiveCase("${name} of many", [f32([7, 37])], { build }),
];
`;
}

/** A primitive outside of the library, \`<name>.ts\` beside \`<name>.wgsl\`. */
export function ownText(names: KernelNames, library: string): string {
  const { name, camel, pascal } = names;
  return `/** \`scale x^2\`, element by element, by a kernel of its own. @module */
import { apply, kernelPrimitive, linearGrid, ndArray, sizeOf } from "${library}";
import { mul, type Primitive, type Tensor } from "${library}";

const code = await Deno.readTextFile(new URL("${name}.wgsl", import.meta.url));

${paramsText(names)}
/** Squares times a factor. */
export const ${camel}P: Primitive<${pascal}Params> = kernelPrimitive<
  ${pascal}Params
>({
  kernels: { ${name}: code },
${commonRules(names)}
  // d(scale x^2) = 2 scale x dx
  jvp: ({ params: { scale }, inputs: [x] }, [dx]) => dx ? mul(mul(x!, dx), 2 * scale) : null,
  transpose: "not linear",
  vmap: ({ params }, [x]) => apply(${camel}P, params, [x!.tensor]),
  lower: ({ scale }, _, output, traits) => {
    const size = sizeOf(output.shape);
    const { workgroups, overrides } = linearGrid(size, traits);
    return {
      ${callText(name)}
    };
  },
  flops: (_, __, output) => 2 * sizeOf(output.shape),
});

/** \`scale x^2\`, element by element. */
export function ${camel}(x: Tensor, scale: number): Tensor {
  return apply(${camel}P, { scale }, [x]);
}
`;
}

/** The test of a primitive outside of the library, \`<name>_test.ts\`. */
export function ownTestText({ name, camel }: KernelNames, library: string): string {
  return `import { checkRules, hostArray, openEngine, type Tensor } from "${library}";
import { ${camel} } from "./${name}.ts";

const x = hostArray([[0.5, -2, 3], [1, 0.25, -1.5]]);
const fn = (x: Tensor): Tensor => ${camel}(x, 0.5);

Deno.test("${camel}() keeps the laws of calculus and of vectorization", async () => {
  await checkRules(fn, [x]);
});

Deno.test("${camel}() computes on the device what its meaning says", async () => {
  using engine = await openEngine("webgpu");
  await checkRules(fn, [x], { engine });
});
`;
}
