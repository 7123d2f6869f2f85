// Filter gradient of a 3x3 convolution with stride 1, as partial sums, by Winograd's F(3x3, 2x2) (Lavin and Gray 2016,
// section 4, arXiv 1509.09308). For adapters whose invocations share what is loaded: graphics cards.
//
//   partial[part, b, u, v, c, o] = sum over the pixels (n, i, j) of the part of
//     x[b, n, i + u - pad_top, j + v - pad_left, c] * dy[b, n, i, j, o]
//
// x: [batch, images, height, width, 4 in4]    dy: [batch, images, out_height, out_width, 4 out4]
// partial: [parts, batch, 3, 3, 4 in4, 4 out4]
//
// What a tile of 2x2 cotangents g adds to the nine taps is A^T ((G g G^T) * (B^T d B)) A, of 4x4 pixels d, with one
// multiplication a point, of 16, where the definition has 36:
//
//          1  0 -1  0           1    0           1  1  1  0
//   B^T =  0  1  1  0   G  =   1/2  1/2   A^T =  0  1 -1  0
//          0 -1  1  0          1/2 -1/2          0  1  1 -1
//          0  1  0 -1           0    1
//
// A workgroup computes 32 x 32 channels: four tiles at a time it transforms pixels and cotangents into workgroup
// memory, columns first, then rows, and adds up products of all points; an invocation has one point of 8 x 8 channels.
// At the end it transforms the sums back, 16 x 16 channels at a time. A part has part_steps times four tiles.

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
  parts: u32,
  part_steps: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial_sums: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// Pixels: [16 points, 4 tiles, 8 vectors of channels]. From 512 on, cotangents: the same. At the end sums:
// [16 points, 4 vectors of input channels, 4 channels, 4 vectors of output channels].
var<workgroup> room: array<vec4f, 1024>;

struct Four { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// Sums of one point: the first or the second 16 input channels, and output channels.
struct Sums { low_low: mat4x4f, low_high: mat4x4f, high_low: mat4x4f, high_high: mat4x4f }

// What an invocation loads of each tile: in its column, some channels.
struct Column { b: u32, v: u32, vector: u32, of_cotangent: bool }

fn pixel(image: u32, iy: i32, ix: i32, vector: u32) -> vec4f {
  let inside = (iy >= 0) & (iy < sizes.height) & (ix >= 0) & (ix < sizes.width);
  let row = image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1));
  return select(vec4f(), x[(row * u32(sizes.width) + u32(clamp(ix, 0, sizes.width - 1))) * sizes.in4 + vector], inside);
}

fn cotangent(image: u32, oy: i32, ox: i32, vector: u32) -> vec4f {
  let inside = (oy < sizes.out_height) & (ox < sizes.out_width);
  let row = image * u32(sizes.out_height) + u32(min(oy, sizes.out_height - 1));
  return select(vec4f(), dy[(row * u32(sizes.out_width) + u32(min(ox, sizes.out_width - 1))) * sizes.out4 + vector], inside);
}

// A column of a tile; of no tile, or of cotangents where there are but two, zeros.
fn load(column: Column, tile: u32) -> Four {
  let oy = i32(tile / sizes.tiles_x % sizes.tiles_y) * 2;
  let ox = i32(tile % sizes.tiles_x) * 2 + i32(column.v);
  let image = tile / (sizes.tiles_x * sizes.tiles_y);
  if (image >= sizes.images || (column.of_cotangent && column.v > 1u)) { return Four(); }
  let n = column.b * sizes.images + image;
  if (column.of_cotangent) {
    return Four(cotangent(n, oy, ox, column.vector), cotangent(n, oy + 1, ox, column.vector), vec4f(), vec4f());
  }
  let iy = oy - sizes.pad_top;
  let ix = ox - sizes.pad_left;
  return Four(
    pixel(n, iy, ix, column.vector), pixel(n, iy + 1, ix, column.vector),
    pixel(n, iy + 2, ix, column.vector), pixel(n, iy + 3, ix, column.vector),
  );
}

// B^T d of four pixels, or G g of two cotangents.
fn transformed(s: Four, of_cotangent: bool) -> Four {
  if (of_cotangent) { return Four(s.a, 0.5 * (s.a + s.b), 0.5 * (s.a - s.b), s.b); }
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

fn outer(value: vec4f, cotangent: vec4f) -> mat4x4f {
  return mat4x4f(
    cotangent * value.x, cotangent * value.y, cotangent * value.z, cotangent * value.w,
  );
}

// Adds the products of one tile.
fn add_products(s: Sums, pixels: u32, cotangents: u32) -> Sums {
  let low = room[pixels];
  let high = room[pixels + 4u];
  let dy_low = room[cotangents];
  let dy_high = room[cotangents + 4u];
  return Sums(
    s.low_low + outer(low, dy_low), s.low_high + outer(low, dy_high),
    s.high_low + outer(high, dy_low), s.high_high + outer(high, dy_high),
  );
}

// One of three rows of A^T m, or columns of m A.
fn back(which: u32, m: Four) -> vec4f {
  let even = m.b + m.c;
  return select(select(even - m.d, m.b - m.c, which == 1u), m.a + even, which == 0u);
}

fn store(at: u32, value: vec4f) {
  partial_sums[at] = value;
}

// Transforms 16 x 16 channels back, of which each invocation has sums of 4 x 4 at one point; c and o are the vectors
// that they begin with, first the place of the first tap.
fn finish(first: u32, c: u32, o: u32, local: u32, sums: mat4x4f) {
  let at = local / 16u * 64u + local / 4u % 4u * 16u + local % 4u;
  workgroupBarrier();
  put(at, 4u, Four(sums[0], sums[1], sums[2], sums[3]));
  workgroupBarrier();
  // Each invocation has a row of taps of one input channel and four output channels.
  let u = local / 64u;
  let pair = local % 64u;
  if (u > 2u || c + pair / 16u >= sizes.in4 || o + pair % 4u >= sizes.out4) { return; }
  let row = Four(
    back(u, four_at(pair, 256u)), back(u, four_at(pair + 64u, 256u)),
    back(u, four_at(pair + 128u, 256u)), back(u, four_at(pair + 192u, 256u)),
  );
  let tap = 4u * sizes.in4 * sizes.out4;
  let to = first + 3u * u * tap + (4u * c + pair / 4u) * sizes.out4 + o + pair % 4u;
  store(to, back(0u, row));
  store(to + tap, back(1u, row));
  store(to + 2u * tap, back(2u, row));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let in32 = (sizes.in4 + 7u) / 8u;
  let out32 = (sizes.out4 + 7u) / 8u;
  let index = group.y * sizes.groups_x + group.x;
  if (index >= sizes.parts * sizes.batch * in32 * out32) { return; }
  let o = index % out32 * 8u;
  let c = index / out32 % in32 * 8u;
  let b = index / (out32 * in32) % sizes.batch;
  let part = index / (out32 * in32 * sizes.batch);
  // What is loaded and transformed: a column of one of four tiles, then a row.
  let of_cotangent = local >= 128u;
  let lane = local % 32u;
  let line = local / 32u % 4u;
  let place = local / 128u * 512u + lane;
  let vector = select(min(c + lane % 8u, sizes.in4 - 1u), min(o + lane % 8u, sizes.out4 - 1u), of_cotangent);
  let column = Column(b, line, vector, of_cotangent);
  // What is multiplied.
  let pixels = local / 16u * 32u + local / 4u % 4u;
  let cotangents = 512u + local / 16u * 32u + local % 4u;
  var s: Sums;
  var tile = part * sizes.part_steps * 4u + lane / 8u;
  var next = load(column, tile);
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let last = min((part + 1u) * sizes.part_steps, (tiles + 3u) / 4u);
  for (var step = part * sizes.part_steps; step < last; step++) {
    put(place + line * 32u, 128u, transformed(next, of_cotangent));
    workgroupBarrier();
    put(place + line * 128u, 32u, transformed(four_at(place + line * 128u, 32u), of_cotangent));
    workgroupBarrier();
    // On its way while the products are computed.
    tile += 4u;
    next = load(column, tile);
    s = add_products(s, pixels, cotangents);
    s = add_products(s, pixels + 8u, cotangents + 8u);
    s = add_products(s, pixels + 16u, cotangents + 16u);
    s = add_products(s, pixels + 24u, cotangents + 24u);
    workgroupBarrier();
  }
  let first = (part * sizes.batch + b) * 9u * 4u * sizes.in4 * sizes.out4;
  finish(first, c, o, local, s.low_low);
  finish(first, c, o + 4u, local, s.low_high);
  finish(first, c + 4u, o, local, s.high_low);
  finish(first, c + 4u, o + 4u, local, s.high_high);
}
