// Filters of the input gradient of a convolution: input and output channels exchanged, taps in reverse order.
//
//   flipped[b, taps - 1 - tap, c, o] = w[b, tap, o, c]
//
// w: [batch, taps, 4 out4, 4 in4]    flipped: [batch, taps, 4 in4, 4 out4]
//
// For adapters that compute many invocations at once: those of a convolution have neighbouring output channels, whose
// weights lie side by side here, and far apart in w. An invocation flips 4x4 weights. Of neighbours, four have
// neighbouring output channels, those of the next four the next input channels: what 32 of them load is in pieces of
// 128 bytes, what they store in pieces of 64.

override WORKGROUP: u32;

struct Sizes {
  batch: u32,
  taps: u32,
  in4: u32,
  out4: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> flipped: array<vec4f>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn store(at: u32, value: vec4f) {
  flipped[at] = value;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  let out16 = (sizes.out4 + 3u) / 4u;
  let o = index / (4u * sizes.in4) % out16 * 4u + index % 4u;
  let c = index / 4u % sizes.in4;
  let tap = index / (4u * sizes.in4 * out16) % sizes.taps;
  let b = index / (4u * sizes.in4 * out16 * sizes.taps);
  if (b >= sizes.batch || o >= sizes.out4) { return; }
  let first = ((b * sizes.taps + tap) * sizes.out4 + o) * 4u * sizes.in4 + c;
  let to = (((b + 1u) * sizes.taps - 1u - tap) * sizes.in4 + c) * 4u * sizes.out4 + o;
  let block = transpose(mat4x4f(
    w[first], w[first + sizes.in4], w[first + 2u * sizes.in4], w[first + 3u * sizes.in4],
  ));
  store(to, block[0]);
  store(to + sizes.out4, block[1]);
  store(to + 2u * sizes.out4, block[2]);
  store(to + 3u * sizes.out4, block[3]);
}
