// 3x3 convolution with stride 1, by Winograd's F(2x2, 3x3), of numbers of half precision: as conv2d_3x3_winograd_2x2,
// but pixels and filters are in workgroup memory as float16, which is half as much to store and to load. Products and
// sums are float32. Only for those who have asked for it: an error is about 2^-11 of the largest magnitudes.
//
//   y[b, n, i, j, o] =
//     sum over u, v, c of x[b, n, i + u - pad_top, j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 in4]    w: [batch, 3, 3, 4 in4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// float16 has numbers from 2^-24 to 65504. So what a workgroup transforms of a vector of input channels is scaled
// by powers of two, pixels by one and filters by one, with which the largest is in [2^12, 2^13): transformed it is
// below 2^15, and only what is 2^26 times as small begins to lose digits. Sums are kept times 2^exponent, the smallest
// product of these powers so far, and multiplied back at the end. Where something is not finite, all tiles of the
// workgroup become NaN.

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
// end sums: [16 points, 4 tiles, 8 vectors].
// Pixels and filters are four float16 each, sums are four float32 in two places.
var<workgroup> room: array<vec2u, 1024>;

// Bits of the largest magnitudes of pixels and of filters, [2 pairs of vectors, 2 vectors, pixels or filters].
var<workgroup> largest: array<atomic<u32>, 8>;

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

fn scaled(s: Four, by: f32) -> Four {
  return Four(by * s.a, by * s.b, by * s.c, by * s.d);
}

// 2^exponent.
fn power(exponent: i32) -> f32 {
  return bitcast<f32>(u32(clamp(exponent, -126, 127) + 127) << 23u);
}

// Exponent of the power of two that brings a magnitude with some bits into [2^12, 2^13).
fn exponent_for(bits: u32) -> i32 {
  return clamp(139 - i32(bits >> 23u), -126, 127);
}

// Integers are compared, as comparisons of NaN are not to be relied on: its bits are the largest of all.
fn bits_of(s: Four) -> u32 {
  let ab = max(bitcast<vec4u>(s.a) & vec4u(0x7fffffffu), bitcast<vec4u>(s.b) & vec4u(0x7fffffffu));
  let cd = max(bitcast<vec4u>(s.c) & vec4u(0x7fffffffu), bitcast<vec4u>(s.d) & vec4u(0x7fffffffu));
  let bits = max(ab, cd);
  return max(max(bits.x, bits.y), max(bits.z, bits.w));
}

fn put(at: u32, step: u32, s: Four) {
  room[at] = packed(s.a);
  room[at + step] = packed(s.b);
  room[at + 2u * step] = packed(s.c);
  room[at + 3u * step] = packed(s.d);
}

fn packed(v: vec4f) -> vec2u {
  return vec2u(pack2x16float(v.xy), pack2x16float(v.zw));
}

fn vector_at(at: u32) -> vec4f {
  let v = room[at];
  return vec4f(unpack2x16float(v.x), unpack2x16float(v.y));
}

fn four_at(at: u32, step: u32) -> Four {
  return Four(vector_at(at), vector_at(at + step), vector_at(at + 2u * step), vector_at(at + 3u * step));
}

fn filter_at(at: u32) -> mat4x4f {
  return mat4x4f(vector_at(at), vector_at(at + 8u), vector_at(at + 16u), vector_at(at + 24u));
}

fn put_sum(at: u32, sum: vec4f) {
  let bits = bitcast<vec4u>(sum);
  room[2u * at] = bits.xy;
  room[2u * at + 1u] = bits.zw;
}

fn sum_at(at: u32) -> vec4f {
  return bitcast<vec4f>(vec4u(room[2u * at], room[2u * at + 1u]));
}

// Adds products of the pixels from a place on, every fourth tile, times a power of two.
fn add_products(s: Sums, f: mat4x4f, at: u32, by: f32) -> Sums {
  return Sums(
    s.a + by * (f * vector_at(at)), s.b + by * (f * vector_at(at + 4u)),
    s.c + by * (f * vector_at(at + 8u)), s.d + by * (f * vector_at(at + 12u)),
    s.e + by * (f * vector_at(at + 16u)), s.f + by * (f * vector_at(at + 20u)),
    s.g + by * (f * vector_at(at + 24u)), s.h + by * (f * vector_at(at + 28u)),
  );
}

fn scaled_sums(s: Sums, by: f32) -> Sums {
  return Sums(by * s.a, by * s.b, by * s.c, by * s.d, by * s.e, by * s.f, by * s.g, by * s.h);
}

// One of two rows of A^T m, or columns of m A.
fn back(second: bool, a: vec4f, b: vec4f, c: vec4f) -> vec4f {
  return select(a + (b + c), a - (b + c), second);
}

// A row of m A in one of two columns.
fn back_row(row: u32, at: u32, column: u32) -> vec4f {
  let first = at + (row * 4u + column) * 32u;
  return back(column == 1u, sum_at(first), sum_at(first + 32u), sum_at(first + 64u));
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

// Transforms 4 tiles back, of which each invocation has sums of one in both halves of the channels.
fn finish(b: u32, first: u32, o: u32, local: u32, low: vec4f, high: vec4f, exponent: i32) {
  let at = local / 16u * 32u + local / 4u % 4u * 8u + local % 4u;
  workgroupBarrier();
  put_sum(at, low);
  put_sum(at + 4u, high);
  workgroupBarrier();
  // Half of the invocations have one pixel of a tile each.
  let row = local / 64u;
  let column = local / 32u % 2u;
  let t = tile_at(b, first + local / 8u % 4u);
  let oy = t.oy + i32(row);
  let ox = t.ox + i32(column);
  let high_o = o + local % 8u;
  if (row > 1u || !t.inside || oy >= sizes.out_height || ox >= sizes.out_width || high_o >= sizes.out4) { return; }
  let value = back(
    row == 1u,
    back_row(row, local % 32u, column), back_row(row + 1u, local % 32u, column), back_row(row + 2u, local % 32u, column),
  );
  let pixel = (t.image * u32(sizes.out_height) + u32(oy)) * u32(sizes.out_width) + u32(ox);
  // In two steps, as 2^exponent may be too large or too small for float32.
  store(pixel * sizes.out4 + high_o, value * power(-exponent / 2) * power(-exponent - -exponent / 2));
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
  var exponent = 1000;
  let last = sizes.in4 - 1u;
  if (local < 8u) { atomicStore(&largest[local], 0u); }
  workgroupBarrier();
  let kind = select(0u, 1u, of_filter);
  var next_one = load(one, min(turn, last), of_filter);
  var next_other = load(other, min(turn, last), of_filter);
  atomicMax(&largest[2u * turn + kind], max(bits_of(next_one), bits_of(next_other)));
  workgroupBarrier();
  for (var q = 0u; q < sizes.in4; q++) {
    let most = 2u * (q % 4u);
    let pixel_bits = atomicLoad(&largest[most]);
    let filter_bits = atomicLoad(&largest[most + 1u]);
    let pixel_exponent = exponent_for(pixel_bits);
    let filter_exponent = exponent_for(filter_bits);
    if (q % 2u == turn) {
      let by = power(select(pixel_exponent, filter_exponent, of_filter));
      put(column_at, 128u, transformed(scaled(next_one, by), of_filter));
      put(column_at + 16u, 128u, transformed(scaled(next_other, by), of_filter));
    }
    if (q % 2u == 0u && local < 4u) { atomicStore(&largest[(most + 4u) % 8u + local], 0u); }
    workgroupBarrier();
    put(row_at, 32u, transformed(four_at(row_at, 32u), of_filter));
    workgroupBarrier();
    // The next two vectors, on their way while the products are computed.
    if (q % 2u == 1u) {
      next_one = load(one, min(q + 1u + turn, last), of_filter);
      next_other = load(other, min(q + 1u + turn, last), of_filter);
    }
    let both = pixel_exponent + filter_exponent;
    if (both < exponent) {
      low = scaled_sums(low, power(both - exponent));
      high = scaled_sums(high, power(both - exponent));
      exponent = both;
    }
    let bits = max(pixel_bits, filter_bits);
    let by = select(power(exponent - both), bitcast<f32>(bits | 0x7fc00000u), bits >= 0x7f800000u);
    low = add_products(low, filter_at(filter_low), pixel_at, by);
    high = add_products(high, filter_at(filter_low + 4u), pixel_at, by);
    if (q % 2u == 1u) {
      atomicMax(&largest[(most + 2u) % 8u + 2u * turn + kind], max(bits_of(next_one), bits_of(next_other)));
    }
    workgroupBarrier();
  }
  finish(b, first, o, local, low.a, high.a, exponent);
  finish(b, first + 4u, o, local, low.b, high.b, exponent);
  finish(b, first + 8u, o, local, low.c, high.c, exponent);
  finish(b, first + 12u, o, local, low.d, high.d, exponent);
  finish(b, first + 16u, o, local, low.e, high.e, exponent);
  finish(b, first + 20u, o, local, low.f, high.f, exponent);
  finish(b, first + 24u, o, local, low.g, high.g, exponent);
  finish(b, first + 28u, o, local, low.h, high.h, exponent);
}
