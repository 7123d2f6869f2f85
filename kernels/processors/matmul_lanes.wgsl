// Batched matrix product with vector loads, split over the inner axis into parts partial sums. For
// adapters whose subgroups have eight lanes or more and on which loads cost more than arithmetic.
//
//   y[part, b, i, j] = sum over the k of the part of a[b, i, k] * c[b, k, j]
//
// a: [batch, rows, inner], or [batch, inner, rows] with TRANSPOSE_A = 1
// c: [batch, inner, columns], or [batch, columns, inner] with TRANSPOSE_B = 1
// y: [parts, batch, rows, columns]
//
// inner and columns must be multiples of 4, rows too with TRANSPOSE_A = 1. part4 is the number of
// vectors of 4 along k in a part. A subgroup computes 32 rows of 64 columns, a lane eight of the
// columns. The lanes share the rows of a: each loads an eighth of them and broadcasts it. So a lane
// has 4 loads of a and 8 of c for 256 vector multiply-adds.

enable subgroups;

override TRANSPOSE_A: u32;
override TRANSPOSE_B: u32;

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

// The lane's share of eight rows of a from row i on, at k ... k + 3: its row, or with TRANSPOSE_A = 1
// four rows at k + lane % 4. Rows past the end repeat those before it.
fn load_share(b: u32, i: u32, k: u32, lane: u32) -> vec4f {
  if (TRANSPOSE_A != 0u) {
    let row = min(i + lane / 4u % 2u * 4u, sizes.rows - 4u);
    return a[((b * sizes.inner + k + lane % 4u) * sizes.rows + row) / 4u];
  }
  return a[((b * sizes.rows + min(i + lane % 8u, sizes.rows - 1u)) * sizes.inner + k) / 4u];
}

// Column r of the result holds a[i + r, k ... k + 3], for the first or the second four rows of shares.
fn first_rows(share: vec4f) -> mat4x4f {
  let m = mat4x4f(
    subgroupBroadcast(share, 0u), subgroupBroadcast(share, 1u),
    subgroupBroadcast(share, 2u), subgroupBroadcast(share, 3u),
  );
  if (TRANSPOSE_A != 0u) { return transpose(m); }
  return m;
}

fn second_rows(share: vec4f) -> mat4x4f {
  let m = mat4x4f(
    subgroupBroadcast(share, 4u), subgroupBroadcast(share, 5u),
    subgroupBroadcast(share, 6u), subgroupBroadcast(share, 7u),
  );
  if (TRANSPOSE_A != 0u) { return transpose(m); }
  return m;
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
  if (i >= sizes.rows || j >= sizes.columns) { return; }
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

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let row_tiles = (sizes.rows + 31u) / 32u;
  let column_tiles = (sizes.columns + 63u) / 64u;
  let index = group.y * sizes.groups_x + group.x;
  if (index >= sizes.parts * sizes.batch * row_tiles * column_tiles) { return; }
  let j = index % column_tiles * 64u + lane * 8u;
  let i = index / column_tiles % row_tiles * 32u;
  let part_b = index / (column_tiles * row_tiles);
  let b = part_b % sizes.batch;
  let part = part_b / sizes.batch;
  let low = min(j, sizes.columns - 4u);
  let high = min(j + 4u, sizes.columns - 4u);
  var s0: Sums;
  var s1: Sums;
  var s2: Sums;
  var s3: Sums;
  var s4: Sums;
  var s5: Sums;
  var s6: Sums;
  var s7: Sums;
  let last = min((part + 1u) * sizes.part4, sizes.inner / 4u);
  // Ends at its bottom: where lanes are masked, a loop that ends at its top computes one more pass for nothing.
  var q = part * sizes.part4;
  loop {
    let a0 = load_share(b, i, 4u * q, lane);
    let a1 = load_share(b, i + 8u, 4u * q, lane);
    let a2 = load_share(b, i + 16u, 4u * q, lane);
    let a3 = load_share(b, i + 24u, 4u * q, lane);
    let lo = load_c(b, 4u * q, low);
    let hi = load_c(b, 4u * q, high);
    s0 = add(s0, first_rows(a0), lo, hi);
    s1 = add(s1, second_rows(a0), lo, hi);
    s2 = add(s2, first_rows(a1), lo, hi);
    s3 = add(s3, second_rows(a1), lo, hi);
    s4 = add(s4, first_rows(a2), lo, hi);
    s5 = add(s5, second_rows(a2), lo, hi);
    s6 = add(s6, first_rows(a3), lo, hi);
    s7 = add(s7, second_rows(a3), lo, hi);
    q++;
    if (q >= last) { break; }
  }
  let first = part_b * sizes.rows;
  store_rows(first, i, j, s0);
  store_rows(first, i + 4u, j, s1);
  store_rows(first, i + 8u, j, s2);
  store_rows(first, i + 12u, j, s3);
  store_rows(first, i + 16u, j, s4);
  store_rows(first, i + 20u, j, s5);
  store_rows(first, i + 24u, j, s6);
  store_rows(first, i + 28u, j, s7);
}
