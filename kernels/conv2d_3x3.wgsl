// 3x3 convolution with stride 1; also its input gradient, with TRANSPOSED = 1.
//
//   y[b, n, i, j, o] = sum over u, v, c of x[b, n, i + u - PAD_TOP, j + v - PAD_LEFT, c] * w[b, u, v, c, o]
//
// x: [BATCH, IMAGES, HEIGHT, WIDTH, 4 IN4]    w: [BATCH, 3, 3, 4 IN4, 4 OUT4]
// y: [BATCH, IMAGES, OUT_HEIGHT, OUT_WIDTH, 4 OUT4]
//
// TRANSPOSED = 1 reads w as [BATCH, 3, 3, 4 OUT4, 4 IN4] with its taps in reverse order: the filters
// of the input gradient, when x is the cotangent.
//
// An invocation computes 4x4 pixels of 4 channels in registers. All invocations of a workgroup share
// b and the 4 channels, whose filters they keep in workgroup memory, CHUNK4 input vectors at a time.

override BATCH: u32;
override IMAGES: u32;
override HEIGHT: i32;
override WIDTH: i32;
override OUT_HEIGHT: i32;
override OUT_WIDTH: i32;
override IN4: u32;
override OUT4: u32;
override PAD_TOP: i32;
override PAD_LEFT: i32;
override TRANSPOSED: u32;
override TILES_X: u32;
override TILES_Y: u32;
override CHUNK4: u32;
override WORKGROUP: u32;
override GROUPS_X: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

var<workgroup> filters: array<mat4x4f, 9u * CHUNK4>;

struct Quad { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

struct Row { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f }

struct Columns {
  a: u32, b: u32, c: u32, d: u32, e: u32, f: u32,
  in_a: bool, in_b: bool, in_c: bool, in_d: bool, in_e: bool, in_f: bool,
}

fn column_offset(ix: i32) -> u32 {
  return u32(clamp(ix, 0, WIDTH - 1)) * IN4;
}

fn is_column(ix: i32) -> bool {
  return ix >= 0 && ix < WIDTH;
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
  let inside = iy >= 0 && iy < HEIGHT;
  let first = (image * u32(HEIGHT) + u32(clamp(iy, 0, HEIGHT - 1))) * u32(WIDTH) * IN4 + q;
  return Row(
    load(first + at.a, inside && at.in_a), load(first + at.b, inside && at.in_b),
    load(first + at.c, inside && at.in_c), load(first + at.d, inside && at.in_d),
    load(first + at.e, inside && at.in_e), load(first + at.f, inside && at.in_f),
  );
}

// Column k of the result holds the weights of input channel 4 q + k for the output channels 4 o ...
fn load_filter(b: u32, tap: u32, q: u32, o: u32) -> mat4x4f {
  if (TRANSPOSED != 0u) {
    let at = ((b * 9u + 8u - tap) * OUT4 + o) * 4u * IN4 + q;
    return transpose(mat4x4f(w[at], w[at + IN4], w[at + 2u * IN4], w[at + 3u * IN4]));
  }
  let at = ((b * 9u + tap) * IN4 + q) * 4u * OUT4 + o;
  return mat4x4f(w[at], w[at + OUT4], w[at + 2u * OUT4], w[at + 3u * OUT4]);
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
  if (oy >= OUT_HEIGHT) { return; }
  let at = ((image * u32(OUT_HEIGHT) + u32(oy)) * u32(OUT_WIDTH) + u32(ox)) * OUT4 + o;
  store(at, s.a);
  if (ox + 1 < OUT_WIDTH) { store(at + OUT4, s.b); }
  if (ox + 2 < OUT_WIDTH) { store(at + 2u * OUT4, s.c); }
  if (ox + 3 < OUT_WIDTH) { store(at + 3u * OUT4, s.d); }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let tiles = IMAGES * TILES_Y * TILES_X;
  let tile_groups = (tiles + WORKGROUP - 1u) / WORKGROUP;
  let index = group.y * GROUPS_X + group.x;
  let o = index % OUT4;
  let b = index / OUT4 / tile_groups;
  if (b >= BATCH) { return; }
  let tile = (index / OUT4 % tile_groups) * WORKGROUP + local;
  let image = b * IMAGES + tile / (TILES_X * TILES_Y);
  let oy = i32(tile / TILES_X % TILES_Y) * 4;
  let ox = i32(tile % TILES_X) * 4;
  let iy = oy - PAD_TOP;
  let at = columns_from(ox - PAD_LEFT);
  var s0: Quad;
  var s1: Quad;
  var s2: Quad;
  var s3: Quad;
  for (var chunk = 0u; chunk < IN4; chunk += CHUNK4) {
    if (chunk > 0u) { workgroupBarrier(); }
    for (var k = local; k < 9u * CHUNK4; k += WORKGROUP) {
      filters[k] = load_filter(b, k / CHUNK4, min(chunk + k % CHUNK4, IN4 - 1u), o);
    }
    workgroupBarrier();
    let count = select(0u, min(CHUNK4, IN4 - chunk), tile < tiles);
    for (var q = 0u; q < count; q++) {
      let r0 = load_row(image, iy, chunk + q, at);
      let r1 = load_row(image, iy + 1, chunk + q, at);
      let r2 = load_row(image, iy + 2, chunk + q, at);
      let r3 = load_row(image, iy + 3, chunk + q, at);
      let r4 = load_row(image, iy + 4, chunk + q, at);
      let r5 = load_row(image, iy + 5, chunk + q, at);
      var f = filters[q];
      s0 = left(s0, f, r0);
      s1 = left(s1, f, r1);
      s2 = left(s2, f, r2);
      s3 = left(s3, f, r3);
      f = filters[CHUNK4 + q];
      s0 = middle(s0, f, r0);
      s1 = middle(s1, f, r1);
      s2 = middle(s2, f, r2);
      s3 = middle(s3, f, r3);
      f = filters[2u * CHUNK4 + q];
      s0 = right(s0, f, r0);
      s1 = right(s1, f, r1);
      s2 = right(s2, f, r2);
      s3 = right(s3, f, r3);
      f = filters[3u * CHUNK4 + q];
      s0 = left(s0, f, r1);
      s1 = left(s1, f, r2);
      s2 = left(s2, f, r3);
      s3 = left(s3, f, r4);
      f = filters[4u * CHUNK4 + q];
      s0 = middle(s0, f, r1);
      s1 = middle(s1, f, r2);
      s2 = middle(s2, f, r3);
      s3 = middle(s3, f, r4);
      f = filters[5u * CHUNK4 + q];
      s0 = right(s0, f, r1);
      s1 = right(s1, f, r2);
      s2 = right(s2, f, r3);
      s3 = right(s3, f, r4);
      f = filters[6u * CHUNK4 + q];
      s0 = left(s0, f, r2);
      s1 = left(s1, f, r3);
      s2 = left(s2, f, r4);
      s3 = left(s3, f, r5);
      f = filters[7u * CHUNK4 + q];
      s0 = middle(s0, f, r2);
      s1 = middle(s1, f, r3);
      s2 = middle(s2, f, r4);
      s3 = middle(s3, f, r5);
      f = filters[8u * CHUNK4 + q];
      s0 = right(s0, f, r2);
      s1 = right(s1, f, r3);
      s2 = right(s2, f, r4);
      s3 = right(s3, f, r5);
    }
  }
  if (tile >= tiles) { return; }
  store_row(image, oy, ox, o, s0);
  store_row(image, oy + 1, ox, o, s1);
  store_row(image, oy + 2, ox, o, s2);
  store_row(image, oy + 3, ox, o, s3);
}
