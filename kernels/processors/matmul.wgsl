// Batched matrix product with vector loads, split over the inner axis into parts partial sums.
//
//   y[part, b, i, j] = sum over the k of the part of a[b, i, k] * c[b, k, j]
//
// a: [batch, rows, inner], or [batch, inner, rows] with TRANSPOSE_A = 1
// c: [batch, inner, columns], or [batch, columns, inner] with TRANSPOSE_B = 1
// y: [parts, batch, rows, columns]
//
// inner and columns must be multiples of 4, rows too with TRANSPOSE_A = 1. part4 is the number of
// vectors of 4 along k in a part. An invocation computes 16 rows of 8 columns in registers.

override TRANSPOSE_A: u32;
override TRANSPOSE_B: u32;
override WORKGROUP: u32;

struct Sizes {
  batch: u32,
  rows: u32,
  inner: u32,
  columns: u32,
  parts: u32,
  part4: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> c: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// 4 rows of 8 columns; column r of a matrix is row r of the product.
struct Sums { lo: mat4x4f, hi: mat4x4f }

// Column r of the result holds a[i + r, k ... k + 3]; rows past the end repeat the last one.
fn load_a(b: u32, i: u32, k: u32) -> mat4x4f {
  if (TRANSPOSE_A != 0u) {
    let at = ((b * sizes.inner + k) * sizes.rows + min(i, sizes.rows - 4u)) / 4u;
    let step = sizes.rows / 4u;
    return transpose(mat4x4f(a[at], a[at + step], a[at + 2u * step], a[at + 3u * step]));
  }
  let first = b * sizes.rows;
  let last = sizes.rows - 1u;
  return mat4x4f(
    a[((first + min(i, last)) * sizes.inner + k) / 4u],
    a[((first + min(i + 1u, last)) * sizes.inner + k) / 4u],
    a[((first + min(i + 2u, last)) * sizes.inner + k) / 4u],
    a[((first + min(i + 3u, last)) * sizes.inner + k) / 4u],
  );
}

// Column r of the result holds c[k + r, j ... j + 3].
fn load_c(b: u32, k: u32, j: u32) -> mat4x4f {
  if (TRANSPOSE_B != 0u) {
    let at = ((b * sizes.columns + j) * sizes.inner + k) / 4u;
    let step = sizes.inner / 4u;
    return transpose(mat4x4f(c[at], c[at + step], c[at + 2u * step], c[at + 3u * step]));
  }
  let at = ((b * sizes.inner + k) * sizes.columns + j) / 4u;
  let step = sizes.columns / 4u;
  return mat4x4f(c[at], c[at + step], c[at + 2u * step], c[at + 3u * step]);
}

fn add(s: Sums, rows: mat4x4f, lo: mat4x4f, hi: mat4x4f) -> Sums {
  return Sums(s.lo + lo * rows, s.hi + hi * rows);
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

fn store_row(first: u32, i: u32, j: u32, lo: vec4f, hi: vec4f) {
  if (i >= sizes.rows) { return; }
  let at = ((first + i) * sizes.columns + j) / 4u;
  store(at, lo);
  if (j + 4u < sizes.columns) { store(at + 1u, hi); }
}

fn store_rows(first: u32, i: u32, j: u32, s: Sums) {
  store_row(first, i, j, s.lo[0], s.hi[0]);
  store_row(first, i + 1u, j, s.lo[1], s.hi[1]);
  store_row(first, i + 2u, j, s.lo[2], s.hi[2]);
  store_row(first, i + 3u, j, s.lo[3], s.hi[3]);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let row_tiles = (sizes.rows + 15u) / 16u;
  let column_tiles = (sizes.columns + 7u) / 8u;
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (index >= sizes.parts * sizes.batch * row_tiles * column_tiles) { return; }
  let j = index % column_tiles * 8u;
  let i = index / column_tiles % row_tiles * 16u;
  let part_b = index / (column_tiles * row_tiles);
  let b = part_b % sizes.batch;
  let part = part_b / sizes.batch;
  let high = min(j + 4u, sizes.columns - 4u);
  var s0: Sums;
  var s1: Sums;
  var s2: Sums;
  var s3: Sums;
  let last = min((part + 1u) * sizes.part4, sizes.inner / 4u);
  for (var q = part * sizes.part4; q < last; q++) {
    let lo = load_c(b, 4u * q, j);
    let hi = load_c(b, 4u * q, high);
    s0 = add(s0, load_a(b, i, 4u * q), lo, hi);
    s1 = add(s1, load_a(b, i + 4u, 4u * q), lo, hi);
    s2 = add(s2, load_a(b, i + 8u, 4u * q), lo, hi);
    s3 = add(s3, load_a(b, i + 12u, 4u * q), lo, hi);
  }
  let first = part_b * sizes.rows;
  store_rows(first, i, j, s0);
  store_rows(first, i + 4u, j, s1);
  store_rows(first, i + 8u, j, s2);
  store_rows(first, i + 12u, j, s3);
}
