/**
 * The small kernels by which an adapter is measured. Each does one thing, as often as it is written for or as the
 * first number of `x` says: two counts tell the time of one.
 *
 * @module
 */

/** Invocations of a workgroup of these kernels. */
export const WORKGROUP = 64;

/**
 * Vectors of one of the arrays that loads and stores visit: 32 KiB, so that all of them stay in a cache of a single core,
 * which no other core and no other machine on the same processor uses.
 */
export const ARRAY = 2 ** 11;

/** Steps of a loop that are written out. */
export const UNROLLED = 8;

/** Elements that one round of a loop computes. */
export const ELEMENTS = 4 * UNROLLED;

const HEAD = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
`;

const IDS = "@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, " +
  "@builtin(local_invocation_index) lane: u32";

function kernel(body: string, before = ""): string {
  return `${HEAD}${before}
@compute @workgroup_size(${WORKGROUP})
fn main(${IDS}) {
  let q = id.x + id.y * ${WORKGROUP}u * groups.x;
${body}
}`;
}

/** Lines for each number below `count`. */
function each(count: number, line: (k: number) => string): string {
  return Array.from({ length: count }, (_, k) => `  ${line(k)}`).join("\n");
}

/** A loop of `x[0].x` rounds; what is in `a` at its end is stored where a compiler cannot leave it out. */
function loop(round: string, start = "  var a = x[1];"): string {
  return `${start}
  let rounds = u32(x[0].x);
  for (var i = 0u; i < rounds; i++) {
${round}
  }
  if (a.x == 0.123) { y[q % ${ARRAY}u] = a; }`;
}

/**
 * Multiply-adds in registers: `UNROLLED * vectors * 8` operations a round.
 *
 * @param vectors Independent vectors: few do not hide the latency of the arithmetic, many do not fit the registers.
 */
export function arithmeticKernel(vectors: number): string {
  const names = Array.from({ length: vectors }, (_, k) => `a${k}`);
  const start = [
    each(vectors, (k) => `var a${k} = x[1] + f32(q + ${k}u);`),
    "  let scale = x[2];\n  let shift = x[3];\n  var a = shift;",
  ].join("\n");
  const round = each(UNROLLED, () => names.map((a) => `${a} = ${a} * scale + shift;`).join(" "));
  return kernel(loop(`${round}\n  a = ${names.join(" + ")};`, start));
}

/** Matrices, vectors and sums of {@linkcode matrixKernel}: more than the registers of any adapter hold. */
const TILE = { matrices: 8, vectors: 8, sums: 32 } as const;

/** Floating-point operations of a round of {@linkcode matrixKernel}. */
export const MATRIX_OPERATIONS: number = 32 * TILE.sums;

/** Products of matrices with vectors, added up in a tile: the heart of convolutions and matrix products. */
export function matrixKernel(): string {
  const { matrices, vectors, sums } = TILE;
  const start = [
    each(matrices, (k) => `let m${k} = mat4x4f(x[2], x[3], x[2], x[3]) * f32(q + ${k}u);`),
    each(vectors, (k) => `var p${k} = x[1] + f32(q + ${k}u);`),
    each(sums, (k) => `var a${k} = x[3];`),
    "  var a = x[3];",
  ].join("\n");
  const round = [
    each(vectors, (k) => `p${k} += x[3];`),
    each(sums, (k) => `a${k} += m${k % matrices} * p${(k + Math.floor(k / matrices)) % vectors};`),
    `  a = ${Array.from({ length: sums }, (_, k) => `a${k}`).join(" + ")};`,
  ].join("\n");
  return kernel(loop(round, start));
}

/** Loads one vector from each of `count` arrays and adds them. */
export function loadKernel(count: number): string {
  return kernel(`
  let i = q % ${ARRAY}u;
  var a = x[i];
${each(count - 1, (k) => `a += x[i + ${(k + 1) * ARRAY}u];`)}
  if (a.x == 0.123) { y[i] = a; }`);
}

/** Stores one vector into each of `count` arrays. */
export function storeKernel(count: number): string {
  return kernel(`
  let i = q % ${ARRAY}u;
  let a = x[0];
${each(count, (k) => `y[i + ${k * ARRAY}u] = a;`)}`);
}

/** Loads and adds `UNROLLED` vectors of workgroup memory a round. */
export function workgroupKernel(): string {
  return kernel(
    `  tile[lane] = x[lane];
  workgroupBarrier();
${loop(each(UNROLLED, (k) => `a += tile[(lane + i + ${k}u) % ${WORKGROUP}u];`))}`,
    `var<workgroup> tile: array<vec4f, ${WORKGROUP}>;`,
  );
}

/** Passes `UNROLLED` barriers a round. */
export function barrierKernel(): string {
  return kernel(
    loop(each(UNROLLED, () => "tile[lane] = a; workgroupBarrier(); a += tile[lane];")),
    `var<workgroup> tile: array<vec4f, ${WORKGROUP}>;`,
  );
}

/** Takes and adds a vector of `UNROLLED` other lanes a round. */
export function shuffleKernel(): string {
  return `enable subgroups;
${kernel(loop(each(UNROLLED, (k) => `a += subgroupBroadcast(a, ${k % 4}u);`)))}`;
}

/** Does nothing worth mentioning: the cost of a dispatch. */
export function emptyKernel(): string {
  return kernel("  if (q == 0u) { y[0] = x[1]; }");
}

/** Copies four vectors an invocation; neighbours copy neighbours. */
export function copyKernel(threads: number): string {
  return kernel(each(4, (k) => `y[q + ${k * threads}u] = x[q + ${k * threads}u];`));
}
