// Filter gradient of a convolution with any filter size and stride, as partial sums.
//
//   partial[part, b, u, v, c, o] = sum over the pixels (n, i, j) of the part of
//     x[b, n, STRIDE_Y i + u - PAD_TOP, STRIDE_X j + v - PAD_LEFT, c] * dy[b, n, i, j, o]
//
// x: [BATCH, IMAGES, HEIGHT, WIDTH, 4 IN4]    dy: [BATCH, IMAGES, OUT_HEIGHT, OUT_WIDTH, 4 OUT4]
// partial: [PARTS, BATCH, KERNEL_Y, KERNEL_X, 4 IN4, 4 OUT4]
//
// An invocation computes 8 x 8 channels of one tap in registers. A part has PART_ROWS of the
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
override KERNEL_X: u32;
override STRIDE_Y: u32;
override STRIDE_X: u32;
override PAD_TOP: i32;
override PAD_LEFT: i32;
override PARTS: u32;
override PART_ROWS: u32;
override WORKGROUP: u32;
override GROUPS_X: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial_sums: array<vec4f>;

fn outer(value: vec4f, cotangent: vec4f) -> mat4x4f {
  return mat4x4f(
    cotangent * value.x, cotangent * value.y, cotangent * value.z, cotangent * value.w,
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

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let in8 = (IN4 + 1u) / 2u;
  let out8 = (OUT4 + 1u) / 2u;
  let taps = KERNEL_Y * KERNEL_X;
  let index = (group.y * GROUPS_X + group.x) * WORKGROUP + local;
  if (index >= PARTS * BATCH * taps * in8 * out8) { return; }
  let o = index % out8 * 2u;
  let c = index / out8 % in8 * 2u;
  let tap = index / (out8 * in8) % taps;
  let b = index / (out8 * in8 * taps) % BATCH;
  let part = index / (out8 * in8 * taps * BATCH);
  let second_o = select(0u, 1u, o + 1u < OUT4);
  let second_c = select(0u, 1u, c + 1u < IN4);
  var lo_lo: mat4x4f;
  var lo_hi: mat4x4f;
  var hi_lo: mat4x4f;
  var hi_hi: mat4x4f;
  let last = min((part + 1u) * PART_ROWS, IMAGES * OUT_HEIGHT);
  for (var row = part * PART_ROWS; row < last; row++) {
    let iy = i32(row % OUT_HEIGHT * STRIDE_Y + tap / KERNEL_X) - PAD_TOP;
    if (iy < 0 || iy >= HEIGHT) { continue; }
    let x_row = ((b * IMAGES + row / OUT_HEIGHT) * u32(HEIGHT) + u32(iy)) * u32(WIDTH) * IN4 + c;
    let y_row = (b * IMAGES * OUT_HEIGHT + row) * OUT_WIDTH * OUT4 + o;
    for (var ox = 0u; ox < OUT_WIDTH; ox++) {
      let ix = i32(ox * STRIDE_X + tap % KERNEL_X) - PAD_LEFT;
      let inside = ix >= 0 && ix < WIDTH;
      let x_at = x_row + u32(clamp(ix, 0, WIDTH - 1)) * IN4;
      let lo = select(vec4f(), x[x_at], inside);
      let hi = select(vec4f(), x[x_at + second_c], inside);
      let y_lo = dy[y_row + ox * OUT4];
      let y_hi = dy[y_row + ox * OUT4 + second_o];
      lo_lo += outer(lo, y_lo);
      lo_hi += outer(lo, y_hi);
      hi_lo += outer(hi, y_lo);
      hi_hi += outer(hi, y_hi);
    }
  }
  let at = (((part * BATCH + b) * taps + tap) * IN4 + c) * 4u * OUT4 + o;
  let below = at + 4u * OUT4;
  store_block(at, lo_lo);
  if (o + 1u < OUT4) { store_block(at + 1u, lo_hi); }
  if (c + 1u < IN4) {
    store_block(below, hi_lo);
    if (o + 1u < OUT4) { store_block(below + 1u, hi_hi); }
  }
}
