// Sum of parts consecutive arrays of size elements: y[i] = sum over p of parts[p, i], in order.

override WORKGROUP: u32;

struct Sizes {
  size: u32,
  parts: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn part(p: u32, i: u32) -> f32 {
  return parts[p * sizes.size + i];
}

fn store(at: u32, value: f32) {
  y[at] = value;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (i >= sizes.size) { return; }
  var sum = 0.0;
  var p = 0u;
  // Eight loads at once, which need not wait for each other.
  for (; p + 8u <= sizes.parts; p += 8u) {
    let a = part(p, i);
    let b = part(p + 1u, i);
    let c = part(p + 2u, i);
    let d = part(p + 3u, i);
    let e = part(p + 4u, i);
    let f = part(p + 5u, i);
    let g = part(p + 6u, i);
    let h = part(p + 7u, i);
    sum = sum + a + b + c + d + e + f + g + h;
  }
  for (; p < sizes.parts; p++) {
    sum += part(p, i);
  }
  store(i, sum);
}
