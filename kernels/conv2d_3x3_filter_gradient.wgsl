// Filter gradient of a convolution with filters of width 3 and stride 1, as partial sums.
//
//   partial[part, b, u, v, c, o] = sum over the rows (n, i) of the part and over j of
//     x[b, n, i + u - PAD_TOP, j + v - PAD_LEFT, c] * dy[b, n, i, j, o]
//
// x: [BATCH, IMAGES, HEIGHT, WIDTH, 4 IN4]    dy: [BATCH, IMAGES, OUT_HEIGHT, OUT_WIDTH, 4 OUT4]
// partial: [PARTS, BATCH, KERNEL_Y, 3, 4 IN4, 4 OUT4]
//
// An invocation computes one filter row u: 3 taps of 8 x 8 channels in registers. It walks along the
// image rows and reads each pixel of x once for the three taps. A part has PART_ROWS of the
// IMAGES * OUT_HEIGHT rows; the lowering bounds PART_ROWS * OUT_WIDTH, the number of loop iterations.

override BATCH: u32;
override IMAGES: u32;
override HEIGHT: i32;
override WIDTH: i32;
override OUT_HEIGHT: u32;
override OUT_WIDTH: u32;
override IN4: u32;
override OUT4: u32;
override KERNEL_Y: u32;
override PAD_TOP: i32;
override PAD_LEFT: i32;
override PARTS: u32;
override PART_ROWS: u32;
override WORKGROUP: u32;
override GROUPS_X: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial_sums: array<vec4f>;

// 8 channels of a pixel.
struct Pixel { lo: vec4f, hi: vec4f }

// 8 x 8 weights of a tap; column k of a matrix belongs to input channel k.
struct Tap { lo_lo: mat4x4f, lo_hi: mat4x4f, hi_lo: mat4x4f, hi_hi: mat4x4f }

fn load_x(row: u32, ix: i32, second: u32) -> Pixel {
  let at = row + u32(clamp(ix, 0, WIDTH - 1)) * IN4;
  let inside = ix >= 0 && ix < WIDTH;
  return Pixel(select(vec4f(), x[at], inside), select(vec4f(), x[at + second], inside));
}

fn outer(value: vec4f, cotangent: vec4f) -> mat4x4f {
  return mat4x4f(
    cotangent * value.x, cotangent * value.y, cotangent * value.z, cotangent * value.w,
  );
}

fn add(s: Tap, value: Pixel, cotangent: Pixel) -> Tap {
  return Tap(
    s.lo_lo + outer(value.lo, cotangent.lo), s.lo_hi + outer(value.lo, cotangent.hi),
    s.hi_lo + outer(value.hi, cotangent.lo), s.hi_hi + outer(value.hi, cotangent.hi),
  );
}

fn store(at: u32, value: vec4f) {
  partial_sums[at] = value;
}

fn store_block(at: u32, value: mat4x4f) {
  store(at, value[0]);
  store(at + OUT4, value[1]);
  store(at + 2u * OUT4, value[2]);
  store(at + 3u * OUT4, value[3]);
}

fn store_tap(filter_tap: u32, c: u32, o: u32, s: Tap) {
  let at = (filter_tap * IN4 + c) * 4u * OUT4 + o;
  let below = at + 4u * OUT4;
  store_block(at, s.lo_lo);
  if (o + 1u < OUT4) { store_block(at + 1u, s.lo_hi); }
  if (c + 1u < IN4) {
    store_block(below, s.hi_lo);
    if (o + 1u < OUT4) { store_block(below + 1u, s.hi_hi); }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let in8 = (IN4 + 1u) / 2u;
  let out8 = (OUT4 + 1u) / 2u;
  let index = (group.y * GROUPS_X + group.x) * WORKGROUP + local;
  if (index >= PARTS * BATCH * KERNEL_Y * in8 * out8) { return; }
  let o = index % out8 * 2u;
  let c = index / out8 % in8 * 2u;
  let u = index / (out8 * in8) % KERNEL_Y;
  let b = index / (out8 * in8 * KERNEL_Y) % BATCH;
  let part = index / (out8 * in8 * KERNEL_Y * BATCH);
  let second_o = select(0u, 1u, o + 1u < OUT4);
  let second_c = select(0u, 1u, c + 1u < IN4);
  var left: Tap;
  var middle: Tap;
  var right: Tap;
  let last = min((part + 1u) * PART_ROWS, IMAGES * OUT_HEIGHT);
  for (var row = part * PART_ROWS; row < last; row++) {
    let iy = i32(row % OUT_HEIGHT + u) - PAD_TOP;
    if (iy < 0 || iy >= HEIGHT) { continue; }
    let x_row = ((b * IMAGES + row / OUT_HEIGHT) * u32(HEIGHT) + u32(iy)) * u32(WIDTH) * IN4 + c;
    var y_at = (b * IMAGES * OUT_HEIGHT + row) * OUT_WIDTH * OUT4 + o;
    var x0 = load_x(x_row, -PAD_LEFT, second_c);
    var x1 = load_x(x_row, 1 - PAD_LEFT, second_c);
    for (var ox = 0; ox < i32(OUT_WIDTH); ox++) {
      let x2 = load_x(x_row, ox + 2 - PAD_LEFT, second_c);
      let cotangent = Pixel(dy[y_at], dy[y_at + second_o]);
      left = add(left, x0, cotangent);
      middle = add(middle, x1, cotangent);
      right = add(right, x2, cotangent);
      x0 = x1;
      x1 = x2;
      y_at += OUT4;
    }
  }
  let first_tap = ((part * BATCH + b) * KERNEL_Y + u) * 3u;
  store_tap(first_tap, c, o, left);
  store_tap(first_tap + 1u, c, o, middle);
  store_tap(first_tap + 2u, c, o, right);
}
