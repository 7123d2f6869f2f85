// 3x3 convolution with stride 1, by Winograd's F(2x2, 3x3) (Lavin and Gray 2016, equations 8 to 12, arXiv 1509.09308).
// For adapters whose invocations share what is loaded: graphics cards.
//
//   y[b, n, i, j, o] =
//     sum over u, v, c of x[b, n, i + u - pad_top, j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 in4]    w: [batch, 3, 3, 4 in4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// A tile of 2x2 pixels of the result is A^T ((G g G^T) * (B^T d B)) A, of filters g and 4x4 pixels d, with one
// multiplication a point, of 16, where the definition has 36. A workgroup computes 32 tiles of 32 channels: for each
// vector of input channels it transforms pixels and filters into workgroup memory, columns first, then rows, and adds
// up products of all points; an invocation has one point of 8 tiles of 8 channels. At the end it transforms the sums
// back, 8 tiles at a time.

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

// Pixels: [16 points, 32 tiles]. From 512 on, filters: [16 points, 4 channels, 8 vectors of output channels]. At the
// end sums: [16 points, 8 tiles, 8 vectors].
var<workgroup> room: array<vec4f, 1024>;

struct Four { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// One of 8 tiles each.
struct Sums { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f }

// A tile: its first pixel, its image among all of them.
struct Tile { oy: i32, ox: i32, image: u32, inside: bool }

// What an invocation loads of each vector of input channels: a column of pixels, or of filters.
struct Column { a: u32, b: u32, c: u32, d: u32, inside: vec4<bool>, step: u32 }

fn tile_at(b: u32, index: u32) -> Tile {
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let at = min(index, tiles - 1u);
  return Tile(
    i32(at / sizes.tiles_x % sizes.tiles_y) * 2,
    i32(at % sizes.tiles_x) * 2,
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
    at + image_row(t.image, iy), at + image_row(t.image, iy + 1),
    at + image_row(t.image, iy + 2), at + image_row(t.image, iy + 3),
    vec4(inside & is_row(iy), inside & is_row(iy + 1), inside & is_row(iy + 2), inside & is_row(iy + 3)),
    1u,
  );
}

// Weights of input channel k of each vector for the output channels 4 o ...
fn weights(b: u32, v: u32, k: u32, o: u32) -> Column {
  let tap = 4u * sizes.in4 * sizes.out4;
  let first = (b * 9u + v) * tap + k * sizes.out4 + o;
  return Column(first, first + 3u * tap, first + 6u * tap, first, vec4<bool>(), 4u * sizes.out4);
}

fn load(c: Column, q: u32, of_filter: bool) -> Four {
  let at = q * c.step;
  if (of_filter) { return Four(w[c.a + at], w[c.b + at], w[c.c + at], vec4f()); }
  return Four(
    select(vec4f(), x[c.a + at], c.inside.x), select(vec4f(), x[c.b + at], c.inside.y),
    select(vec4f(), x[c.c + at], c.inside.z), select(vec4f(), x[c.d + at], c.inside.w),
  );
}

// B^T d of four pixels, or G g of three weights.
fn transformed(s: Four, of_filter: bool) -> Four {
  if (of_filter) {
    let even = 0.5 * (s.a + s.c);
    let odd = 0.5 * s.b;
    return Four(s.a, even + odd, even - odd, s.c);
  }
  return Four(s.a - s.c, s.b + s.c, s.c - s.b, s.b - s.d);
}

fn put(at: u32, step: u32, s: Four) {
  room[at] = s.a;
  room[at + step] = s.b;
  room[at + 2u * step] = s.c;
  room[at + 3u * step] = s.d;
}

fn four_at(at: u32, step: u32) -> Four {
  return Four(room[at], room[at + step], room[at + 2u * step], room[at + 3u * step]);
}

fn filter_at(at: u32) -> mat4x4f {
  return mat4x4f(room[at], room[at + 8u], room[at + 16u], room[at + 24u]);
}

// Adds products of the pixels from a place on, every fourth tile.
fn add_products(s: Sums, f: mat4x4f, at: u32) -> Sums {
  return Sums(
    s.a + f * room[at], s.b + f * room[at + 4u],
    s.c + f * room[at + 8u], s.d + f * room[at + 12u],
    s.e + f * room[at + 16u], s.f + f * room[at + 20u],
    s.g + f * room[at + 24u], s.h + f * room[at + 28u],
  );
}

// One of two rows of A^T m, or columns of m A.
fn back(second: bool, a: vec4f, b: vec4f, c: vec4f) -> vec4f {
  return select(a + (b + c), a - (b + c), second);
}

// A row of m A in one of two columns.
fn back_row(row: u32, at: u32, column: u32) -> vec4f {
  let first = at + (row * 4u + column) * 64u;
  return back(column == 1u, room[first], room[first + 64u], room[first + 128u]);
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

// Transforms 8 tiles back, of which each invocation has sums of two in both halves of the channels.
fn finish(b: u32, first: u32, o: u32, local: u32, low: array<vec4f, 2>, high: array<vec4f, 2>) {
  let at = local / 16u * 64u + local / 4u % 4u * 8u + local % 4u;
  workgroupBarrier();
  room[at] = low[0];
  room[at + 4u] = high[0];
  room[at + 32u] = low[1];
  room[at + 36u] = high[1];
  workgroupBarrier();
  // Each invocation has one pixel of a tile.
  let row = local / 128u;
  let column = local / 64u % 2u;
  let value = back(
    row == 1u,
    back_row(row, local % 64u, column), back_row(row + 1u, local % 64u, column), back_row(row + 2u, local % 64u, column),
  );
  let t = tile_at(b, first + local / 8u % 8u);
  let oy = t.oy + i32(row);
  let ox = t.ox + i32(column);
  if (!t.inside || oy >= sizes.out_height || ox >= sizes.out_width || o + local % 8u >= sizes.out4) { return; }
  let pixel = (t.image * u32(sizes.out_height) + u32(oy)) * u32(sizes.out_width) + u32(ox);
  store(pixel * sizes.out4 + o + local % 8u, value);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let tile_groups = (tiles + 31u) / 32u;
  let out32 = (sizes.out4 + 7u) / 8u;
  let index = group.y * sizes.groups_x + group.x;
  let b = index / out32 / tile_groups;
  if (b >= sizes.batch) { return; }
  let o = index % out32 * 8u;
  let first = index / out32 % tile_groups * 32u;
  // What is loaded: a column of two tiles, or of two vectors of a filter; and what of the columns is transformed: a row
  // of one. Neighbours load neighbouring vectors of input channels, as half as many cache lines are then touched.
  let of_filter = local >= 128u;
  let part = local / 32u % 4u;
  let place = local / 128u * 512u;
  let turn = local % 2u;
  let item = local / 2u % 16u;
  var one: Column;
  var other: Column;
  if (of_filter) {
    let v = min(part, 2u);
    let high = min(o + item % 8u, sizes.out4 - 1u);
    one = weights(b, v, item / 8u, high);
    other = weights(b, v, item / 8u + 2u, high);
  } else {
    one = pixels(tile_at(b, first + item), part);
    other = pixels(tile_at(b, first + item + 16u), part);
  }
  let column_at = place + part * 32u + item;
  let row_at = place + part * 128u + local % 32u;
  // What is multiplied.
  let pixel_at = local / 16u * 32u + local / 4u % 4u;
  let filter_low = 512u + local / 16u * 32u + local % 4u;
  var low: Sums;
  var high: Sums;
  let last = sizes.in4 - 1u;
  var next_one = load(one, min(turn, last), of_filter);
  var next_other = load(other, min(turn, last), of_filter);
  for (var q = 0u; q < sizes.in4; q++) {
    if (q % 2u == turn) {
      put(column_at, 128u, transformed(next_one, of_filter));
      put(column_at + 16u, 128u, transformed(next_other, of_filter));
    }
    workgroupBarrier();
    put(row_at, 32u, transformed(four_at(row_at, 32u), of_filter));
    workgroupBarrier();
    // The next two vectors, on their way while the products are computed.
    if (q % 2u == 1u) {
      next_one = load(one, min(q + 1u + turn, last), of_filter);
      next_other = load(other, min(q + 1u + turn, last), of_filter);
    }
    low = add_products(low, filter_at(filter_low), pixel_at);
    high = add_products(high, filter_at(filter_low + 4u), pixel_at);
    workgroupBarrier();
  }
  finish(b, first, o, local, array(low.a, low.b), array(high.a, high.b));
  finish(b, first + 8u, o, local, array(low.c, low.d), array(high.c, high.d));
  finish(b, first + 16u, o, local, array(low.e, low.f), array(high.e, high.f));
  finish(b, first + 24u, o, local, array(low.g, low.h), array(high.g, high.h));
}
