// Copies x into a larger or smaller y, with zeros where x has no element:
//
//   y[n, i, j, c] = x[n, i / DILATION_Y, j / DILATION_X, c]  where both divide and lie inside x
//
// x: [IMAGES, HEIGHT, WIDTH, CHANNELS]    y: [IMAGES, OUT_HEIGHT, OUT_WIDTH, OUT_CHANNELS]
//
// Used to pad channels to a multiple of 4, to crop them again, and to spread a cotangent out to
// stride 1. An invocation copies 4 elements.

override IMAGES: u32;
override HEIGHT: u32;
override WIDTH: u32;
override CHANNELS: u32;
override OUT_HEIGHT: u32;
override OUT_WIDTH: u32;
override OUT_CHANNELS: u32;
override DILATION_Y: u32;
override DILATION_X: u32;
override WORKGROUP: u32;
override GROUPS_X: u32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn store(at: u32, value: f32) {
  y[at] = value;
}

fn copy(to: u32) {
  if (to >= IMAGES * OUT_HEIGHT * OUT_WIDTH * OUT_CHANNELS) { return; }
  let c = to % OUT_CHANNELS;
  let j = to / OUT_CHANNELS % OUT_WIDTH;
  let i = to / (OUT_CHANNELS * OUT_WIDTH) % OUT_HEIGHT;
  let n = to / (OUT_CHANNELS * OUT_WIDTH * OUT_HEIGHT);
  let inside = c < CHANNELS && j % DILATION_X == 0u && j / DILATION_X < WIDTH &&
    i % DILATION_Y == 0u && i / DILATION_Y < HEIGHT;
  let from_row = (n * HEIGHT + i / DILATION_Y) * WIDTH;
  let at = (from_row + j / DILATION_X) * CHANNELS + c;
  store(to, select(0.0, x[select(0u, at, inside)], inside));
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = (group.y * GROUPS_X + group.x) * WORKGROUP * 4u + local;
  copy(first);
  copy(first + WORKGROUP);
  copy(first + 2u * WORKGROUP);
  copy(first + 3u * WORKGROUP);
}
