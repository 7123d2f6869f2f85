// 3x3 convolution with stride 1; also its input gradient, with transposed = 1. For adapters whose
// subgroups have eight lanes or more and on which loads cost more than arithmetic; for few channels or small
// images.
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
// A lane computes 4x4 pixels of 8 channels. The lanes of a subgroup share the filters: each loads an
// eighth of them and broadcasts it. So a lane has 36 loads of x and 9 of w for 1152 vector
// multiply-adds.

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

// Four neighbouring pixels of one row of the result, as two vectors of channels.
struct Quad {
  a: vec4f, b: vec4f, c: vec4f, d: vec4f,
  e: vec4f, f: vec4f, g: vec4f, h: vec4f,
}

// The six pixels of a row of x that a row of the result needs.
struct Row { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f }

fn load(first: u32, ix: i32, inside: bool) -> vec4f {
  let at = first + u32(clamp(ix, 0, sizes.width - 1)) * sizes.in4;
  return select(vec4f(), x[at], inside & (ix >= 0) & (ix < sizes.width));
}

fn load_row(image: u32, iy: i32, ix: i32, q: u32) -> Row {
  let inside = (iy >= 0) & (iy < sizes.height);
  let row = image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1));
  let first = row * u32(sizes.width) * sizes.in4 + q;
  return Row(
    load(first, ix, inside), load(first, ix + 1, inside), load(first, ix + 2, inside),
    load(first, ix + 3, inside), load(first, ix + 4, inside), load(first, ix + 5, inside),
  );
}

// The lane's share of a tap: of the first vector of output channels in the lanes 0 to 3, of the
// second in the lanes 4 to 7; input channel 4 q + lane % 4, or output channel if transposed.
fn load_share(b: u32, tap: u32, q: u32, o: u32, lane: u32) -> vec4f {
  let p = min(o + lane / 4u % 2u, sizes.out4 - 1u);
  let plain = (((b * 9u + tap) * sizes.in4 + q) * 4u + lane % 4u) * sizes.out4 + p;
  let flipped = (((b * 9u + 8u - tap) * sizes.out4 + p) * 4u + lane % 4u) * sizes.in4 + q;
  return w[select(plain, flipped, sizes.transposed != 0u)];
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

// Column k of the result holds the weights of input channel 4 q + k.
fn first_filter(share: vec4f) -> mat4x4f {
  return oriented(mat4x4f(
    subgroupBroadcast(share, 0u), subgroupBroadcast(share, 1u),
    subgroupBroadcast(share, 2u), subgroupBroadcast(share, 3u),
  ));
}

fn second_filter(share: vec4f) -> mat4x4f {
  return oriented(mat4x4f(
    subgroupBroadcast(share, 4u), subgroupBroadcast(share, 5u),
    subgroupBroadcast(share, 6u), subgroupBroadcast(share, 7u),
  ));
}

fn left(s: Quad, m: mat4x4f, n: mat4x4f, r: Row) -> Quad {
  return Quad(
    s.a + m * r.a, s.b + m * r.b, s.c + m * r.c, s.d + m * r.d,
    s.e + n * r.a, s.f + n * r.b, s.g + n * r.c, s.h + n * r.d,
  );
}

fn middle(s: Quad, m: mat4x4f, n: mat4x4f, r: Row) -> Quad {
  return Quad(
    s.a + m * r.b, s.b + m * r.c, s.c + m * r.d, s.d + m * r.e,
    s.e + n * r.b, s.f + n * r.c, s.g + n * r.d, s.h + n * r.e,
  );
}

fn right(s: Quad, m: mat4x4f, n: mat4x4f, r: Row) -> Quad {
  return Quad(
    s.a + m * r.c, s.b + m * r.d, s.c + m * r.e, s.d + m * r.f,
    s.e + n * r.c, s.f + n * r.d, s.g + n * r.e, s.h + n * r.f,
  );
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

fn store_pixel(at: u32, low: vec4f, high: vec4f, both: bool) {
  store(at, low);
  if (both) { store(at + 1u, high); }
}

fn store_row(image: u32, oy: i32, ox: i32, o: u32, s: Quad) {
  if (oy >= sizes.out_height) { return; }
  let row = image * u32(sizes.out_height) + u32(oy);
  let at = (row * u32(sizes.out_width) + u32(ox)) * sizes.out4 + o;
  let both = o + 1u < sizes.out4;
  store_pixel(at, s.a, s.e, both);
  if (ox + 1 < sizes.out_width) { store_pixel(at + sizes.out4, s.b, s.f, both); }
  if (ox + 2 < sizes.out_width) { store_pixel(at + 2u * sizes.out4, s.c, s.g, both); }
  if (ox + 3 < sizes.out_width) { store_pixel(at + 3u * sizes.out4, s.d, s.h, both); }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let tile_groups = (tiles + 7u) / 8u;
  let blocks = (sizes.out4 + 1u) / 2u;
  let index = group.y * sizes.groups_x + group.x;
  let b = index / (blocks * tile_groups);
  if (b >= sizes.batch) { return; }
  let o = index / tile_groups % blocks * 2u;
  // Lanes without a tile compute the last one, but do not store it.
  let wanted = index % tile_groups * 8u + lane;
  let tile = min(wanted, tiles - 1u);
  let image = b * sizes.images + tile / (sizes.tiles_x * sizes.tiles_y);
  let oy = i32(tile / sizes.tiles_x % sizes.tiles_y) * 4;
  let ox = i32(tile % sizes.tiles_x) * 4;
  let iy = oy - sizes.pad_top;
  let ix = ox - sizes.pad_left;
  var s0: Quad;
  var s1: Quad;
  var s2: Quad;
  var s3: Quad;
  // Ends at its bottom: where lanes are masked, a loop that ends at its top computes one more pass for nothing.
  var q = 0u;
  loop {
    let r0 = load_row(image, iy, ix, q);
    let r1 = load_row(image, iy + 1, ix, q);
    let r2 = load_row(image, iy + 2, ix, q);
    let r3 = load_row(image, iy + 3, ix, q);
    let r4 = load_row(image, iy + 4, ix, q);
    let r5 = load_row(image, iy + 5, ix, q);
    var share: vec4f;
    var m: mat4x4f;
    var n: mat4x4f;
    share = load_share(b, 0u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = left(s0, m, n, r0);
    s1 = left(s1, m, n, r1);
    s2 = left(s2, m, n, r2);
    s3 = left(s3, m, n, r3);
    share = load_share(b, 1u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = middle(s0, m, n, r0);
    s1 = middle(s1, m, n, r1);
    s2 = middle(s2, m, n, r2);
    s3 = middle(s3, m, n, r3);
    share = load_share(b, 2u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = right(s0, m, n, r0);
    s1 = right(s1, m, n, r1);
    s2 = right(s2, m, n, r2);
    s3 = right(s3, m, n, r3);
    share = load_share(b, 3u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = left(s0, m, n, r1);
    s1 = left(s1, m, n, r2);
    s2 = left(s2, m, n, r3);
    s3 = left(s3, m, n, r4);
    share = load_share(b, 4u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = middle(s0, m, n, r1);
    s1 = middle(s1, m, n, r2);
    s2 = middle(s2, m, n, r3);
    s3 = middle(s3, m, n, r4);
    share = load_share(b, 5u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = right(s0, m, n, r1);
    s1 = right(s1, m, n, r2);
    s2 = right(s2, m, n, r3);
    s3 = right(s3, m, n, r4);
    share = load_share(b, 6u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = left(s0, m, n, r2);
    s1 = left(s1, m, n, r3);
    s2 = left(s2, m, n, r4);
    s3 = left(s3, m, n, r5);
    share = load_share(b, 7u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = middle(s0, m, n, r2);
    s1 = middle(s1, m, n, r3);
    s2 = middle(s2, m, n, r4);
    s3 = middle(s3, m, n, r5);
    share = load_share(b, 8u, q, o, lane);
    m = first_filter(share);
    n = second_filter(share);
    s0 = right(s0, m, n, r2);
    s1 = right(s1, m, n, r3);
    s2 = right(s2, m, n, r4);
    s3 = right(s3, m, n, r5);
    q++;
    if (q >= sizes.in4) { break; }
  }
  if (wanted >= tiles) { return; }
  // In a loop, since drivers compile each store; it ends where the rows do.
  var row = oy;
  loop {
    store_row(image, row, ox, o, s0);
    s0 = s1;
    s1 = s2;
    s2 = s3;
    row++;
    if (row >= min(oy + 4, sizes.out_height)) { break; }
  }
}
