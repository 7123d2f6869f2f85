// Filter gradient of a convolution with filters of width 3 and stride 1, as partial sums.
//
//   partial[part, b, u, v, c, o] = sum over the rows (n, i) of the part and over j of
//     x[b, n, i + u - pad_top, j + v - pad_left, c] * dy[b, n, i, j, o]
//
// x: [batch, images, height, width, 4 in4]    dy: [batch, images, out_height, out_width, 4 out4]
// partial: [parts, batch, kernel_y, 3, 4 in4, 4 out4]
//
// An invocation computes one filter row u: 3 taps of 8 x 8 channels in registers, or of 4 x 16 with
// NARROW = 1, for images of few channels. It walks along the image rows and reads each pixel of x
// once for the three taps. A part has part_rows of the
// images * out_height rows; the lowering bounds part_rows * out_width, the number of loop iterations.

override WORKGROUP: u32;
override NARROW: u32;

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
  pad_top: i32,
  pad_left: i32,
  parts: u32,
  part_rows: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial_sums: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// Two vectors of channels of a pixel.
struct Pixel { lo: vec4f, hi: vec4f }

// Weights of a tap, as (input vector, output vector); column k of a matrix belongs to input channel
// k. With NARROW = 1 the input vectors are the same, and the second row has two more output vectors.
struct Tap { lo_lo: mat4x4f, lo_hi: mat4x4f, hi_lo: mat4x4f, hi_hi: mat4x4f }

fn load_x(row: u32, ix: i32, second: u32) -> Pixel {
  let at = row + u32(clamp(ix, 0, sizes.width - 1)) * sizes.in4;
  let inside = (ix >= 0) & (ix < sizes.width);
  return Pixel(select(vec4f(), x[at], inside), select(vec4f(), x[at + second], inside));
}

fn outer(value: vec4f, cotangent: vec4f) -> mat4x4f {
  return mat4x4f(
    cotangent * value.x, cotangent * value.y, cotangent * value.z, cotangent * value.w,
  );
}

fn add(s: Tap, value: Pixel, near: Pixel, far: Pixel) -> Tap {
  return Tap(
    s.lo_lo + outer(value.lo, near.lo), s.lo_hi + outer(value.lo, near.hi),
    s.hi_lo + outer(value.hi, far.lo), s.hi_hi + outer(value.hi, far.hi),
  );
}

fn store(at: u32, value: vec4f) {
  partial_sums[at] = value;
}

fn store_block(at: u32, value: mat4x4f) {
  store(at, value[0]);
  store(at + sizes.out4, value[1]);
  store(at + 2u * sizes.out4, value[2]);
  store(at + 3u * sizes.out4, value[3]);
}

fn store_tap(filter_tap: u32, c: u32, o: u32, s: Tap) {
  let at = (filter_tap * sizes.in4 + c) * 4u * sizes.out4 + o;
  let below = at + 4u * sizes.out4;
  store_block(at, s.lo_lo);
  if (o + 1u < sizes.out4) { store_block(at + 1u, s.lo_hi); }
  if (NARROW != 0u) {
    if (o + 2u < sizes.out4) { store_block(at + 2u, s.hi_lo); }
    if (o + 3u < sizes.out4) { store_block(at + 3u, s.hi_hi); }
  } else if (c + 1u < sizes.in4) {
    store_block(below, s.hi_lo);
    if (o + 1u < sizes.out4) { store_block(below + 1u, s.hi_hi); }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let wide_in = select(2u, 1u, NARROW != 0u);
  let wide_out = select(2u, 4u, NARROW != 0u);
  let in8 = (sizes.in4 + wide_in - 1u) / wide_in;
  let out8 = (sizes.out4 + wide_out - 1u) / wide_out;
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (index >= sizes.parts * sizes.batch * sizes.kernel_y * in8 * out8) { return; }
  let o = index % out8 * wide_out;
  let c = index / out8 % in8 * wide_in;
  let u = index / (out8 * in8) % sizes.kernel_y;
  let b = index / (out8 * in8 * sizes.kernel_y) % sizes.batch;
  let part = index / (out8 * in8 * sizes.kernel_y * sizes.batch);
  let second_o = select(0u, 1u, o + 1u < sizes.out4);
  let second_c = select(0u, 1u, NARROW == 0u && c + 1u < sizes.in4);
  let third_o = select(0u, 2u, o + 2u < sizes.out4);
  let fourth_o = select(0u, 3u, o + 3u < sizes.out4);
  var left: Tap;
  var middle: Tap;
  var right: Tap;
  let last = min((part + 1u) * sizes.part_rows, sizes.images * sizes.out_height);
  for (var row = part * sizes.part_rows; row < last; row++) {
    let iy = i32(row % sizes.out_height + u) - sizes.pad_top;
    if (iy < 0 || iy >= sizes.height) { continue; }
    let x_row = ((b * sizes.images + row / sizes.out_height) * u32(sizes.height) + u32(iy)) * u32(sizes.width) * sizes.in4 + c;
    var y_at = (b * sizes.images * sizes.out_height + row) * sizes.out_width * sizes.out4 + o;
    var x0 = load_x(x_row, -sizes.pad_left, second_c);
    var x1 = load_x(x_row, 1 - sizes.pad_left, second_c);
    for (var ox = 0; ox < i32(sizes.out_width); ox++) {
      let x2 = load_x(x_row, ox + 2 - sizes.pad_left, second_c);
      let near = Pixel(dy[y_at], dy[y_at + second_o]);
      var far = near;
      if (NARROW != 0u) { far = Pixel(dy[y_at + third_o], dy[y_at + fourth_o]); }
      left = add(left, x0, near, far);
      middle = add(middle, x1, near, far);
      right = add(right, x2, near, far);
      x0 = x1;
      x1 = x2;
      y_at += sizes.out4;
    }
  }
  let first_tap = ((part * sizes.batch + b) * sizes.kernel_y + u) * 3u;
  store_tap(first_tap, c, o, left);
  store_tap(first_tap + 1u, c, o, middle);
  store_tap(first_tap + 2u, c, o, right);
}
