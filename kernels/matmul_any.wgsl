// Batched matrix product of any shape, split over the inner axis into parts partial sums.
//
//   y[part, b, i, j] = sum over the k of the part of a[b, i, k] * c[b, k, j]
//
// a: [batch, rows, inner], or [batch, inner, rows] with transpose_a = 1
// c: [batch, inner, columns], or [batch, columns, inner] with transpose_b = 1
// y: [parts, batch, rows, columns]
//
// part_inner is the number of k in a part. An invocation computes 4 x 4 elements in registers.

override WORKGROUP: u32;

struct Sizes {
  batch: u32,
  rows: u32,
  inner: u32,
  columns: u32,
  transpose_a: u32,
  transpose_b: u32,
  parts: u32,
  part_inner: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// a[i ... i + 3, k]; rows past the end repeat the last one.
fn load_a(b: u32, i: u32, k: u32) -> vec4f {
  let rows = min(i + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.rows - 1u));
  let at = select((b * sizes.rows + rows) * sizes.inner + k, (b * sizes.inner + k) * sizes.rows + rows, sizes.transpose_a != 0u);
  return vec4f(a[at.x], a[at.y], a[at.z], a[at.w]);
}

// c[k, j ... j + 3]; columns past the end repeat the last one.
fn load_c(b: u32, k: u32, j: u32) -> vec4f {
  let columns = min(j + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.columns - 1u));
  let straight = (b * sizes.inner + k) * sizes.columns + columns;
  let at = select(straight, (b * sizes.columns + columns) * sizes.inner + k, sizes.transpose_b != 0u);
  return vec4f(c[at.x], c[at.y], c[at.z], c[at.w]);
}

fn store(at: u32, value: f32) {
  y[at] = value;
}

fn store_row(first: u32, i: u32, j: u32, s: vec4f) {
  if (i >= sizes.rows) { return; }
  let at = (first + i) * sizes.columns + j;
  store(at, s.x);
  if (j + 1u < sizes.columns) { store(at + 1u, s.y); }
  if (j + 2u < sizes.columns) { store(at + 2u, s.z); }
  if (j + 3u < sizes.columns) { store(at + 3u, s.w); }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let row_tiles = (sizes.rows + 3u) / 4u;
  let column_tiles = (sizes.columns + 3u) / 4u;
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (index >= sizes.parts * sizes.batch * row_tiles * column_tiles) { return; }
  let j = index % column_tiles * 4u;
  let i = index / column_tiles % row_tiles * 4u;
  let part_b = index / (column_tiles * row_tiles);
  let b = part_b % sizes.batch;
  let part = part_b / sizes.batch;
  var s0: vec4f;
  var s1: vec4f;
  var s2: vec4f;
  var s3: vec4f;
  let last = min((part + 1u) * sizes.part_inner, sizes.inner);
  for (var k = part * sizes.part_inner; k < last; k++) {
    let rows = load_a(b, i, k);
    let columns = load_c(b, k, j);
    s0 += rows.x * columns;
    s1 += rows.y * columns;
    s2 += rows.z * columns;
    s3 += rows.w * columns;
  }
  let first = part_b * sizes.rows;
  store_row(first, i, j, s0);
  store_row(first, i + 1u, j, s1);
  store_row(first, i + 2u, j, s2);
  store_row(first, i + 3u, j, s3);
}
