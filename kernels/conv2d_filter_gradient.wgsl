// Filter gradient of a convolution with any filter size and stride, as partial sums.
//
//   partial[part, b, u, v, c, o] = sum over the pixels (n, i, j) of the part of
//     x[b, n, stride_y i + u - pad_top, stride_x j + v - pad_left, c] * dy[b, n, i, j, o]
//
// x: [batch, images, height, width, 4 in4]    dy: [batch, images, out_height, out_width, 4 out4]
// partial: [parts, batch, kernel_y, kernel_x, 4 in4, 4 out4]
//
// An invocation computes 8 x 8 channels of one tap in registers. A part has part_rows of the
// images * out_height rows; the lowering bounds part_rows * out_width, the number of loop iterations.

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
  stride_y: u32,
  stride_x: u32,
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
  store(at + sizes.out4, value[1]);
  store(at + 2u * sizes.out4, value[2]);
  store(at + 3u * sizes.out4, value[3]);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let in8 = (sizes.in4 + 1u) / 2u;
  let out8 = (sizes.out4 + 1u) / 2u;
  let taps = sizes.kernel_y * sizes.kernel_x;
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (index >= sizes.parts * sizes.batch * taps * in8 * out8) { return; }
  let o = index % out8 * 2u;
  let c = index / out8 % in8 * 2u;
  let tap = index / (out8 * in8) % taps;
  let b = index / (out8 * in8 * taps) % sizes.batch;
  let part = index / (out8 * in8 * taps * sizes.batch);
  let second_o = select(0u, 1u, o + 1u < sizes.out4);
  let second_c = select(0u, 1u, c + 1u < sizes.in4);
  var lo_lo: mat4x4f;
  var lo_hi: mat4x4f;
  var hi_lo: mat4x4f;
  var hi_hi: mat4x4f;
  let last = min((part + 1u) * sizes.part_rows, sizes.images * sizes.out_height);
  for (var row = part * sizes.part_rows; row < last; row++) {
    let iy = i32(row % sizes.out_height * sizes.stride_y + tap / sizes.kernel_x) - sizes.pad_top;
    if (iy < 0 || iy >= sizes.height) { continue; }
    let x_row = ((b * sizes.images + row / sizes.out_height) * u32(sizes.height) + u32(iy)) * u32(sizes.width) * sizes.in4 + c;
    let y_row = (b * sizes.images * sizes.out_height + row) * sizes.out_width * sizes.out4 + o;
    for (var ox = 0u; ox < sizes.out_width; ox++) {
      let ix = i32(ox * sizes.stride_x + tap % sizes.kernel_x) - sizes.pad_left;
      let inside = (ix >= 0) & (ix < sizes.width);
      let x_at = x_row + u32(clamp(ix, 0, sizes.width - 1)) * sizes.in4;
      let lo = select(vec4f(), x[x_at], inside);
      let hi = select(vec4f(), x[x_at + second_c], inside);
      let y_lo = dy[y_row + ox * sizes.out4];
      let y_hi = dy[y_row + ox * sizes.out4 + second_o];
      lo_lo += outer(lo, y_lo);
      lo_hi += outer(lo, y_hi);
      hi_lo += outer(hi, y_lo);
      hi_hi += outer(hi, y_hi);
    }
  }
  let at = (((part * sizes.batch + b) * taps + tap) * sizes.in4 + c) * 4u * sizes.out4 + o;
  let below = at + 4u * sizes.out4;
  store_block(at, lo_lo);
  if (o + 1u < sizes.out4) { store_block(at + 1u, lo_hi); }
  if (c + 1u < sizes.in4) {
    store_block(below, hi_lo);
    if (o + 1u < sizes.out4) { store_block(below + 1u, hi_hi); }
  }
}
