// Batched matrix product of any shape, split over the inner axis into parts partial sums. For adapters whose
// workgroups share what they load.
//
//   y[part, b, i, j] = sum over the k of the part of a[b, i, k] * c[b, k, j]
//
// a: [batch, rows, inner], or [batch, inner, rows] with TRANSPOSE_A = 1
// c: [batch, inner, columns], or [batch, columns, inner] with TRANSPOSE_B = 1
// y: [parts, batch, rows, columns]
//
// A workgroup computes 32x32 elements, an invocation 4x4 of them in registers. It goes along the inner axis in
// steps of 16: while it computes with one pair of tiles in workgroup memory, the next pair is on its way to
// another. part_inner, the number of k in a part, is a multiple of 16.

override TRANSPOSE_A: u32;
override TRANSPOSE_B: u32;

struct Sizes {
  batch: u32,
  rows: u32,
  inner: u32,
  columns: u32,
  parts: u32,
  part_inner: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// Tiles of 16 k of 32 rows or columns, two of them; the rest of a line keeps neighbours in different banks.
var<workgroup> row_tiles: array<f32, 2u * 16u * 36u>;
var<workgroup> column_tiles: array<f32, 2u * 16u * 36u>;

// Where the workgroup is.
struct Place { b: u32, i: u32, j: u32, k: u32, last: u32 }

// Eight elements of a tile.
struct Eight { lo: vec4f, hi: vec4f }

// Element n of the tile of a: along the axis that lies in memory.
fn place_a(n: u32) -> vec2u {
  return select(vec2u(n % 16u, n / 16u), vec2u(n / 32u, n % 32u), TRANSPOSE_A != 0u);
}

fn place_c(n: u32) -> vec2u {
  return select(vec2u(n / 32u, n % 32u), vec2u(n % 16u, n / 16u), TRANSPOSE_B != 0u);
}

fn load_a(p: Place, n: u32) -> f32 {
  let at = place_a(n);
  let k = p.k + at.x;
  let i = p.i + at.y;
  let inside = (k < p.last) & (i < sizes.rows);
  let kk = min(k, sizes.inner - 1u);
  let ii = min(i, sizes.rows - 1u);
  let index = select((p.b * sizes.rows + ii) * sizes.inner + kk, (p.b * sizes.inner + kk) * sizes.rows + ii, TRANSPOSE_A != 0u);
  return select(0.0, a[index], inside);
}

fn load_c(p: Place, n: u32) -> f32 {
  let at = place_c(n);
  let k = p.k + at.x;
  let j = p.j + at.y;
  let inside = (k < p.last) & (j < sizes.columns);
  let kk = min(k, sizes.inner - 1u);
  let jj = min(j, sizes.columns - 1u);
  let index = select((p.b * sizes.inner + kk) * sizes.columns + jj, (p.b * sizes.columns + jj) * sizes.inner + kk, TRANSPOSE_B != 0u);
  return select(0.0, c[index], inside);
}

fn load_rows(p: Place, local: u32) -> Eight {
  return Eight(
    vec4f(load_a(p, local), load_a(p, local + 64u), load_a(p, local + 128u), load_a(p, local + 192u)),
    vec4f(load_a(p, local + 256u), load_a(p, local + 320u), load_a(p, local + 384u), load_a(p, local + 448u)),
  );
}

fn load_columns(p: Place, local: u32) -> Eight {
  return Eight(
    vec4f(load_c(p, local), load_c(p, local + 64u), load_c(p, local + 128u), load_c(p, local + 192u)),
    vec4f(load_c(p, local + 256u), load_c(p, local + 320u), load_c(p, local + 384u), load_c(p, local + 448u)),
  );
}

fn keep_row(tile: u32, n: u32, value: f32) {
  let at = place_a(n);
  row_tiles[(tile * 16u + at.x) * 36u + at.y] = value;
}

fn keep_column(tile: u32, n: u32, value: f32) {
  let at = place_c(n);
  column_tiles[(tile * 16u + at.x) * 36u + at.y] = value;
}

fn keep(tile: u32, local: u32, rows: Eight, columns: Eight) {
  keep_row(tile, local, rows.lo.x);
  keep_row(tile, local + 64u, rows.lo.y);
  keep_row(tile, local + 128u, rows.lo.z);
  keep_row(tile, local + 192u, rows.lo.w);
  keep_row(tile, local + 256u, rows.hi.x);
  keep_row(tile, local + 320u, rows.hi.y);
  keep_row(tile, local + 384u, rows.hi.z);
  keep_row(tile, local + 448u, rows.hi.w);
  keep_column(tile, local, columns.lo.x);
  keep_column(tile, local + 64u, columns.lo.y);
  keep_column(tile, local + 128u, columns.lo.z);
  keep_column(tile, local + 192u, columns.lo.w);
  keep_column(tile, local + 256u, columns.hi.x);
  keep_column(tile, local + 320u, columns.hi.y);
  keep_column(tile, local + 384u, columns.hi.z);
  keep_column(tile, local + 448u, columns.hi.w);
}

fn store(at: u32, value: f32) {
  y[at] = value;
}

fn store_row(first: u32, i: u32, j: u32, s: vec4f) {
  if (i >= sizes.rows) { return; }
  let at = (first + i) * sizes.columns + j;
  if (j < sizes.columns) { store(at, s.x); }
  if (j + 1u < sizes.columns) { store(at + 1u, s.y); }
  if (j + 2u < sizes.columns) { store(at + 2u, s.z); }
  if (j + 3u < sizes.columns) { store(at + 3u, s.w); }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let rows32 = (sizes.rows + 31u) / 32u;
  let columns32 = (sizes.columns + 31u) / 32u;
  let index = group.y * sizes.groups_x + group.x;
  let part_b = index / (columns32 * rows32);
  let part = part_b / sizes.batch;
  if (part >= sizes.parts) { return; }
  let first_k = part * sizes.part_inner;
  let last = min(first_k + sizes.part_inner, sizes.inner);
  var p = Place(part_b % sizes.batch, index / columns32 % rows32 * 32u, index % columns32 * 32u, first_k, last);
  keep(0u, local, load_rows(p, local), load_columns(p, local));
  workgroupBarrier();
  let i = local / 8u * 4u;
  let j = local % 8u * 4u;
  var tile = 0u;
  var s0: vec4f;
  var s1: vec4f;
  var s2: vec4f;
  var s3: vec4f;
  for (var next = first_k + 16u; next < last + 16u; next += 16u) {
    let more = next < last;
    var next_rows: Eight;
    var next_columns: Eight;
    if (more) {
      p.k = next;
      next_rows = load_rows(p, local);
      next_columns = load_columns(p, local);
    }
    for (var k = 0u; k < 16u; k++) {
      let row = (tile * 16u + k) * 36u + i;
      let column = (tile * 16u + k) * 36u + j;
      let columns = vec4f(column_tiles[column], column_tiles[column + 1u], column_tiles[column + 2u], column_tiles[column + 3u]);
      s0 += row_tiles[row] * columns;
      s1 += row_tiles[row + 1u] * columns;
      s2 += row_tiles[row + 2u] * columns;
      s3 += row_tiles[row + 3u] * columns;
    }
    if (more) {
      tile = 1u - tile;
      keep(tile, local, next_rows, next_columns);
      workgroupBarrier();
    }
  }
  let first = part_b * sizes.rows;
  store_row(first, p.i + i, p.j + j, s0);
  store_row(first, p.i + i + 1u, p.j + j, s1);
  store_row(first, p.i + i + 2u, p.j + j, s2);
  store_row(first, p.i + i + 3u, p.j + j, s3);
}
