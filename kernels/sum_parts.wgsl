// Sum of parts consecutive arrays of size elements: y[i] = sum over p of parts[p, i].

override WORKGROUP: u32;

struct Sizes {
  size: u32,
  parts: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn store(at: u32, value: f32) {
  y[at] = value;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * sizes.groups_x + group.x) * WORKGROUP + local;
  if (i >= sizes.size) { return; }
  var sum = 0.0;
  for (var p = 0u; p < sizes.parts; p++) {
    sum += parts[p * sizes.size + i];
  }
  store(i, sum);
}
