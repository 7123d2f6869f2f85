// Sum of PARTS consecutive arrays of SIZE elements: y[i] = sum over p of parts[p, i].

override SIZE: u32;
override PARTS: u32;
override WORKGROUP: u32;
override GROUPS_X: u32;

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn store(at: u32, value: f32) {
  y[at] = value;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * GROUPS_X + group.x) * WORKGROUP + local;
  if (i >= SIZE) { return; }
  var sum = 0.0;
  for (var p = 0u; p < PARTS; p++) {
    sum += parts[p * SIZE + i];
  }
  store(i, sum);
}
