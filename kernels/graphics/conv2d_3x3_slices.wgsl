// 3x3 convolution with stride 1; also its input gradient, with TRANSPOSED = 1. For adapters that run many more
// invocations than there are tiles of 4x4 pixels: small images, few of them.
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
// An invocation computes 2x2 pixels of 4 channels from one of SLICES slices of the input channels: the vectors
// slice, slice + SLICES, ... A workgroup has 64 / SLICES tiles, and adds up their slices in order. Neighbours load
// filters that lie side by side: they have neighbouring output channels of the same slice, or if transposed
// neighbouring slices of the same tile.

override TRANSPOSED: u32;
override SLICES: u32;

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

// [4 pixels, slices, tiles], with room behind the tiles of a slice by which eight neighbours, whichever way they are
// numbered, store in different banks.
var<workgroup> sums: array<vec4f, 288>;

struct Row { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// 2x2 pixels, row by row.
struct Quad { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// One of the tiles: its first pixel, its image among all of them, and its channels.
struct Tile { oy: i32, ox: i32, image: u32, o: u32 }

fn tile_at(index: u32) -> Tile {
  let at = index / sizes.out4;
  return Tile(
    i32(at / sizes.tiles_x % sizes.tiles_y) * 2,
    i32(at % sizes.tiles_x) * 2,
    at / (sizes.tiles_x * sizes.tiles_y),
    index % sizes.out4,
  );
}

fn load(image: u32, iy: i32, ix: i32, q: u32) -> vec4f {
  let inside = (iy >= 0) & (iy < sizes.height) & (ix >= 0) & (ix < sizes.width);
  let row = image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1));
  let at = (row * u32(sizes.width) + u32(clamp(ix, 0, sizes.width - 1))) * sizes.in4 + q;
  return select(vec4f(), x[at], inside);
}

fn load_row(image: u32, iy: i32, ix: i32, q: u32) -> Row {
  return Row(
    load(image, iy, ix, q), load(image, iy, ix + 1, q),
    load(image, iy, ix + 2, q), load(image, iy, ix + 3, q),
  );
}

// Column k of the result holds the weights of input channel 4 q + k for the output channels 4 o ...
fn load_filter(b: u32, tap: u32, q: u32, o: u32) -> mat4x4f {
  if (TRANSPOSED != 0u) {
    let at = ((b * 9u + 8u - tap) * sizes.out4 + o) * 4u * sizes.in4 + q;
    return transpose(mat4x4f(w[at], w[at + sizes.in4], w[at + 2u * sizes.in4], w[at + 3u * sizes.in4]));
  }
  let at = ((b * 9u + tap) * sizes.in4 + q) * 4u * sizes.out4 + o;
  return mat4x4f(w[at], w[at + sizes.out4], w[at + 2u * sizes.out4], w[at + 3u * sizes.out4]);
}

// Adds the three taps of one row of the filter, which meet the rows p and r of x.
fn add_taps(s: Quad, b: u32, tap: u32, q: u32, o: u32, p: Row, r: Row) -> Quad {
  let f = load_filter(b, tap, q, o);
  let g = load_filter(b, tap + 1u, q, o);
  let h = load_filter(b, tap + 2u, q, o);
  return Quad(
    s.a + f * p.a + g * p.b + h * p.c,
    s.b + f * p.b + g * p.c + h * p.d,
    s.c + f * r.a + g * r.b + h * r.c,
    s.d + f * r.b + g * r.c + h * r.d,
  );
}

fn place(pixel: u32, slice: u32, tile: u32) -> u32 {
  return pixel * 72u + slice * (72u / SLICES) + tile;
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

fn store_pixel(t: Tile, oy: i32, ox: i32, value: vec4f) {
  if (oy >= sizes.out_height || ox >= sizes.out_width) { return; }
  let row = t.image * u32(sizes.out_height) + u32(oy);
  store((row * u32(sizes.out_width) + u32(ox)) * sizes.out4 + t.o, value);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let here = 64u / SLICES;
  let first = (group.y * sizes.groups_x + group.x) * here;
  let tiles = sizes.batch * sizes.images * sizes.tiles_x * sizes.tiles_y * sizes.out4;
  let slice = select(local / here, local % SLICES, TRANSPOSED != 0u);
  let tile = select(local % here, local / SLICES, TRANSPOSED != 0u);
  // Invocations past the last tile compute it again, for nothing.
  let t = tile_at(min(first + tile, tiles - 1u));
  let b = t.image / sizes.images;
  let iy = t.oy - sizes.pad_top;
  let ix = t.ox - sizes.pad_left;
  var s: Quad;
  for (var q = slice; q < sizes.in4; q += SLICES) {
    let r0 = load_row(t.image, iy, ix, q);
    let r1 = load_row(t.image, iy + 1, ix, q);
    let r2 = load_row(t.image, iy + 2, ix, q);
    let r3 = load_row(t.image, iy + 3, ix, q);
    s = add_taps(s, b, 0u, q, t.o, r0, r1);
    s = add_taps(s, b, 3u, q, t.o, r1, r2);
    s = add_taps(s, b, 6u, q, t.o, r2, r3);
  }
  if (SLICES == 1u) {
    if (first + local < tiles) {
      store_pixel(t, t.oy, t.ox, s.a);
      store_pixel(t, t.oy, t.ox + 1, s.b);
      store_pixel(t, t.oy + 1, t.ox, s.c);
      store_pixel(t, t.oy + 1, t.ox + 1, s.d);
    }
    return;
  }
  sums[place(0u, slice, tile)] = s.a;
  sums[place(1u, slice, tile)] = s.b;
  sums[place(2u, slice, tile)] = s.c;
  sums[place(3u, slice, tile)] = s.d;
  workgroupBarrier();
  for (var k = local; k < 4u * here; k += 64u) {
    let pixel = k / here;
    let at = first + k % here;
    if (at >= tiles) { continue; }
    var sum = vec4f();
    for (var p = 0u; p < SLICES; p++) { sum += sums[place(pixel, p, k % here)]; }
    let done = tile_at(at);
    store_pixel(done, done.oy + i32(pixel / 2u), done.ox + i32(pixel % 2u), sum);
  }
}
