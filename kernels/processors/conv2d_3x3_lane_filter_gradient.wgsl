// Filter gradient of a convolution with filters of width 3 and stride 1, as partial sums. For adapters
// whose subgroups have eight lanes or more and on which loads cost more than arithmetic.
//
//   partial[part, b, u, v, c, o] = sum over the rows (n, i) of the part and over j of
//     x[b, n, i + u - pad_top, j + v - pad_left, c] * dy[b, n, i, j, o]
//
// x: [batch, images, height, width, 4 in4]    dy: [batch, images, out_height, out_width, 4 out4]
// partial: [parts, batch, kernel_y, 3, 4 in4, 4 out4]
//
// A slot is a filter row u and a vector of four input channels; there are kernel_y * in4 of them. A
// subgroup computes the three taps of SLOTS slots for 32 output channels, a lane four of the output
// channels. The lanes share the pixels of x: lane s loads that of slot s and broadcasts it. A lane
// walks along the columns of x, two at a time, so that each sum is read and written once for both,
// with a window of four pixels of dy: two loads of each for 24 SLOTS vector multiply-adds. Of at most
// four slots, lane 4 + s loads the second column, and there is one load of x. A part has part_rows of
// the images * out_height rows; the lowering bounds part_rows * width, the number of loop iterations.

enable subgroups;

override SLOTS: u32;

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

// Sums of one slot: row k of a matrix belongs to input channel k.
struct Slot { left: mat4x4f, middle: mat4x4f, right: mat4x4f }

fn load_x(at: u32, ix: i32, inside: bool) -> vec4f {
  let value = x[at + u32(min(ix, sizes.width - 1)) * sizes.in4];
  return select(vec4f(), value, inside & (ix < sizes.width));
}

fn load_dy(at: u32, ox: i32) -> vec4f {
  let value = dy[at + u32(clamp(ox, 0, sizes.out_width - 1)) * sizes.out4];
  return select(vec4f(), value, (ox >= 0) & (ox < sizes.out_width));
}

// Adds the products of two pixels of x with the two pixels of dy that meet them at one tap.
fn products(s: mat4x4f, v: vec4f, w: vec4f, d: vec4f, e: vec4f) -> mat4x4f {
  return mat4x4f(
    s[0] + v.x * d + w.x * e,
    s[1] + v.y * d + w.y * e,
    s[2] + v.z * d + w.z * e,
    s[3] + v.w * d + w.w * e,
  );
}

fn add(s: Slot, v: vec4f, w: vec4f, d: mat4x4f) -> Slot {
  return Slot(
    products(s.left, v, w, d[2], d[3]),
    products(s.middle, v, w, d[1], d[2]),
    products(s.right, v, w, d[0], d[1]),
  );
}

fn store(at: u32, value: vec4f) {
  partial_sums[at] = value;
}

fn store_tap(at: u32, value: mat4x4f) {
  store(at, value[0]);
  store(at + sizes.out4, value[1]);
  store(at + 2u * sizes.out4, value[2]);
  store(at + 3u * sizes.out4, value[3]);
}

// first_row is that of the filters of the part and of b.
fn store_slot(first_row: u32, slot: u32, o: u32, s: Slot) {
  if (slot >= sizes.kernel_y * sizes.in4 || o >= sizes.out4) { return; }
  let row = first_row + slot / sizes.in4;
  let tap = 4u * sizes.in4 * sizes.out4;
  let at = row * 3u * tap + slot % sizes.in4 * 4u * sizes.out4 + o;
  store_tap(at, s.left);
  store_tap(at + tap, s.middle);
  store_tap(at + 2u * tap, s.right);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let slots = sizes.kernel_y * sizes.in4;
  let slot_blocks = (slots + SLOTS - 1u) / SLOTS;
  let out_blocks = (sizes.out4 + 7u) / 8u;
  let index = group.y * sizes.groups_x + group.x;
  let part = index / (out_blocks * slot_blocks * sizes.batch);
  if (part >= sizes.parts) { return; }
  let b = index / (out_blocks * slot_blocks) % sizes.batch;
  let o = index % out_blocks * 8u + lane;
  let o_inside = min(o, sizes.out4 - 1u);
  let first = index / out_blocks % slot_blocks * SLOTS;
  let second = select(8u, 4u, SLOTS <= 4u);
  let slot = min(first + min(lane % second, SLOTS - 1u), slots - 1u);
  let ahead = i32(min(lane / second, 1u));
  let u = slot / sizes.in4;
  let c = slot % sizes.in4;
  var s0: Slot;
  var s1: Slot;
  var s2: Slot;
  var s3: Slot;
  var s4: Slot;
  var s5: Slot;
  var s6: Slot;
  var s7: Slot;
  let last = min((part + 1u) * sizes.part_rows, sizes.images * sizes.out_height);
  // Ends at its bottom: where lanes are masked, a loop that ends at its top computes one more pass for nothing.
  var row = part * sizes.part_rows;
  loop {
    let iy = i32(row % sizes.out_height + u) - sizes.pad_top;
    let inside = (iy >= 0) & (iy < sizes.height);
    let x_row = (b * sizes.images + row / sizes.out_height) * u32(sizes.height) + u32(clamp(iy, 0, sizes.height - 1));
    let x_at = x_row * u32(sizes.width) * sizes.in4 + c;
    let y_at = (b * sizes.images * sizes.out_height + row) * u32(sizes.out_width) * sizes.out4 + o_inside;
    // Column ix of x meets ix + pad_left - v of dy at tap v.
    var d0 = load_dy(y_at, sizes.pad_left - 2);
    var d1 = load_dy(y_at, sizes.pad_left - 1);
    var ix = 0;
    loop {
      let near = load_x(x_at, ix + ahead, inside);
      var far: vec4f;
      if (SLOTS <= 4u) { far = subgroupShuffle(near, (lane + 4u) % 8u); } else { far = load_x(x_at, ix + 1, inside); }
      let d2 = load_dy(y_at, ix + sizes.pad_left);
      let d3 = load_dy(y_at, ix + sizes.pad_left + 1);
      let d = mat4x4f(d0, d1, d2, d3);
      s0 = add(s0, subgroupBroadcast(near, 0u), subgroupBroadcast(far, 0u), d);
      if (SLOTS > 1u) { s1 = add(s1, subgroupBroadcast(near, 1u), subgroupBroadcast(far, 1u), d); }
      if (SLOTS > 2u) { s2 = add(s2, subgroupBroadcast(near, 2u), subgroupBroadcast(far, 2u), d); }
      if (SLOTS > 3u) { s3 = add(s3, subgroupBroadcast(near, 3u), subgroupBroadcast(far, 3u), d); }
      if (SLOTS > 4u) { s4 = add(s4, subgroupBroadcast(near, 4u), subgroupBroadcast(far, 4u), d); }
      if (SLOTS > 5u) { s5 = add(s5, subgroupBroadcast(near, 5u), subgroupBroadcast(far, 5u), d); }
      if (SLOTS > 6u) { s6 = add(s6, subgroupBroadcast(near, 6u), subgroupBroadcast(far, 6u), d); }
      if (SLOTS > 7u) { s7 = add(s7, subgroupBroadcast(near, 7u), subgroupBroadcast(far, 7u), d); }
      d0 = d2;
      d1 = d3;
      ix += 2;
      if (ix >= sizes.width) { break; }
    }
    row++;
    if (row >= last) { break; }
  }
  let first_row = (part * sizes.batch + b) * sizes.kernel_y;
  // In a loop, since drivers compile each store; it ends where the slots do.
  var next = first;
  loop {
    store_slot(first_row, next, o, s0);
    s0 = s1;
    s1 = s2;
    s2 = s3;
    s3 = s4;
    s4 = s5;
    s5 = s6;
    s6 = s7;
    next++;
    if (next >= min(first + SLOTS, slots)) { break; }
  }
}
