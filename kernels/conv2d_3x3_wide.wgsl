// 3x3 convolution with stride 1; also its input gradient, with TRANSPOSED = 1. For images at least
// five pixels wide and adapters on which loads cost more than arithmetic.
//
//   y[b, n, i, j, o] =
//     sum over u, v, c of x[b, n, i + u - pad_top, j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 in4]    w: [batch, 3, 3, 4 in4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// TRANSPOSED = 1 reads w as [batch, 3, 3, 4 out4, 4 in4] with its taps in reverse order: the filters
// of the input gradient, when x is the cotangent.
//
// An invocation computes 4x8 pixels of 8 channels in registers: 60 loads of x and 72 of w for 2304
// vector multiply-adds.

override WORKGROUP: u32;
override TRANSPOSED: u32;

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

// Eight neighbouring pixels of one row of the result, four channels each.
struct Eight { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f }

// The ten pixels of a row of x that a row of the result needs.
struct Row {
  a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f, i: vec4f, j: vec4f,
}

fn load(first: u32, ix: i32, inside: bool) -> vec4f {
  let at = first + u32(clamp(ix, 0, sizes.width - 1)) * sizes.in4;
  return select(vec4f(), x[at], inside & (ix >= 0) & (ix < sizes.width));
}

fn load_row(image: u32, iy: i32, ix: i32, q: u32) -> Row {
  let inside = (iy >= 0) & (iy < sizes.height);
  let row = image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1));
  let first = row * u32(sizes.width) * sizes.in4 + q;
  return Row(
    load(first, ix, inside), load(first, ix + 1, inside),
    load(first, ix + 2, inside), load(first, ix + 3, inside),
    load(first, ix + 4, inside), load(first, ix + 5, inside),
    load(first, ix + 6, inside), load(first, ix + 7, inside),
    load(first, ix + 8, inside), load(first, ix + 9, inside),
  );
}

// Column k of the result holds the weights of input channel 4 q + k for the output channels 4 o ...
fn load_filter(b: u32, tap: u32, q: u32, o: u32) -> mat4x4f {
  if (TRANSPOSED != 0u) {
    let at = ((b * 9u + 8u - tap) * sizes.out4 + o) * 4u * sizes.in4 + q;
    let n = sizes.in4;
    return transpose(mat4x4f(w[at], w[at + n], w[at + 2u * n], w[at + 3u * n]));
  }
  let at = ((b * 9u + tap) * sizes.in4 + q) * 4u * sizes.out4 + o;
  let n = sizes.out4;
  return mat4x4f(w[at], w[at + n], w[at + 2u * n], w[at + 3u * n]);
}

fn left(s: Eight, m: mat4x4f, r: Row) -> Eight {
  return Eight(
    s.a + m * r.a, s.b + m * r.b, s.c + m * r.c, s.d + m * r.d,
    s.e + m * r.e, s.f + m * r.f, s.g + m * r.g, s.h + m * r.h,
  );
}

fn middle(s: Eight, m: mat4x4f, r: Row) -> Eight {
  return Eight(
    s.a + m * r.b, s.b + m * r.c, s.c + m * r.d, s.d + m * r.e,
    s.e + m * r.f, s.f + m * r.g, s.g + m * r.h, s.h + m * r.i,
  );
}

fn right(s: Eight, m: mat4x4f, r: Row) -> Eight {
  return Eight(
    s.a + m * r.c, s.b + m * r.d, s.c + m * r.e, s.d + m * r.f,
    s.e + m * r.g, s.f + m * r.h, s.g + m * r.i, s.h + m * r.j,
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

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  // Channels vary slowest: neighbouring invocations use the same filters.
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  let tile = index % tiles;
  let pair = index / tiles;
  let pairs = (sizes.out4 + 1u) / 2u;
  let b = pair / pairs;
  if (b >= sizes.batch) { return; }
  let o = pair % pairs * 2u;
  let p = min(o + 1u, sizes.out4 - 1u);
  let image = b * sizes.images + tile / (sizes.tiles_x * sizes.tiles_y);
  let oy = i32(tile / sizes.tiles_x % sizes.tiles_y) * 4;
  let ox = i32(tile % sizes.tiles_x) * 8;
  let iy = oy - sizes.pad_top;
  let ix = ox - sizes.pad_left;
  var s0: Eight;
  var t0: Eight;
  var s1: Eight;
  var t1: Eight;
  var s2: Eight;
  var t2: Eight;
  var s3: Eight;
  var t3: Eight;
  for (var q = 0u; q < sizes.in4; q++) {
    let r0 = load_row(image, iy + 0, ix, q);
    let r1 = load_row(image, iy + 1, ix, q);
    let r2 = load_row(image, iy + 2, ix, q);
    let r3 = load_row(image, iy + 3, ix, q);
    let r4 = load_row(image, iy + 4, ix, q);
    let r5 = load_row(image, iy + 5, ix, q);
    var m: mat4x4f;
    m = load_filter(b, 0u, q, o);
    s0 = left(s0, m, r0);
    s1 = left(s1, m, r1);
    s2 = left(s2, m, r2);
    s3 = left(s3, m, r3);
    m = load_filter(b, 0u, q, p);
    t0 = left(t0, m, r0);
    t1 = left(t1, m, r1);
    t2 = left(t2, m, r2);
    t3 = left(t3, m, r3);
    m = load_filter(b, 1u, q, o);
    s0 = middle(s0, m, r0);
    s1 = middle(s1, m, r1);
    s2 = middle(s2, m, r2);
    s3 = middle(s3, m, r3);
    m = load_filter(b, 1u, q, p);
    t0 = middle(t0, m, r0);
    t1 = middle(t1, m, r1);
    t2 = middle(t2, m, r2);
    t3 = middle(t3, m, r3);
    m = load_filter(b, 2u, q, o);
    s0 = right(s0, m, r0);
    s1 = right(s1, m, r1);
    s2 = right(s2, m, r2);
    s3 = right(s3, m, r3);
    m = load_filter(b, 2u, q, p);
    t0 = right(t0, m, r0);
    t1 = right(t1, m, r1);
    t2 = right(t2, m, r2);
    t3 = right(t3, m, r3);
    m = load_filter(b, 3u, q, o);
    s0 = left(s0, m, r1);
    s1 = left(s1, m, r2);
    s2 = left(s2, m, r3);
    s3 = left(s3, m, r4);
    m = load_filter(b, 3u, q, p);
    t0 = left(t0, m, r1);
    t1 = left(t1, m, r2);
    t2 = left(t2, m, r3);
    t3 = left(t3, m, r4);
    m = load_filter(b, 4u, q, o);
    s0 = middle(s0, m, r1);
    s1 = middle(s1, m, r2);
    s2 = middle(s2, m, r3);
    s3 = middle(s3, m, r4);
    m = load_filter(b, 4u, q, p);
    t0 = middle(t0, m, r1);
    t1 = middle(t1, m, r2);
    t2 = middle(t2, m, r3);
    t3 = middle(t3, m, r4);
    m = load_filter(b, 5u, q, o);
    s0 = right(s0, m, r1);
    s1 = right(s1, m, r2);
    s2 = right(s2, m, r3);
    s3 = right(s3, m, r4);
    m = load_filter(b, 5u, q, p);
    t0 = right(t0, m, r1);
    t1 = right(t1, m, r2);
    t2 = right(t2, m, r3);
    t3 = right(t3, m, r4);
    m = load_filter(b, 6u, q, o);
    s0 = left(s0, m, r2);
    s1 = left(s1, m, r3);
    s2 = left(s2, m, r4);
    s3 = left(s3, m, r5);
    m = load_filter(b, 6u, q, p);
    t0 = left(t0, m, r2);
    t1 = left(t1, m, r3);
    t2 = left(t2, m, r4);
    t3 = left(t3, m, r5);
    m = load_filter(b, 7u, q, o);
    s0 = middle(s0, m, r2);
    s1 = middle(s1, m, r3);
    s2 = middle(s2, m, r4);
    s3 = middle(s3, m, r5);
    m = load_filter(b, 7u, q, p);
    t0 = middle(t0, m, r2);
    t1 = middle(t1, m, r3);
    t2 = middle(t2, m, r4);
    t3 = middle(t3, m, r5);
    m = load_filter(b, 8u, q, o);
    s0 = right(s0, m, r2);
    s1 = right(s1, m, r3);
    s2 = right(s2, m, r4);
    s3 = right(s3, m, r5);
    m = load_filter(b, 8u, q, p);
    t0 = right(t0, m, r2);
    t1 = right(t1, m, r3);
    t2 = right(t2, m, r4);
    t3 = right(t3, m, r5);
  }
  store_row(image, oy + 0, ox, o, s0);
  store_row(image, oy + 1, ox, o, s1);
  store_row(image, oy + 2, ox, o, s2);
  store_row(image, oy + 3, ox, o, s3);
  if (o + 1u >= sizes.out4) { return; }
  store_row(image, oy + 0, ox, p, t0);
  store_row(image, oy + 1, ox, p, t1);
  store_row(image, oy + 2, ox, p, t2);
  store_row(image, oy + 3, ox, p, t3);
}
