// Sum of parts consecutive arrays of size elements: y[i] = sum over p of parts[p, i]. For adapters that run many more
// invocations than there are elements: four slices of the parts are summed at once, and a workgroup adds them up.
//
// The slices are the parts slice, slice + 4, ... A workgroup has 16 neighbouring elements.

struct Sizes {
  size: u32,
  parts: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

// [4 slices, 16 elements]
var<workgroup> sums: array<f32, 64>;

fn part(p: u32, i: u32) -> f32 {
  return parts[p * sizes.size + i];
}

fn store(at: u32, value: f32) {
  y[at] = value;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * sizes.groups_x + group.x) * 16u + local % 16u;
  // Invocations past the last element sum it again, for nothing.
  let at = min(i, sizes.size - 1u);
  var sum = 0.0;
  var p = local / 16u;
  // Four loads at once, which need not wait for each other.
  for (; p + 12u < sizes.parts; p += 16u) {
    let a = part(p, at);
    let b = part(p + 4u, at);
    let c = part(p + 8u, at);
    let d = part(p + 12u, at);
    sum = sum + a + b + c + d;
  }
  for (; p < sizes.parts; p += 4u) {
    sum += part(p, at);
  }
  sums[local] = sum;
  workgroupBarrier();
  if (local < 16u && i < sizes.size) {
    store(i, sums[local] + sums[16u + local] + sums[32u + local] + sums[48u + local]);
  }
}
