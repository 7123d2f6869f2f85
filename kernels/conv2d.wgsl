// Convolution with any filter size and stride; also the input gradient at stride 1, with
// TRANSPOSED = 1.
//
//   y[b, n, i, j, o] = sum over u, v, c of
//     x[b, n, STRIDE_Y i + u - PAD_TOP, STRIDE_X j + v - PAD_LEFT, c] * w[b, u, v, c, o]
//
// x: [BATCH, IMAGES, HEIGHT, WIDTH, 4 IN4]    w: [BATCH, KERNEL_Y, KERNEL_X, 4 IN4, 4 OUT4]
// y: [BATCH, IMAGES, OUT_HEIGHT, OUT_WIDTH, 4 OUT4]
//
// TRANSPOSED = 1 reads w as [BATCH, KERNEL_Y, KERNEL_X, 4 OUT4, 4 IN4] with its taps in reverse
// order: the filters of the input gradient, when x is the cotangent.
//
// An invocation computes 8 pixels, consecutive over all images, of 8 channels in registers.

override BATCH: u32;
override IMAGES: u32;
override HEIGHT: i32;
override WIDTH: i32;
override OUT_HEIGHT: u32;
override OUT_WIDTH: u32;
override IN4: u32;
override OUT4: u32;
override KERNEL_Y: u32;
override KERNEL_X: u32;
override STRIDE_Y: i32;
override STRIDE_X: i32;
override PAD_TOP: i32;
override PAD_LEFT: i32;
override TRANSPOSED: u32;
override WORKGROUP: u32;
override GROUPS_X: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

// The first tap of an output pixel: its row, its column and its image in x.
struct Pixel { iy: i32, ix: i32, image: u32 }

// Where a tap lies in x, and whether it lies inside.
struct Place { at: u32, inside: bool }

// 8 output channels of one pixel.
struct Sum { lo: vec4f, hi: vec4f }

fn pixel(b: u32, p: u32) -> Pixel {
  let inside = min(p, IMAGES * OUT_HEIGHT * OUT_WIDTH - 1u);
  let oy = i32(inside / OUT_WIDTH % OUT_HEIGHT);
  let ox = i32(inside % OUT_WIDTH);
  let image = b * IMAGES + inside / (OUT_WIDTH * OUT_HEIGHT);
  return Pixel(oy * STRIDE_Y - PAD_TOP, ox * STRIDE_X - PAD_LEFT, image);
}

fn place(p: Pixel, u: i32, v: i32) -> Place {
  let iy = p.iy + u;
  let ix = p.ix + v;
  let row = p.image * u32(HEIGHT) + u32(clamp(iy, 0, HEIGHT - 1));
  let at = (row * u32(WIDTH) + u32(clamp(ix, 0, WIDTH - 1))) * IN4;
  return Place(at, iy >= 0 && iy < HEIGHT && ix >= 0 && ix < WIDTH);
}

// Column k of the result holds the weights of input channel 4 q + k for the output channels 4 o ...
fn load_filter(b: u32, tap: u32, q: u32, o: u32) -> mat4x4f {
  let taps = KERNEL_Y * KERNEL_X;
  if (TRANSPOSED != 0u) {
    let at = ((b * taps + taps - 1u - tap) * OUT4 + o) * 4u * IN4 + q;
    return transpose(mat4x4f(w[at], w[at + IN4], w[at + 2u * IN4], w[at + 3u * IN4]));
  }
  let at = ((b * taps + tap) * IN4 + q) * 4u * OUT4 + o;
  return mat4x4f(w[at], w[at + OUT4], w[at + 2u * OUT4], w[at + 3u * OUT4]);
}

fn add(s: Sum, lo: mat4x4f, hi: mat4x4f, p: Place, q: u32) -> Sum {
  let value = select(vec4f(), x[p.at + q], p.inside);
  return Sum(s.lo + lo * value, s.hi + hi * value);
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

fn store_pixel(b: u32, p: u32, o: u32, s: Sum) {
  let pixels = IMAGES * OUT_HEIGHT * OUT_WIDTH;
  if (p >= pixels) { return; }
  let at = (b * pixels + p) * OUT4 + o;
  store(at, s.lo);
  if (o + 1u < OUT4) { store(at + 1u, s.hi); }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let tiles = (IMAGES * OUT_HEIGHT * OUT_WIDTH + 7u) / 8u;
  let out8 = (OUT4 + 1u) / 2u;
  let index = (group.y * GROUPS_X + group.x) * WORKGROUP + local;
  if (index >= BATCH * tiles * out8) { return; }
  let o = index % out8 * 2u;
  let high = min(o + 1u, OUT4 - 1u);
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
  for (var tap = 0u; tap < KERNEL_Y * KERNEL_X; tap++) {
    let u = i32(tap / KERNEL_X);
    let v = i32(tap % KERNEL_X);
    let a0 = place(p0, u, v);
    let a1 = place(p1, u, v);
    let a2 = place(p2, u, v);
    let a3 = place(p3, u, v);
    let a4 = place(p4, u, v);
    let a5 = place(p5, u, v);
    let a6 = place(p6, u, v);
    let a7 = place(p7, u, v);
    for (var q = 0u; q < IN4; q++) {
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
