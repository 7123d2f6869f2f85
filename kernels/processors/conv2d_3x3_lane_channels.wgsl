// 3x3 convolution with stride 1; also its input gradient, with transposed = 1. For adapters whose
// subgroups have eight lanes or more and on which loads cost more than arithmetic.
//
//   y[b, n, i, j, o] =
//     sum over u, v, c of x[b, n, i + u - pad_top, j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 in4]    w: [batch, 3, 3, 4 in4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// transposed = 1 reads w as [batch, 3, 3, 4 out4, 4 in4] with its taps in reverse order: the filters
// of the input gradient, when x is the cotangent. It is read at run time: drivers take seconds to compile this
// kernel, and once for both.
//
// A subgroup computes 8x8 pixels of 32 channels, a lane four of the channels. The lanes share the
// 10x10 pixels of x: each lane loads an eighth of them and broadcasts it. So a lane has 13 loads of
// x and 36 of w for 2304 vector multiply-adds.

enable subgroups;

struct Sizes {
  batch: u32,
  images: u32,
  height: i32,
  width: i32,
  out_height: i32,
  out_width: i32,
  in4: u32,
  out4: u32,
  pad_top: i32,
  pad_left: i32,
  transposed: u32,
  tiles_x: u32,
  tiles_y: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// Eight neighbouring pixels of one row of the result, four channels each.
struct Eight { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f }

// The ten pixels of a row of x that a row of the result needs.
struct Row {
  a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f, i: vec4f, j: vec4f,
}

// Column k of a matrix holds the weights of input channel 4 q + k; taps in row-major order.
struct Filter {
  a: mat4x4f, b: mat4x4f, c: mat4x4f, d: mat4x4f, e: mat4x4f, f: mat4x4f, g: mat4x4f, h: mat4x4f,
  i: mat4x4f,
}

// Where a pixel of x begins, and whether it exists.
struct Place { at: u32, inside: bool }

fn place(image: u32, iy: i32, ix: i32) -> Place {
  let row = image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1));
  let at = (row * u32(sizes.width) + u32(clamp(ix, 0, sizes.width - 1))) * sizes.in4;
  return Place(at, (iy >= 0) & (iy < sizes.height) & (ix >= 0) & (ix < sizes.width));
}

fn load(pixel: Place, q: u32) -> vec4f {
  return select(vec4f(), x[pixel.at + q], pixel.inside);
}

// The row whose first eight pixels are in the eight lanes.
fn row_of(lanes: vec4f, i: vec4f, j: vec4f) -> Row {
  return Row(
    subgroupBroadcast(lanes, 0u), subgroupBroadcast(lanes, 1u), subgroupBroadcast(lanes, 2u),
    subgroupBroadcast(lanes, 3u), subgroupBroadcast(lanes, 4u), subgroupBroadcast(lanes, 5u),
    subgroupBroadcast(lanes, 6u), subgroupBroadcast(lanes, 7u), i, j,
  );
}

fn load_tap(b: u32, tap: u32, q: u32, o: u32) -> mat4x4f {
  let flipped = sizes.transposed != 0u;
  let row = select(tap * sizes.in4 + q, (8u - tap) * sizes.out4 + o, flipped);
  let n = select(sizes.out4, sizes.in4, flipped);
  let at = (b * 9u * select(sizes.in4, sizes.out4, flipped) + row) * 4u * n + select(o, q, flipped);
  return oriented(mat4x4f(w[at], w[at + n], w[at + 2u * n], w[at + 3u * n]));
}

// The matrix, or its transpose if the filters are transposed.
fn oriented(m: mat4x4f) -> mat4x4f {
  let flipped = sizes.transposed != 0u;
  let t = transpose(m);
  return mat4x4f(
    select(m[0], t[0], flipped), select(m[1], t[1], flipped),
    select(m[2], t[2], flipped), select(m[3], t[3], flipped),
  );
}

fn load_filter(b: u32, q: u32, o: u32) -> Filter {
  return Filter(
    load_tap(b, 0u, q, o), load_tap(b, 1u, q, o), load_tap(b, 2u, q, o), load_tap(b, 3u, q, o),
    load_tap(b, 4u, q, o), load_tap(b, 5u, q, o), load_tap(b, 6u, q, o), load_tap(b, 7u, q, o),
    load_tap(b, 8u, q, o),
  );
}

// Adds one row of the result: all nine taps of a pixel in a row, so that its sum stays in registers.
fn add_row(s: Eight, m: Filter, p: Row, q: Row, r: Row) -> Eight {
  return Eight(
    s.a + m.a * p.a + m.b * p.b + m.c * p.c + m.d * q.a + m.e * q.b + m.f * q.c + m.g * r.a + m.h * r.b + m.i * r.c,
    s.b + m.a * p.b + m.b * p.c + m.c * p.d + m.d * q.b + m.e * q.c + m.f * q.d + m.g * r.b + m.h * r.c + m.i * r.d,
    s.c + m.a * p.c + m.b * p.d + m.c * p.e + m.d * q.c + m.e * q.d + m.f * q.e + m.g * r.c + m.h * r.d + m.i * r.e,
    s.d + m.a * p.d + m.b * p.e + m.c * p.f + m.d * q.d + m.e * q.e + m.f * q.f + m.g * r.d + m.h * r.e + m.i * r.f,
    s.e + m.a * p.e + m.b * p.f + m.c * p.g + m.d * q.e + m.e * q.f + m.f * q.g + m.g * r.e + m.h * r.f + m.i * r.g,
    s.f + m.a * p.f + m.b * p.g + m.c * p.h + m.d * q.f + m.e * q.g + m.f * q.h + m.g * r.f + m.h * r.g + m.i * r.h,
    s.g + m.a * p.g + m.b * p.h + m.c * p.i + m.d * q.g + m.e * q.h + m.f * q.i + m.g * r.g + m.h * r.h + m.i * r.i,
    s.h + m.a * p.h + m.b * p.i + m.c * p.j + m.d * q.h + m.e * q.i + m.f * q.j + m.g * r.h + m.h * r.i + m.i * r.j,
  );
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

fn store_row(image: u32, oy: i32, ox: i32, o: u32, s: Eight) {
  if (oy >= sizes.out_height || o >= sizes.out4) { return; }
  let row = image * u32(sizes.out_height) + u32(oy);
  let at = (row * u32(sizes.out_width) + u32(ox)) * sizes.out4 + o;
  store(at, s.a);
  if (ox + 1 < sizes.out_width) { store(at + sizes.out4, s.b); }
  if (ox + 2 < sizes.out_width) { store(at + 2u * sizes.out4, s.c); }
  if (ox + 3 < sizes.out_width) { store(at + 3u * sizes.out4, s.d); }
  if (ox + 4 < sizes.out_width) { store(at + 4u * sizes.out4, s.e); }
  if (ox + 5 < sizes.out_width) { store(at + 5u * sizes.out4, s.f); }
  if (ox + 6 < sizes.out_width) { store(at + 6u * sizes.out4, s.g); }
  if (ox + 7 < sizes.out_width) { store(at + 7u * sizes.out4, s.h); }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let blocks = (sizes.out4 + 7u) / 8u;
  let index = group.y * sizes.groups_x + group.x;
  let b = index / (blocks * tiles);
  if (b >= sizes.batch) { return; }
  let o = index / tiles % blocks * 8u + lane;
  let o_inside = min(o, sizes.out4 - 1u);
  let tile = index % tiles;
  let image = b * sizes.images + tile / (sizes.tiles_x * sizes.tiles_y);
  let oy = i32(tile / sizes.tiles_x % sizes.tiles_y) * 8;
  let ox = i32(tile % sizes.tiles_x) * 8;
  let iy = oy - sizes.pad_top;
  let ix = ox - sizes.pad_left;
  // The first eight columns of the ten rows, then the rest: rows 0 to 7 of two columns, and four
  // corner pixels in the lanes 0 to 3.
  let k = i32(lane);
  let p0 = place(image, iy, ix + k);
  let p1 = place(image, iy + 1, ix + k);
  let p2 = place(image, iy + 2, ix + k);
  let p3 = place(image, iy + 3, ix + k);
  let p4 = place(image, iy + 4, ix + k);
  let p5 = place(image, iy + 5, ix + k);
  let p6 = place(image, iy + 6, ix + k);
  let p7 = place(image, iy + 7, ix + k);
  let p8 = place(image, iy + 8, ix + k);
  let p9 = place(image, iy + 9, ix + k);
  let p_i = place(image, iy + k, ix + 8);
  let p_j = place(image, iy + k, ix + 9);
  let p_corner = place(image, iy + 8 + k / 2 % 2, ix + 8 + k % 2);
  var s0: Eight;
  var s1: Eight;
  var s2: Eight;
  var s3: Eight;
  var s4: Eight;
  var s5: Eight;
  var s6: Eight;
  var s7: Eight;
  // Ends at its bottom: where lanes are masked, a loop that ends at its top computes one more pass for nothing.
  var q = 0u;
  loop {
    let i = load(p_i, q);
    let j = load(p_j, q);
    let corner = load(p_corner, q);
    // Each row is loaded before it is needed: loads take apart what drivers compile at once.
    let m = load_filter(b, q, o_inside);
    let r0 = row_of(load(p0, q), subgroupBroadcast(i, 0u), subgroupBroadcast(j, 0u));
    let r1 = row_of(load(p1, q), subgroupBroadcast(i, 1u), subgroupBroadcast(j, 1u));
    let r2 = row_of(load(p2, q), subgroupBroadcast(i, 2u), subgroupBroadcast(j, 2u));
    s0 = add_row(s0, m, r0, r1, r2);
    let r3 = row_of(load(p3, q), subgroupBroadcast(i, 3u), subgroupBroadcast(j, 3u));
    s1 = add_row(s1, m, r1, r2, r3);
    let r4 = row_of(load(p4, q), subgroupBroadcast(i, 4u), subgroupBroadcast(j, 4u));
    s2 = add_row(s2, m, r2, r3, r4);
    let r5 = row_of(load(p5, q), subgroupBroadcast(i, 5u), subgroupBroadcast(j, 5u));
    s3 = add_row(s3, m, r3, r4, r5);
    let r6 = row_of(load(p6, q), subgroupBroadcast(i, 6u), subgroupBroadcast(j, 6u));
    s4 = add_row(s4, m, r4, r5, r6);
    let r7 = row_of(load(p7, q), subgroupBroadcast(i, 7u), subgroupBroadcast(j, 7u));
    s5 = add_row(s5, m, r5, r6, r7);
    let r8 = row_of(load(p8, q), subgroupBroadcast(corner, 0u), subgroupBroadcast(corner, 1u));
    s6 = add_row(s6, m, r6, r7, r8);
    let r9 = row_of(load(p9, q), subgroupBroadcast(corner, 2u), subgroupBroadcast(corner, 3u));
    s7 = add_row(s7, m, r7, r8, r9);
    q++;
    if (q >= sizes.in4) { break; }
  }
  // In a loop, since drivers compile each store; it ends where the rows do.
  var row = oy;
  loop {
    store_row(image, row, ox, o, s0);
    s0 = s1;
    s1 = s2;
    s2 = s3;
    s3 = s4;
    s4 = s5;
    s5 = s6;
    s6 = s7;
    row++;
    if (row >= min(oy + 8, sizes.out_height)) { break; }
  }
}
