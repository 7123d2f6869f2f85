// 3x3 convolution with stride 1. For adapters that compute many invocations at once and hide their loads
// behind each other.
//
//   y[b, n, i, j, o] =
//     sum over u, v, c of x[b, n, i + u - pad_top, j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 in4]    w: [batch, 3, 3, 4 in4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// An invocation computes 4x4 pixels of 4 channels in registers. Neighbours have neighbouring channels of
// the same pixels: they load the same pixels, and filters that lie side by side. A step of the loop is one
// row of the filter for 4 input channels, so that the code is short and little of it is in registers.

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
  tiles_x: u32,
  tiles_y: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// Four pixels of a row of the result.
struct Quad { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

// The three taps of a row of the filter. Column k of a matrix holds the weights of input channel
// 4 q + k for the output channels 4 o ...
struct Taps { left: mat4x4f, middle: mat4x4f, right: mat4x4f }

fn load(first: u32, ix: i32, row_inside: bool) -> vec4f {
  let inside = row_inside & (ix >= 0) & (ix < sizes.width);
  return select(vec4f(), x[first + u32(clamp(ix, 0, sizes.width - 1)) * sizes.in4], inside);
}

fn load_filter(b: u32, tap: u32, q: u32, o: u32) -> mat4x4f {
  let at = ((b * 9u + tap) * sizes.in4 + q) * 4u * sizes.out4 + o;
  return mat4x4f(w[at], w[at + sizes.out4], w[at + 2u * sizes.out4], w[at + 3u * sizes.out4]);
}

// Adds what row iy of the image gives, from column ix on.
fn add_row(s: Quad, t: Taps, image: u32, iy: i32, ix: i32, q: u32) -> Quad {
  let inside = (iy >= 0) & (iy < sizes.height);
  let row = image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1));
  let first = row * u32(sizes.width) * sizes.in4 + q;
  let a = load(first, ix, inside);
  let b = load(first, ix + 1, inside);
  let c = load(first, ix + 2, inside);
  let d = load(first, ix + 3, inside);
  let e = load(first, ix + 4, inside);
  let f = load(first, ix + 5, inside);
  return Quad(
    s.a + t.left * a + t.middle * b + t.right * c,
    s.b + t.left * b + t.middle * c + t.right * d,
    s.c + t.left * c + t.middle * d + t.right * e,
    s.d + t.left * d + t.middle * e + t.right * f,
  );
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
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  let o = index % sizes.out4;
  let tile = index / sizes.out4;
  let image = tile / (sizes.tiles_x * sizes.tiles_y);
  let b = image / sizes.images;
  if (b >= sizes.batch) { return; }
  let oy = i32(tile / sizes.tiles_x % sizes.tiles_y) * 4;
  let ox = i32(tile % sizes.tiles_x) * 4;
  let ix = ox - sizes.pad_left;
  var s0: Quad;
  var s1: Quad;
  var s2: Quad;
  var s3: Quad;
  for (var k = 0u; k < 3u * sizes.in4; k++) {
    let q = k / 3u;
    let u = k % 3u;
    let t = Taps(
      load_filter(b, 3u * u, q, o), load_filter(b, 3u * u + 1u, q, o), load_filter(b, 3u * u + 2u, q, o),
    );
    let iy = oy + i32(u) - sizes.pad_top;
    s0 = add_row(s0, t, image, iy, ix, q);
    s1 = add_row(s1, t, image, iy + 1, ix, q);
    s2 = add_row(s2, t, image, iy + 2, ix, q);
    s3 = add_row(s3, t, image, iy + 3, ix, q);
  }
  store_row(image, oy, ox, o, s0);
  store_row(image, oy + 1, ox, o, s1);
  store_row(image, oy + 2, ox, o, s2);
  store_row(image, oy + 3, ox, o, s3);
}
