// Batched matrix product with vector loads, split over the inner axis into parts partial sums. For
// adapters whose subgroups have eight lanes or more and on which loads cost more than arithmetic.
//
//   y[part, b, i, j] = sum over the k of the part of a[b, i, k] * c[b, k, j]
//
// a: [batch, rows, inner], or [batch, inner, rows] with transpose_a = 1
// c: [batch, inner, columns], or [batch, columns, inner] with transpose_b = 1
// y: [parts, batch, rows, columns]
//
// inner and columns must be multiples of 4, rows too with transpose_a = 1. part4 is the number of
// vectors of 4 along k in a part. A subgroup computes 32 rows of 64 columns, a lane eight of the
// columns. The lanes share the rows of a: each loads an eighth of them and broadcasts it. So a lane
// has 4 loads of a and 8 of c for 256 vector multiply-adds.

enable subgroups;

struct Sizes {
  batch: u32,
  rows: u32,
  inner: u32,
  columns: u32,
  transpose_a: u32,
  transpose_b: u32,
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

// The lane's share of eight rows of a from row i on, at k ... k + 3: its row, or with transpose_a = 1
// four rows at k + lane % 4. Rows past the end repeat those before it.
fn load_share(b: u32, i: u32, k: u32, lane: u32) -> vec4f {
  let row = min(i + lane / 4u % 2u * 4u, sizes.rows - 4u);
  let turned = (b * sizes.inner + k + lane % 4u) * sizes.rows + row;
  let straight = (b * sizes.rows + min(i + lane % 8u, sizes.rows - 1u)) * sizes.inner + k;
  return a[select(straight, turned, sizes.transpose_a != 0u) / 4u];
}

// The matrix, or its transpose.
fn oriented(m: mat4x4f, turned: bool) -> mat4x4f {
  let t = transpose(m);
  return mat4x4f(
    select(m[0], t[0], turned), select(m[1], t[1], turned), select(m[2], t[2], turned), select(m[3], t[3], turned),
  );
}

// Column r of the result holds a[i + r, k ... k + 3], for the first or the second four rows of shares.
fn first_rows(share: vec4f) -> mat4x4f {
  return oriented(mat4x4f(
    subgroupBroadcast(share, 0u), subgroupBroadcast(share, 1u),
    subgroupBroadcast(share, 2u), subgroupBroadcast(share, 3u),
  ), sizes.transpose_a != 0u);
}

fn second_rows(share: vec4f) -> mat4x4f {
  return oriented(mat4x4f(
    subgroupBroadcast(share, 4u), subgroupBroadcast(share, 5u),
    subgroupBroadcast(share, 6u), subgroupBroadcast(share, 7u),
  ), sizes.transpose_a != 0u);
}

// Column r of the result holds c[k + r, j ... j + 3].
fn load_c(b: u32, k: u32, j: u32) -> mat4x4f {
  let turned = sizes.transpose_b != 0u;
  let step = select(sizes.columns, sizes.inner, turned) / 4u;
  let straight_at = (b * sizes.inner + k) * sizes.columns + j;
  let at = select(straight_at, (b * sizes.columns + j) * sizes.inner + k, turned) / 4u;
  return oriented(mat4x4f(c[at], c[at + step], c[at + 2u * step], c[at + 3u * step]), turned);
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
    let lo = load_c(b, 4u * q, low);
    let hi = load_c(b, 4u * q, high);
    let a0 = load_share(b, i, 4u * q, lane);
    s0 = add(s0, first_rows(a0), lo, hi);
    s1 = add(s1, second_rows(a0), lo, hi);
    let a1 = load_share(b, i + 8u, 4u * q, lane);
    s2 = add(s2, first_rows(a1), lo, hi);
    s3 = add(s3, second_rows(a1), lo, hi);
    let a2 = load_share(b, i + 16u, 4u * q, lane);
    s4 = add(s4, first_rows(a2), lo, hi);
    s5 = add(s5, second_rows(a2), lo, hi);
    let a3 = load_share(b, i + 24u, 4u * q, lane);
    s6 = add(s6, first_rows(a3), lo, hi);
    s7 = add(s7, second_rows(a3), lo, hi);
    q++;
    if (q >= last) { break; }
  }
  let first = part_b * sizes.rows;
  // In a loop, since drivers compile each store; it ends where the rows do.
  var row = i;
  loop {
    store_rows(first, row, j, s0);
    s0 = s1;
    s1 = s2;
    s2 = s3;
    s3 = s4;
    s4 = s5;
    s5 = s6;
    s6 = s7;
    row += 4u;
    if (row >= min(i + 32u, sizes.rows)) { break; }
  }
}
