// 3x3 convolution with stride 1; also its input gradient, with transposed = 1.
//
//   y[b, n, i, j, o] =
//     sum over u, v, c of x[b, n, i + u - pad_top, j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 in4]    w: [batch, 3, 3, 4 in4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// transposed = 1 reads w as [batch, 3, 3, 4 out4, 4 in4] with its taps in reverse order: the filters
// of the input gradient, when x is the cotangent.
//
// An invocation computes 4x4 pixels of 8 channels in registers. All invocations of a workgroup share
// b and the 8 channels, whose filters they keep in workgroup memory, which has room for MAX_IN4
// vectors of input channels. Longer filters are read where they are: DIRECT = 1, or 2 if transposed.

override MAX_IN4: u32;
override DIRECT: u32;
override WORKGROUP: u32;

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

// [in4, 9 taps, 2 of 4 output channels]
var<workgroup> filters: array<mat4x4f, 18u * MAX_IN4>;

struct Quad { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

struct Row { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f }

struct Columns {
  a: u32, b: u32, c: u32, d: u32, e: u32, f: u32,
  in_a: bool, in_b: bool, in_c: bool, in_d: bool, in_e: bool, in_f: bool,
}

fn column_offset(ix: i32) -> u32 {
  return u32(clamp(ix, 0, sizes.width - 1)) * sizes.in4;
}

fn is_column(ix: i32) -> bool {
  return (ix >= 0) & (ix < sizes.width);
}

fn columns_from(ix: i32) -> Columns {
  return Columns(
    column_offset(ix), column_offset(ix + 1), column_offset(ix + 2),
    column_offset(ix + 3), column_offset(ix + 4), column_offset(ix + 5),
    is_column(ix), is_column(ix + 1), is_column(ix + 2),
    is_column(ix + 3), is_column(ix + 4), is_column(ix + 5),
  );
}

fn load(at: u32, inside: bool) -> vec4f {
  return select(vec4f(), x[at], inside);
}

fn load_row(image: u32, iy: i32, q: u32, at: Columns) -> Row {
  let inside = (iy >= 0) & (iy < sizes.height);
  let first = (image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1))) * u32(sizes.width) * sizes.in4 + q;
  return Row(
    load(first + at.a, inside & at.in_a), load(first + at.b, inside & at.in_b),
    load(first + at.c, inside & at.in_c), load(first + at.d, inside & at.in_d),
    load(first + at.e, inside & at.in_e), load(first + at.f, inside & at.in_f),
  );
}

// Column k of the result holds the weights of input channel 4 q + k for the output channels 4 o ...
fn load_filter(b: u32, tap: u32, q: u32, o: u32) -> mat4x4f {
  if (DIRECT == 2u || (DIRECT == 0u && sizes.transposed != 0u)) {
    let at = ((b * 9u + 8u - tap) * sizes.out4 + o) * 4u * sizes.in4 + q;
    return transpose(mat4x4f(w[at], w[at + sizes.in4], w[at + 2u * sizes.in4], w[at + 3u * sizes.in4]));
  }
  let at = ((b * 9u + tap) * sizes.in4 + q) * 4u * sizes.out4 + o;
  return mat4x4f(w[at], w[at + sizes.out4], w[at + 2u * sizes.out4], w[at + 3u * sizes.out4]);
}

// The same matrix, from workgroup memory if it is there; half = 1 for the second 4 channels.
fn filter_at(b: u32, tap: u32, q: u32, o: u32, half: u32) -> mat4x4f {
  if (DIRECT != 0u) { return load_filter(b, tap, q, o); }
  return filters[q * 18u + 2u * tap + half];
}

fn left(s: Quad, f: mat4x4f, r: Row) -> Quad {
  return Quad(s.a + f * r.a, s.b + f * r.b, s.c + f * r.c, s.d + f * r.d);
}

fn middle(s: Quad, f: mat4x4f, r: Row) -> Quad {
  return Quad(s.a + f * r.b, s.b + f * r.c, s.c + f * r.d, s.d + f * r.e);
}

fn right(s: Quad, f: mat4x4f, r: Row) -> Quad {
  return Quad(s.a + f * r.c, s.b + f * r.d, s.c + f * r.e, s.d + f * r.f);
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

fn store_row(image: u32, oy: i32, ox: i32, o: u32, s: Quad) {
  if (oy >= sizes.out_height) { return; }
  let at = ((image * u32(sizes.out_height) + u32(oy)) * u32(sizes.out_width) + u32(ox)) * sizes.out4 + o;
  store(at, s.a);
  if (ox + 1 < sizes.out_width) { store(at + sizes.out4, s.b); }
  if (ox + 2 < sizes.out_width) { store(at + 2u * sizes.out4, s.c); }
  if (ox + 3 < sizes.out_width) { store(at + 3u * sizes.out4, s.d); }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tiles = sizes.images * sizes.tiles_y * sizes.tiles_x;
  let tile_groups = (tiles + WORKGROUP - 1u) / WORKGROUP;
  let out8 = (sizes.out4 + 1u) / 2u;
  let index = group.y * sizes.groups_x + group.x;
  let b = index / out8 / tile_groups;
  if (b >= sizes.batch) { return; }
  let o = index % out8 * 2u;
  let high = min(o + 1u, sizes.out4 - 1u);
  if (DIRECT == 0u) {
    for (var k = local; k < 18u * sizes.in4; k += WORKGROUP) {
      filters[k] = load_filter(b, k / 2u % 9u, k / 18u, select(o, high, k % 2u == 1u));
    }
    workgroupBarrier();
  }
  let tile = (index / out8 % tile_groups) * WORKGROUP + local;
  if (tile >= tiles) { return; }
  let image = b * sizes.images + tile / (sizes.tiles_x * sizes.tiles_y);
  let oy = i32(tile / sizes.tiles_x % sizes.tiles_y) * 4;
  let ox = i32(tile % sizes.tiles_x) * 4;
  let iy = oy - sizes.pad_top;
  let at = columns_from(ox - sizes.pad_left);
  var s0: Quad;
  var s1: Quad;
  var s2: Quad;
  var s3: Quad;
  var t0: Quad;
  var t1: Quad;
  var t2: Quad;
  var t3: Quad;
  for (var q = 0u; q < sizes.in4; q++) {
    let r0 = load_row(image, iy, q, at);
    let r1 = load_row(image, iy + 1, q, at);
    let r2 = load_row(image, iy + 2, q, at);
    let r3 = load_row(image, iy + 3, q, at);
    let r4 = load_row(image, iy + 4, q, at);
    let r5 = load_row(image, iy + 5, q, at);
    var f: mat4x4f;
    f = filter_at(b, 0u, q, o, 0u);
    s0 = left(s0, f, r0);
    s1 = left(s1, f, r1);
    s2 = left(s2, f, r2);
    s3 = left(s3, f, r3);
    f = filter_at(b, 0u, q, high, 1u);
    t0 = left(t0, f, r0);
    t1 = left(t1, f, r1);
    t2 = left(t2, f, r2);
    t3 = left(t3, f, r3);
    f = filter_at(b, 1u, q, o, 0u);
    s0 = middle(s0, f, r0);
    s1 = middle(s1, f, r1);
    s2 = middle(s2, f, r2);
    s3 = middle(s3, f, r3);
    f = filter_at(b, 1u, q, high, 1u);
    t0 = middle(t0, f, r0);
    t1 = middle(t1, f, r1);
    t2 = middle(t2, f, r2);
    t3 = middle(t3, f, r3);
    f = filter_at(b, 2u, q, o, 0u);
    s0 = right(s0, f, r0);
    s1 = right(s1, f, r1);
    s2 = right(s2, f, r2);
    s3 = right(s3, f, r3);
    f = filter_at(b, 2u, q, high, 1u);
    t0 = right(t0, f, r0);
    t1 = right(t1, f, r1);
    t2 = right(t2, f, r2);
    t3 = right(t3, f, r3);
    f = filter_at(b, 3u, q, o, 0u);
    s0 = left(s0, f, r1);
    s1 = left(s1, f, r2);
    s2 = left(s2, f, r3);
    s3 = left(s3, f, r4);
    f = filter_at(b, 3u, q, high, 1u);
    t0 = left(t0, f, r1);
    t1 = left(t1, f, r2);
    t2 = left(t2, f, r3);
    t3 = left(t3, f, r4);
    f = filter_at(b, 4u, q, o, 0u);
    s0 = middle(s0, f, r1);
    s1 = middle(s1, f, r2);
    s2 = middle(s2, f, r3);
    s3 = middle(s3, f, r4);
    f = filter_at(b, 4u, q, high, 1u);
    t0 = middle(t0, f, r1);
    t1 = middle(t1, f, r2);
    t2 = middle(t2, f, r3);
    t3 = middle(t3, f, r4);
    f = filter_at(b, 5u, q, o, 0u);
    s0 = right(s0, f, r1);
    s1 = right(s1, f, r2);
    s2 = right(s2, f, r3);
    s3 = right(s3, f, r4);
    f = filter_at(b, 5u, q, high, 1u);
    t0 = right(t0, f, r1);
    t1 = right(t1, f, r2);
    t2 = right(t2, f, r3);
    t3 = right(t3, f, r4);
    f = filter_at(b, 6u, q, o, 0u);
    s0 = left(s0, f, r2);
    s1 = left(s1, f, r3);
    s2 = left(s2, f, r4);
    s3 = left(s3, f, r5);
    f = filter_at(b, 6u, q, high, 1u);
    t0 = left(t0, f, r2);
    t1 = left(t1, f, r3);
    t2 = left(t2, f, r4);
    t3 = left(t3, f, r5);
    f = filter_at(b, 7u, q, o, 0u);
    s0 = middle(s0, f, r2);
    s1 = middle(s1, f, r3);
    s2 = middle(s2, f, r4);
    s3 = middle(s3, f, r5);
    f = filter_at(b, 7u, q, high, 1u);
    t0 = middle(t0, f, r2);
    t1 = middle(t1, f, r3);
    t2 = middle(t2, f, r4);
    t3 = middle(t3, f, r5);
    f = filter_at(b, 8u, q, o, 0u);
    s0 = right(s0, f, r2);
    s1 = right(s1, f, r3);
    s2 = right(s2, f, r4);
    s3 = right(s3, f, r5);
    f = filter_at(b, 8u, q, high, 1u);
    t0 = right(t0, f, r2);
    t1 = right(t1, f, r3);
    t2 = right(t2, f, r4);
    t3 = right(t3, f, r5);
  }
  store_row(image, oy, ox, o, s0);
  store_row(image, oy + 1, ox, o, s1);
  store_row(image, oy + 2, ox, o, s2);
  store_row(image, oy + 3, ox, o, s3);
  if (o + 1u >= sizes.out4) { return; }
  store_row(image, oy, ox, o + 1u, t0);
  store_row(image, oy + 1, ox, o + 1u, t1);
  store_row(image, oy + 2, ox, o + 1u, t2);
  store_row(image, oy + 3, ox, o + 1u, t3);
}
