// Filter gradient of a convolution with filters of width 3 and stride 1, as partial sums. For adapters that
// compute many invocations at once and hide their loads behind each other.
//
//   partial[part, b, u, v, c, o] = sum over the rows (n, i) of the part and over j of
//     x[b, n, i + u - pad_top, j + v - pad_left, c] * dy[b, n, i, j, o]
//
// x: [batch, images, height, width, 4 in4]    dy: [batch, images, out_height, out_width, 4 out4]
// partial: [parts, batch, kernel_y, 3, 4 in4, 4 out4]
//
// An invocation computes one filter row u: 3 taps of 4x4 channels, a pair of vectors. Neighbours have
// neighbouring output channels of the same pixels. It walks along the image rows, four columns at a step,
// whose loads do not wait for each other.

override WORKGROUP: u32;

struct Sizes {
  batch: u32,
  images: u32,
  height: i32,
  width: i32,
  out_height: u32,
  out_width: i32,
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

// Column k of a matrix belongs to input channel k.
struct Taps { left: mat4x4f, middle: mat4x4f, right: mat4x4f }

fn load_x(row: u32, ix: i32) -> vec4f {
  let inside = (ix >= 0) & (ix < sizes.width);
  return select(vec4f(), x[row + u32(clamp(ix, 0, sizes.width - 1)) * sizes.in4], inside);
}

fn load_dy(row: u32, ox: i32) -> vec4f {
  return dy[row + u32(min(ox, sizes.out_width - 1)) * sizes.out4];
}

fn outer(value: vec4f, cotangent: vec4f) -> mat4x4f {
  return mat4x4f(
    cotangent * value.x, cotangent * value.y, cotangent * value.z, cotangent * value.w,
  );
}

fn add(s: Taps, a: vec4f, b: vec4f, c: vec4f, cotangent: vec4f) -> Taps {
  return Taps(s.left + outer(a, cotangent), s.middle + outer(b, cotangent), s.right + outer(c, cotangent));
}

fn store(at: u32, value: vec4f) {
  partial_sums[at] = value;
}

fn store_tap(tap: u32, c: u32, o: u32, value: mat4x4f) {
  let at = (tap * sizes.in4 + c) * 4u * sizes.out4 + o;
  store(at, value[0]);
  store(at + sizes.out4, value[1]);
  store(at + 2u * sizes.out4, value[2]);
  store(at + 3u * sizes.out4, value[3]);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (index >= sizes.parts * sizes.batch * sizes.kernel_y * sizes.in4 * sizes.out4) { return; }
  let o = index % sizes.out4;
  let c = index / sizes.out4 % sizes.in4;
  let u = index / (sizes.out4 * sizes.in4) % sizes.kernel_y;
  let b = index / (sizes.out4 * sizes.in4 * sizes.kernel_y) % sizes.batch;
  let part = index / (sizes.out4 * sizes.in4 * sizes.kernel_y * sizes.batch);
  var s: Taps;
  let last = min((part + 1u) * sizes.part_rows, sizes.images * sizes.out_height);
  for (var row = part * sizes.part_rows; row < last; row++) {
    let iy = i32(row % sizes.out_height + u) - sizes.pad_top;
    if (iy < 0 || iy >= sizes.height) { continue; }
    let image = b * sizes.images + row / sizes.out_height;
    let x_row = (image * u32(sizes.height) + u32(iy)) * u32(sizes.width) * sizes.in4 + c;
    let dy_row = (b * sizes.images * sizes.out_height + row) * u32(sizes.out_width) * sizes.out4 + o;
    var x0 = load_x(x_row, -sizes.pad_left);
    var x1 = load_x(x_row, 1 - sizes.pad_left);
    for (var ox = 0; ox < sizes.out_width; ox += 4) {
      let ix = ox + 2 - sizes.pad_left;
      let x2 = load_x(x_row, ix);
      let x3 = load_x(x_row, ix + 1);
      let x4 = load_x(x_row, ix + 2);
      let x5 = load_x(x_row, ix + 3);
      let dy0 = load_dy(dy_row, ox);
      let dy1 = load_dy(dy_row, ox + 1);
      let dy2 = load_dy(dy_row, ox + 2);
      let dy3 = load_dy(dy_row, ox + 3);
      s = add(s, x0, x1, x2, dy0);
      // What is past the end is not multiplied by 0: it may be infinite.
      if (ox + 1 < sizes.out_width) { s = add(s, x1, x2, x3, dy1); }
      if (ox + 2 < sizes.out_width) { s = add(s, x2, x3, x4, dy2); }
      if (ox + 3 < sizes.out_width) { s = add(s, x3, x4, x5, dy3); }
      x0 = x4;
      x1 = x5;
    }
  }
  let first_tap = ((part * sizes.batch + b) * sizes.kernel_y + u) * 3u;
  store_tap(first_tap, c, o, s.left);
  store_tap(first_tap + 1u, c, o, s.middle);
  store_tap(first_tap + 2u, c, o, s.right);
}
