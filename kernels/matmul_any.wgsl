// Batched matrix product of any shape, split over the inner axis into PARTS partial sums.
//
//   y[part, b, i, j] = sum over the k of the part of a[b, i, k] * c[b, k, j]
//
// a: [BATCH, ROWS, INNER], or [BATCH, INNER, ROWS] with TRANSPOSE_A = 1
// c: [BATCH, INNER, COLUMNS], or [BATCH, COLUMNS, INNER] with TRANSPOSE_B = 1
// y: [PARTS, BATCH, ROWS, COLUMNS]
//
// PART_INNER is the number of k in a part. An invocation computes 4 x 4 elements in registers.

override BATCH: u32;
override ROWS: u32;
override INNER: u32;
override COLUMNS: u32;
override TRANSPOSE_A: u32;
override TRANSPOSE_B: u32;
override PARTS: u32;
override PART_INNER: u32;
override WORKGROUP: u32;
override GROUPS_X: u32;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// a[i ... i + 3, k]; rows past the end repeat the last one.
fn load_a(b: u32, i: u32, k: u32) -> vec4f {
  let rows = min(i + vec4u(0u, 1u, 2u, 3u), vec4u(ROWS - 1u));
  let at = select((b * ROWS + rows) * INNER + k, (b * INNER + k) * ROWS + rows, TRANSPOSE_A != 0u);
  return vec4f(a[at.x], a[at.y], a[at.z], a[at.w]);
}

// c[k, j ... j + 3]; columns past the end repeat the last one.
fn load_c(b: u32, k: u32, j: u32) -> vec4f {
  let columns = min(j + vec4u(0u, 1u, 2u, 3u), vec4u(COLUMNS - 1u));
  let straight = (b * INNER + k) * COLUMNS + columns;
  let at = select(straight, (b * COLUMNS + columns) * INNER + k, TRANSPOSE_B != 0u);
  return vec4f(c[at.x], c[at.y], c[at.z], c[at.w]);
}

fn store(at: u32, value: f32) {
  y[at] = value;
}

fn store_row(first: u32, i: u32, j: u32, s: vec4f) {
  if (i >= ROWS) { return; }
  let at = (first + i) * COLUMNS + j;
  store(at, s.x);
  if (j + 1u < COLUMNS) { store(at + 1u, s.y); }
  if (j + 2u < COLUMNS) { store(at + 2u, s.z); }
  if (j + 3u < COLUMNS) { store(at + 3u, s.w); }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let row_tiles = (ROWS + 3u) / 4u;
  let column_tiles = (COLUMNS + 3u) / 4u;
  let index = (group.y * GROUPS_X + group.x) * WORKGROUP + local;
  if (index >= PARTS * BATCH * row_tiles * column_tiles) { return; }
  let j = index % column_tiles * 4u;
  let i = index / column_tiles % row_tiles * 4u;
  let part_b = index / (column_tiles * row_tiles);
  let b = part_b % BATCH;
  let part = part_b / BATCH;
  var s0: vec4f;
  var s1: vec4f;
  var s2: vec4f;
  var s3: vec4f;
  let last = min((part + 1u) * PART_INNER, INNER);
  for (var k = part * PART_INNER; k < last; k++) {
    let rows = load_a(b, i, k);
    let columns = load_c(b, k, j);
    s0 += rows.x * columns;
    s1 += rows.y * columns;
    s2 += rows.z * columns;
    s3 += rows.w * columns;
  }
  let first = part_b * ROWS;
  store_row(first, i, j, s0);
  store_row(first, i + 1u, j, s1);
  store_row(first, i + 2u, j, s2);
  store_row(first, i + 3u, j, s3);
}
