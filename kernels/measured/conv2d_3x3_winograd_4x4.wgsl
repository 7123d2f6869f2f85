// 3x3 convolution with stride 1, by Winograd's F(4x4, 3x3) (Lavin and Gray 2016, arXiv 1509.09308). For adapters
// whose invocations share what is loaded: graphics cards.
//
//   y[b, n, i, j, o] =
//     sum over u, v, c of x[b, n, i + u - pad_top, j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 in4]    w: [batch, 3, 3, 4 in4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// A tile of 4x4 pixels of the result is A^T ((G g G^T) * (B^T d B)) A, of filters g and 6x6 pixels d, with one
// multiplication a point, of 36, where the definition has 144. The polynomials are evaluated at 0, 1, -1, 1/2, -2 and
// infinity, which loses half as much to rounding as the paper's 0, 1, -1, 2, -2 (Barabasz, Anderson, Soodhalter and
// Gregg 2020, table 2, arXiv 1803.10986):
//
//          1 -3/2 -2  3/2  1  0           1     0     0           1  1  1   1   1  0
//          0  -1  1/2 5/2  1  0          1/3   1/3   1/3          0  1 -1  1/2 -2  0
//   B^T =  0   1 -5/2 1/2  1  0   G  =  -1/3   1/3  -1/3   A^T =  0  1  1  1/4  4  0
//          0  -2  -1   2   1  0        -16/15 -8/15 -4/15         0  1 -1  1/8 -8  1
//          0   1  -2  -1   2  0         1/30  -1/15  2/15
//          0   1 -3/2 -2  3/2 1           0     0     1
//
// A workgroup computes 8 tiles of 16 channels: for each vector of input channels it transforms pixels and filters into
// workgroup memory, columns first, then rows, and adds up products of all points; an invocation has one point of
// 8 tiles of 4 channels. At the end it transforms the sums back, 4 tiles at a time.

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
  tiles_x: u32,
  tiles_y: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// Pixels: [8 tiles, 36 points]. From 288 on, filters: [4 channels, 36 points, 4 vectors of output channels]. At the
// end sums: [4 tiles, 36 points, 4 vectors].
var<workgroup> room: array<vec4f, 864>;

struct Four { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

struct Six { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f }

// One of 8 tiles each.
struct Sums { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f }

// A tile: its first pixel, its image among all of them.
struct Tile { oy: i32, ox: i32, image: u32, inside: bool }

// What an invocation loads of each vector of input channels: a column of pixels, or of filters.
struct Column {
  a: u32, b: u32, c: u32, d: u32, e: u32, f: u32,
  in_a: bool, in_b: bool, in_c: bool, in_d: bool, in_e: bool, in_f: bool,
  step: u32,
}

fn tile_at(b: u32, index: u32) -> Tile {
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let at = min(index, tiles - 1u);
  return Tile(
    i32(at / sizes.tiles_x % sizes.tiles_y) * 4,
    i32(at % sizes.tiles_x) * 4,
    b * sizes.images + at / (sizes.tiles_x * sizes.tiles_y),
    index < tiles,
  );
}

fn image_row(image: u32, iy: i32) -> u32 {
  return (image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1))) * u32(sizes.width) * sizes.in4;
}

fn is_row(iy: i32) -> bool {
  return (iy >= 0) & (iy < sizes.height);
}

fn pixels(t: Tile, v: u32) -> Column {
  let iy = t.oy - sizes.pad_top;
  let ix = t.ox - sizes.pad_left + i32(v);
  let inside = t.inside & (ix >= 0) & (ix < sizes.width);
  let at = u32(clamp(ix, 0, sizes.width - 1)) * sizes.in4;
  return Column(
    at + image_row(t.image, iy), at + image_row(t.image, iy + 1), at + image_row(t.image, iy + 2),
    at + image_row(t.image, iy + 3), at + image_row(t.image, iy + 4), at + image_row(t.image, iy + 5),
    inside & is_row(iy), inside & is_row(iy + 1), inside & is_row(iy + 2),
    inside & is_row(iy + 3), inside & is_row(iy + 4), inside & is_row(iy + 5),
    1u,
  );
}

// Weights of input channel k of each vector for the output channels 4 o ...
fn weights(b: u32, v: u32, k: u32, o: u32) -> Column {
  let tap = 4u * sizes.in4 * sizes.out4;
  let first = (b * 9u + v) * tap + k * sizes.out4 + o;
  let step = 4u * sizes.out4;
  return Column(first, first + 3u * tap, first + 6u * tap, 0u, 0u, 0u, true, true, true, false, false, false, step);
}

fn load(c: Column, q: u32, of_filter: bool) -> Six {
  let at = q * c.step;
  if (of_filter) { return Six(w[c.a + at], w[c.b + at], w[c.c + at], vec4f(), vec4f(), vec4f()); }
  return Six(
    select(vec4f(), x[c.a + at], c.in_a), select(vec4f(), x[c.b + at], c.in_b), select(vec4f(), x[c.c + at], c.in_c),
    select(vec4f(), x[c.d + at], c.in_d), select(vec4f(), x[c.e + at], c.in_e), select(vec4f(), x[c.f + at], c.in_f),
  );
}

// B^T d of six pixels, or G g of three weights.
fn transformed(s: Six, of_filter: bool) -> Six {
  if (of_filter) {
    let even = s.a + s.c;
    return Six(
      s.a, (even + s.b) * (1.0 / 3.0), (s.b - even) * (1.0 / 3.0),
      (4.0 * s.a + 2.0 * s.b + s.c) * (-4.0 / 15.0), (s.a - 2.0 * s.b + 4.0 * s.c) * (1.0 / 30.0), s.c,
    );
  }
  let p = s.d - s.b;
  let r = s.e - s.c;
  return Six(
    s.a - s.c + r + 1.5 * p, r + p + 1.5 * (s.c + s.d), r - p + 1.5 * (s.d - s.c),
    2.0 * p + r, 2.0 * r - p, s.f - s.d - p + 1.5 * r,
  );
}

// A^T m of six sums.
fn back(m: Six) -> Four {
  let even = m.b + m.c;
  let odd = m.b - m.c;
  return Four(
    m.a + even + m.d + m.e, odd + 0.5 * m.d - 2.0 * m.e, even + 0.25 * m.d + 4.0 * m.e,
    odd + 0.125 * m.d - 8.0 * m.e + m.f,
  );
}

fn put(at: u32, step: u32, s: Six) {
  room[at] = s.a;
  room[at + step] = s.b;
  room[at + 2u * step] = s.c;
  room[at + 3u * step] = s.d;
  room[at + 4u * step] = s.e;
  room[at + 5u * step] = s.f;
}

fn six_at(at: u32, step: u32) -> Six {
  return Six(
    room[at], room[at + step], room[at + 2u * step],
    room[at + 3u * step], room[at + 4u * step], room[at + 5u * step],
  );
}

// Adds products of the pixels of all tiles at one point.
fn add_products(s: Sums, f: mat4x4f, at: u32) -> Sums {
  return Sums(
    s.a + f * room[at], s.b + f * room[at + 36u],
    s.c + f * room[at + 72u], s.d + f * room[at + 108u],
    s.e + f * room[at + 144u], s.f + f * room[at + 180u],
    s.g + f * room[at + 216u], s.h + f * room[at + 252u],
  );
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

// Transforms 4 tiles back, of which each invocation has sums.
fn finish(b: u32, first: u32, o: u32, local: u32, sums: Four) {
  workgroupBarrier();
  room[local] = sums.a;
  room[local + 144u] = sums.b;
  room[local + 288u] = sums.c;
  room[local + 432u] = sums.d;
  workgroupBarrier();
  let high = o + local % 4u;
  let part = local / 16u;
  let at = local / 4u % 4u * 144u + local % 4u;
  if (part < 6u) {
    let s = back(six_at(at + part * 4u, 24u));
    room[at + part * 4u] = s.a;
    room[at + part * 4u + 24u] = s.b;
    room[at + part * 4u + 48u] = s.c;
    room[at + part * 4u + 72u] = s.d;
  }
  workgroupBarrier();
  let t = tile_at(b, first + local / 4u % 4u);
  let oy = t.oy + i32(part);
  if (part >= 4u || !t.inside || oy >= sizes.out_height || high >= sizes.out4) { return; }
  let s = back(six_at(at + part * 24u, 4u));
  let pixel = (t.image * u32(sizes.out_height) + u32(oy)) * u32(sizes.out_width) + u32(t.ox);
  let to = pixel * sizes.out4 + high;
  store(to, s.a);
  if (t.ox + 1 < sizes.out_width) { store(to + sizes.out4, s.b); }
  if (t.ox + 2 < sizes.out_width) { store(to + 2u * sizes.out4, s.c); }
  if (t.ox + 3 < sizes.out_width) { store(to + 3u * sizes.out4, s.d); }
}

@compute @workgroup_size(144)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let tile_groups = (tiles + 7u) / 8u;
  let out16 = (sizes.out4 + 3u) / 4u;
  let index = group.y * sizes.groups_x + group.x;
  let b = index / out16 / tile_groups;
  if (b >= sizes.batch) { return; }
  let o = index % out16 * 4u;
  let first = index / out16 % tile_groups * 8u;
  // What is loaded: a column of two tiles, or of two vectors of a filter; and what of the columns is transformed: a row
  // of one. Neighbours load neighbouring vectors of input channels, as half as many cache lines are then touched.
  let of_filter = local >= 48u;
  let turn = local % 2u;
  var loads = true;
  var step = 1u;
  var column_at: u32;
  var row_at: u32;
  var apart: u32;
  var one: Column;
  var other: Column;
  if (of_filter) {
    let part = local / 16u - 3u;
    let item = local / 2u % 8u;
    let high = min(o + item % 4u, sizes.out4 - 1u);
    loads = part < 3u;
    step = 4u;
    column_at = 288u + item / 4u * 144u + item % 4u + part * 4u;
    row_at = 288u + local / 4u % 4u * 144u + local % 4u + part * 24u;
    apart = 288u;
    one = weights(b, min(part, 2u), item / 4u, high);
    other = weights(b, min(part, 2u), item / 4u + 2u, high);
  } else {
    let part = local / 2u % 6u;
    let tile = local / 12u;
    column_at = tile * 36u + part;
    row_at = local * 6u;
    apart = 144u;
    one = pixels(tile_at(b, first + tile), part);
    other = pixels(tile_at(b, first + tile + 4u), part);
  }
  // What is multiplied: at point local / 4, for the output channels of vector local % 4.
  var sums: Sums;
  let last = sizes.in4 - 1u;
  var next_one: Six;
  var next_other: Six;
  if (loads) {
    next_one = load(one, min(turn, last), of_filter);
    next_other = load(other, min(turn, last), of_filter);
  }
  for (var q = 0u; q < sizes.in4; q++) {
    if (loads & (q % 2u == turn)) {
      put(column_at, 6u * step, transformed(next_one, of_filter));
      put(column_at + apart, 6u * step, transformed(next_other, of_filter));
    }
    workgroupBarrier();
    put(row_at, step, transformed(six_at(row_at, step), of_filter));
    workgroupBarrier();
    // The next two vectors, on their way while the products are computed.
    if (loads & (q % 2u == 1u)) {
      next_one = load(one, min(q + 1u + turn, last), of_filter);
      next_other = load(other, min(q + 1u + turn, last), of_filter);
    }
    let at = 288u + local;
    let f = mat4x4f(room[at], room[at + 144u], room[at + 288u], room[at + 432u]);
    sums = add_products(sums, f, local / 4u);
    workgroupBarrier();
  }
  finish(b, first, o, local, Four(sums.a, sums.b, sums.c, sums.d));
  finish(b, first + 4u, o, local, Four(sums.e, sums.f, sums.g, sums.h));
}
