// Copies x into a larger or smaller y, with zeros where x has no element:
//
//   y[n, i, j, c] = x[n, i / dilation_y, j / dilation_x, c]  where both divide and lie inside x
//
// x: [images, height, width, channels]    y: [images, out_height, out_width, out_channels]
//
// Used to pad channels to a multiple of 4, to crop them again, and to spread a cotangent out to
// stride 1. An invocation copies 4 elements.

override WORKGROUP: u32;

struct Sizes {
  images: u32,
  height: u32,
  width: u32,
  channels: u32,
  out_height: u32,
  out_width: u32,
  out_channels: u32,
  dilation_y: u32,
  dilation_x: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn store(at: u32, value: f32) {
  y[at] = value;
}

fn copy(to: u32) {
  if (to >= sizes.images * sizes.out_height * sizes.out_width * sizes.out_channels) { return; }
  let c = to % sizes.out_channels;
  let j = to / sizes.out_channels % sizes.out_width;
  let i = to / (sizes.out_channels * sizes.out_width) % sizes.out_height;
  let n = to / (sizes.out_channels * sizes.out_width * sizes.out_height);
  let inside = (c < sizes.channels) &
    (j % sizes.dilation_x == 0u) & (j / sizes.dilation_x < sizes.width) &
    (i % sizes.dilation_y == 0u) & (i / sizes.dilation_y < sizes.height);
  let from_row = (n * sizes.height + i / sizes.dilation_y) * sizes.width;
  let at = (from_row + j / sizes.dilation_x) * sizes.channels + c;
  store(to, select(0.0, x[select(0u, at, inside)], inside));
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = (group.y * sizes.groups_x + group.x) * WORKGROUP * 4u + local;
  copy(first);
  copy(first + WORKGROUP);
  copy(first + 2u * WORKGROUP);
  copy(first + 3u * WORKGROUP);
}
