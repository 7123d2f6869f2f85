// 3x3 convolution with stride 1; also its input gradient, with transposed = 1. For adapters whose
// subgroups have eight lanes or more and on which loads cost more than arithmetic; from 4 IN4 channels,
// at most 16, to few.
//
//   y[b, n, i, j, o] =
//     sum over u, v, c of x[b, n, i + u - pad_top, j + v - pad_left, c] * w[b, u, v, c, o]
//
// x: [batch, images, height, width, 4 IN4]    w: [batch, 3, 3, 4 IN4, 4 out4]
// y: [batch, images, out_height, out_width, 4 out4]
//
// transposed = 1 reads w as [batch, 3, 3, 4 out4, 4 IN4] with its taps in reverse order: the filters
// of the input gradient, when x is the cotangent.
//
// A subgroup computes strips of eight columns and strip_rows rows, a lane one of eight output channels
// with all its weights. It walks down the rows of x: each adds to three rows of sums, of which one is
// complete then. The lanes share the ten pixels of x of a row: each lane loads one of the first eight
// and broadcasts it, and in every fourth row (every second for 8 channels) one of the other two. So a
// lane has IN4 loads, one more at times, and two stores for 288 IN4 scalar multiply-adds.

enable subgroups;

override IN4: u32;

struct Sizes {
  batch: u32,
  images: u32,
  height: i32,
  width: i32,
  out_height: i32,
  out_width: i32,
  out4: u32,
  pad_top: i32,
  pad_left: i32,
  transposed: u32,
  strips_x: u32,
  strips_y: u32,
  strip_rows: i32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// Weights of the lane's output channel: a vector has the three taps of a row, for each of four channels.
struct Filter { top: mat4x3f, middle: mat4x3f, bottom: mat4x3f }

// Sums of eight pixels, for the row below that of x and for two above it.
struct Sums { left: mat3x4f, right: mat3x4f }

// From a vector in each lane one of components: component k is that at "at" of lane from + k * step.
fn turn(v: vec4f, at: u32, lane: u32, step: u32) -> vec4f {
  return vec4f(
    subgroupShuffle(v, lane)[at], subgroupShuffle(v, lane + step)[at],
    subgroupShuffle(v, lane + 2u * step)[at], subgroupShuffle(v, lane + 3u * step)[at],
  );
}

// Lane l loads output channels 4 (l % 2) to 4 (l % 2) + 3 of input channel l / 2, or what it needs itself.
fn load_tap(at: u32, lane: u32) -> vec4f {
  let v = w[at];
  return select(turn(v, lane % 4u, lane / 4u, 2u), v, sizes.transposed != 0u);
}

fn load_taps(at: u32, next: u32, lane: u32) -> mat4x3f {
  return transpose(mat3x4f(load_tap(at, lane), load_tap(at + next, lane), load_tap(at + 2u * next, lane)));
}

fn load_filter(b: u32, q: u32, o: u32, lane: u32) -> Filter {
  let flipped = sizes.transposed != 0u;
  let tap = 4u * IN4 * sizes.out4;
  let plain = (4u * q + lane / 2u) * sizes.out4 + min(o + lane % 2u, sizes.out4 - 1u);
  let own = 8u * tap + min(4u * o + lane, 4u * sizes.out4 - 1u) * IN4 + q;
  let at = 9u * b * tap + select(plain, own, flipped);
  let next = select(tap, 0u - tap, flipped);
  return Filter(
    load_taps(at, next, lane), load_taps(at + 3u * next, next, lane), load_taps(at + 6u * next, next, lane),
  );
}

// Four pixels, with the three vectors of pixels that their taps need.
fn add_four(s: mat3x4f, f: vec3f, g: vec3f, h: vec3f, a: vec4f, b: vec4f, c: vec4f) -> mat3x4f {
  return mat3x4f(
    s[0] + f.x * a + f.y * b + f.z * c,
    s[1] + g.x * a + g.y * b + g.z * c,
    s[2] + h.x * a + h.y * b + h.z * c,
  );
}

// One channel of the eight pixels in the lanes, and of the two right of them.
fn add_channel(s: Sums, f: vec3f, g: vec3f, h: vec3f, p: f32, i: f32, j: f32) -> Sums {
  let p0 = subgroupBroadcast(p, 0u);
  let p1 = subgroupBroadcast(p, 1u);
  let p2 = subgroupBroadcast(p, 2u);
  let p3 = subgroupBroadcast(p, 3u);
  let p4 = subgroupBroadcast(p, 4u);
  let p5 = subgroupBroadcast(p, 5u);
  let p6 = subgroupBroadcast(p, 6u);
  let p7 = subgroupBroadcast(p, 7u);
  return Sums(
    add_four(s.left, f, g, h, vec4f(p0, p1, p2, p3), vec4f(p1, p2, p3, p4), vec4f(p2, p3, p4, p5)),
    add_four(s.right, f, g, h, vec4f(p4, p5, p6, p7), vec4f(p5, p6, p7, i), vec4f(p6, p7, i, j)),
  );
}

fn add(s: Sums, f: Filter, p: vec4f, i: vec4f, j: vec4f) -> Sums {
  let a = add_channel(s, f.top[0], f.middle[0], f.bottom[0], p.x, i.x, j.x);
  let b = add_channel(a, f.top[1], f.middle[1], f.bottom[1], p.y, i.y, j.y);
  let c = add_channel(b, f.top[2], f.middle[2], f.bottom[2], p.z, i.z, j.z);
  return add_channel(c, f.top[3], f.middle[3], f.bottom[3], p.w, i.w, j.w);
}

fn load(at: u32, inside: bool) -> vec4f {
  return select(vec4f(), x[at], inside);
}

fn store(at: u32, value: vec4f) {
  y[at] = value;
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let strips = sizes.images * sizes.strips_y * sizes.strips_x;
  let blocks = (sizes.out4 + 1u) / 2u;
  let index = group.y * sizes.groups_x + group.x;
  let b = index / (blocks * strips);
  if (b >= sizes.batch) { return; }
  let o = index % blocks * 2u;
  let strip = index / blocks % strips;
  let image = b * sizes.images + strip / (sizes.strips_x * sizes.strips_y);
  let oy = i32(strip / sizes.strips_x % sizes.strips_y) * sizes.strip_rows;
  let ox = i32(strip % sizes.strips_x) * 8;
  let last = min(sizes.strip_rows, sizes.out_height - oy) + 2;
  // Column "lane" of a row of x; then, of pixels 8 and 9 of the next rows, vector lane / 2 of pixel lane % 2.
  let iy = oy - sizes.pad_top;
  let ix = ox + i32(lane) - sizes.pad_left;
  let ix_more = ox + 8 + i32(lane % 2u) - sizes.pad_left;
  let jx = clamp(ix, 0, sizes.width - 1);
  let jx_more = clamp(ix_more, 0, sizes.width - 1);
  let bottom = sizes.height - 1;
  let row = u32(sizes.width) * IN4;
  let at = image * u32(sizes.height) * row + u32(jx) * IN4;
  let at_more = image * u32(sizes.height) * row + u32(jx_more) * IN4 + lane / 2u % IN4;
  let turns = select(4u / IN4, 1u, IN4 == 3u);
  // Lane l stores vector l % 2 of pixel l / 2, and that of the fourth pixel right of it.
  let px = ox + i32(lane / 2u);
  let near = (o + lane % 2u < sizes.out4) & (px < sizes.out_width);
  let far = near & (px + 4 < sizes.out_width);
  let out_row = u32(sizes.out_width) * sizes.out4;
  let to = (image * u32(sizes.out_height) + u32(oy) - 2u) * out_row + u32(px) * sizes.out4 + o + lane % 2u;
  let to_far = to + 4u * sizes.out4;
  let f0 = load_filter(b, 0u, o, lane);
  var f1: Filter;
  var f2: Filter;
  var f3: Filter;
  if (IN4 > 1u) { f1 = load_filter(b, 1u, o, lane); }
  if (IN4 > 2u) { f2 = load_filter(b, 2u, o, lane); }
  if (IN4 > 3u) { f3 = load_filter(b, 3u, o, lane); }
  var s: Sums;
  var more: vec4f;
  // Ends at its bottom: where lanes are masked, a loop that ends at its top computes one more pass for nothing.
  var r = 0;
  loop {
    let jy = clamp(iy + r, 0, bottom);
    let p = at + u32(jy) * row;
    let inside = (ix == jx) & (iy + r == jy);
    let step = u32(r) & (turns - 1u);
    if (step == 0u) {
      let ey = iy + r + i32(lane / 2u / IN4);
      let ky = clamp(ey, 0, bottom);
      more = load(at_more + u32(ky) * row, (ix_more == jx_more) & (ey == ky));
    }
    let k = 2u * IN4 * step;
    s = Sums(mat3x4f(vec4f(), s.left[0], s.left[1]), mat3x4f(vec4f(), s.right[0], s.right[1]));
    s = add(s, f0, load(p, inside), subgroupShuffle(more, k), subgroupShuffle(more, k + 1u));
    if (IN4 > 1u) { s = add(s, f1, load(p + 1u, inside), subgroupShuffle(more, k + 2u), subgroupShuffle(more, k + 3u)); }
    if (IN4 > 2u) { s = add(s, f2, load(p + 2u, inside), subgroupShuffle(more, k + 4u), subgroupShuffle(more, k + 5u)); }
    if (IN4 > 3u) { s = add(s, f3, load(p + 3u, inside), subgroupShuffle(more, k + 6u), subgroupShuffle(more, k + 7u)); }
    let left = turn(s.left[2], lane / 2u, 4u * (lane % 2u), 1u);
    let right = turn(s.right[2], lane / 2u, 4u * (lane % 2u), 1u);
    if (near & (r >= 2)) { store(to + u32(r) * out_row, left); }
    if (far & (r >= 2)) { store(to_far + u32(r) * out_row, right); }
    r++;
    if (r >= last) { break; }
  }
}
