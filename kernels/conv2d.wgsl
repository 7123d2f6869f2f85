// Convolution with any filter size and stride; also the input gradient at stride 1, with
// TRANSPOSED = 1.
//
//   y[b, n, i, j, o] = sum over u, v, c of
//     x[b, n, stride_y i + u - pad_top, stride_x j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 in4]    w: [batch, kernel_y, kernel_x, 4 in4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// TRANSPOSED = 1 reads w as [batch, kernel_y, kernel_x, 4 out4, 4 in4] with its taps in reverse
// order: the filters of the input gradient, when x is the cotangent.
//
// An invocation computes 8 pixels, consecutive over all images, of 8 channels in registers.

override TRANSPOSED: u32;
override WORKGROUP: u32;

struct Sizes {
  batch: u32,
  images: u32,
  height: i32,
  width: i32,
  out_height: u32,
  out_width: u32,
  in4: u32,
  out4: u32,
  kernel_y: u32,
  kernel_x: u32,
  stride_y: i32,
  stride_x: i32,
  pad_top: i32,
  pad_left: i32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// The first tap of an output pixel: its row, its column and its image in x.
struct Pixel { iy: i32, ix: i32, image: u32 }

// Where a tap lies in x, and whether it lies inside.
struct Place { at: u32, inside: bool }

// 8 output channels of one pixel.
struct Sum { lo: vec4f, hi: vec4f }

fn pixel(b: u32, p: u32) -> Pixel {
  let inside = min(p, sizes.images * sizes.out_height * sizes.out_width - 1u);
  let oy = i32(inside / sizes.out_width % sizes.out_height);
  let ox = i32(inside % sizes.out_width);
  let image = b * sizes.images + inside / (sizes.out_width * sizes.out_height);
  return Pixel(oy * sizes.stride_y - sizes.pad_top, ox * sizes.stride_x - sizes.pad_left, image);
}

fn place(p: Pixel, u: i32, v: i32) -> Place {
  let iy = p.iy + u;
  let ix = p.ix + v;
  let row = p.image * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1));
  let at = (row * u32(sizes.width) + u32(clamp(ix, 0, sizes.width - 1))) * sizes.in4;
  return Place(at, (iy >= 0) & (iy < sizes.height) & (ix >= 0) & (ix < sizes.width));
}

// Column k of the result holds the weights of input channel 4 q + k for the output channels 4 o ...
fn load_filter(b: u32, tap: u32, q: u32, o: u32) -> mat4x4f {
  let taps = sizes.kernel_y * sizes.kernel_x;
  if (TRANSPOSED != 0u) {
    let at = ((b * taps + taps - 1u - tap) * sizes.out4 + o) * 4u * sizes.in4 + q;
    return transpose(mat4x4f(w[at], w[at + sizes.in4], w[at + 2u * sizes.in4], w[at + 3u * sizes.in4]));
  }
  let at = ((b * taps + tap) * sizes.in4 + q) * 4u * sizes.out4 + o;
  return mat4x4f(w[at], w[at + sizes.out4], w[at + 2u * sizes.out4], w[at + 3u * sizes.out4]);
}

fn add(s: Sum, lo: mat4x4f, hi: mat4x4f, p: Place, q: u32) -> Sum {
  let value = select(vec4f(), x[p.at + q], p.inside);
  return Sum(s.lo + lo * value, s.hi + hi * value);
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

fn store_pixel(b: u32, p: u32, o: u32, s: Sum) {
  let pixels = sizes.images * sizes.out_height * sizes.out_width;
  if (p >= pixels) { return; }
  let at = (b * pixels + p) * sizes.out4 + o;
  store(at, s.lo);
  if (o + 1u < sizes.out4) { store(at + 1u, s.hi); }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tiles = (sizes.images * sizes.out_height * sizes.out_width + 7u) / 8u;
  let out8 = (sizes.out4 + 1u) / 2u;
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (index >= sizes.batch * tiles * out8) { return; }
  let o = index % out8 * 2u;
  let high = min(o + 1u, sizes.out4 - 1u);
  let p = index / out8 % tiles * 8u;
  let b = index / out8 / tiles;
  let p0 = pixel(b, p);
  let p1 = pixel(b, p + 1u);
  let p2 = pixel(b, p + 2u);
  let p3 = pixel(b, p + 3u);
  let p4 = pixel(b, p + 4u);
  let p5 = pixel(b, p + 5u);
  let p6 = pixel(b, p + 6u);
  let p7 = pixel(b, p + 7u);
  var s0: Sum;
  var s1: Sum;
  var s2: Sum;
  var s3: Sum;
  var s4: Sum;
  var s5: Sum;
  var s6: Sum;
  var s7: Sum;
  for (var tap = 0u; tap < sizes.kernel_y * sizes.kernel_x; tap++) {
    let u = i32(tap / sizes.kernel_x);
    let v = i32(tap % sizes.kernel_x);
    let a0 = place(p0, u, v);
    let a1 = place(p1, u, v);
    let a2 = place(p2, u, v);
    let a3 = place(p3, u, v);
    let a4 = place(p4, u, v);
    let a5 = place(p5, u, v);
    let a6 = place(p6, u, v);
    let a7 = place(p7, u, v);
    for (var q = 0u; q < sizes.in4; q++) {
      let lo = load_filter(b, tap, q, o);
      let hi = load_filter(b, tap, q, high);
      s0 = add(s0, lo, hi, a0, q);
      s1 = add(s1, lo, hi, a1, q);
      s2 = add(s2, lo, hi, a2, q);
      s3 = add(s3, lo, hi, a3, q);
      s4 = add(s4, lo, hi, a4, q);
      s5 = add(s5, lo, hi, a5, q);
      s6 = add(s6, lo, hi, a6, q);
      s7 = add(s7, lo, hi, a7, q);
    }
  }
  store_pixel(b, p, o, s0);
  store_pixel(b, p + 1u, o, s1);
  store_pixel(b, p + 2u, o, s2);
  store_pixel(b, p + 3u, o, s3);
  store_pixel(b, p + 4u, o, s4);
  store_pixel(b, p + 5u, o, s5);
  store_pixel(b, p + 6u, o, s6);
  store_pixel(b, p + 7u, o, s7);
}
