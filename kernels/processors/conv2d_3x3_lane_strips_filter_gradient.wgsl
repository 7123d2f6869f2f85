// Filter gradient of a 3x3 convolution with stride 1, as partial sums. For adapters whose subgroups have
// eight lanes or more and on which loads cost more than arithmetic; from 4 IN4 channels, at most 16, to few.
//
//   partial[part, b, u, v, c, o] = sum over the strips (n, k, l) of the part and over i, j in the strip of
//     x[b, n, i + u - pad_top, j + v - pad_left, c] * dy[b, n, i, j, o]
//
// x: [batch, images, height, width, 4 IN4]    dy: [batch, images, out_height, out_width, 4 out4]
// partial: [parts, batch, 3, 3, 4 IN4, 4 out4]
//
// A strip has eight rows and strip_columns columns of an image. A subgroup computes a part of part_strips
// strips for eight output channels, a lane all weights of one of them. It walks along the columns of x,
// each of which meets three columns of dy: of a column of few channels neighbours are in the cache line.
// The lanes share the ten pixels of x of a column: each lane loads one of the first eight and broadcasts
// it, and in every fourth column (every second for 8 channels) one of the other two. So a lane has
// IN4 + 2 loads, one more at times, for 288 IN4 scalar multiply-adds. The lowering bounds
// part_strips * (strip_columns + 2), the number of loop iterations. in4 is IN4 at run time.

enable subgroups;

override IN4: u32;

struct Sizes {
  batch: u32,
  images: u32,
  height: i32,
  width: i32,
  out_height: i32,
  out_width: i32,
  in4: u32,
  out4: u32,
  pad_top: i32,
  pad_left: i32,
  strips_x: u32,
  strips_y: u32,
  strip_columns: i32,
  parts: u32,
  part_strips: u32,
  groups_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial_sums: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

// Weights of the lane's output channel: a vector has the three taps of a column, for each of four channels.
struct Filter { left: mat4x3f, middle: mat4x3f, right: mat4x3f }

// Eight pixels of dy in the column that meets that of x at the left taps, and in two left of it.
struct Columns { upper: mat3x4f, lower: mat3x4f }

// From a vector in each lane one of components: component k is that at "at" of lane from + k * step.
fn turn(v: vec4f, at: u32, lane: u32, step: u32) -> vec4f {
  return vec4f(
    subgroupShuffle(v, lane)[at], subgroupShuffle(v, lane + step)[at],
    subgroupShuffle(v, lane + 2u * step)[at], subgroupShuffle(v, lane + 3u * step)[at],
  );
}

fn load(at: u32, inside: bool) -> vec4f {
  return select(vec4f(), x[at], inside);
}

// Four pixels of the lane's output channel. Lane l loads vector l % 2 of pixel l / 2.
fn load_dy(at: u32, inside: bool, lane: u32) -> vec4f {
  return turn(select(vec4f(), dy[at], inside), lane % 4u, lane / 4u, 2u);
}

// The taps of a column: of the upper pixels and of the lower ones, the sum of products.
fn taps(l: vec4f, r: vec4f, a: mat3x4f, b: mat3x4f) -> vec3f {
  return vec3f(dot(a[0], l) + dot(b[0], r), dot(a[1], l) + dot(b[1], r), dot(a[2], l) + dot(b[2], r));
}

// One channel of the eight pixels of x in the lanes, and of the two below them.
fn products(d: Columns, p: f32, i: f32, j: f32) -> mat3x3f {
  let p0 = subgroupBroadcast(p, 0u);
  let p1 = subgroupBroadcast(p, 1u);
  let p2 = subgroupBroadcast(p, 2u);
  let p3 = subgroupBroadcast(p, 3u);
  let p4 = subgroupBroadcast(p, 4u);
  let p5 = subgroupBroadcast(p, 5u);
  let p6 = subgroupBroadcast(p, 6u);
  let p7 = subgroupBroadcast(p, 7u);
  let a = mat3x4f(vec4f(p0, p1, p2, p3), vec4f(p1, p2, p3, p4), vec4f(p2, p3, p4, p5));
  let b = mat3x4f(vec4f(p4, p5, p6, p7), vec4f(p5, p6, p7, i), vec4f(p6, p7, i, j));
  return mat3x3f(
    taps(d.upper[0], d.lower[0], a, b), taps(d.upper[1], d.lower[1], a, b), taps(d.upper[2], d.lower[2], a, b),
  );
}

fn add(s: Filter, d: Columns, p: vec4f, i: vec4f, j: vec4f) -> Filter {
  let a = products(d, p.x, i.x, j.x);
  let b = products(d, p.y, i.y, j.y);
  let c = products(d, p.z, i.z, j.z);
  let e = products(d, p.w, i.w, j.w);
  return Filter(
    s.left + mat4x3f(a[0], b[0], c[0], e[0]),
    s.middle + mat4x3f(a[1], b[1], c[1], e[1]),
    s.right + mat4x3f(a[2], b[2], c[2], e[2]),
  );
}

fn store(at: u32, value: vec4f) {
  partial_sums[at] = value;
}

// Lane l stores output channels 4 (l % 2) to 4 (l % 2) + 3 of input channel l / 2.
fn store_tap(at: u32, wanted: bool, v: vec4f, lane: u32) {
  let value = turn(v, lane / 2u, 4u * (lane % 2u), 1u);
  if (wanted) { store(at, value); }
}

fn store_taps(at: u32, tap: u32, wanted: bool, f: mat4x3f, lane: u32) {
  let m = transpose(f);
  store_tap(at, wanted, m[0], lane);
  store_tap(at + tap, wanted, m[1], lane);
  store_tap(at + 2u * tap, wanted, m[2], lane);
}

fn store_filter(at: u32, tap: u32, wanted: bool, f: Filter, lane: u32) {
  store_taps(at, 3u * tap, wanted, f.left, lane);
  store_taps(at + tap, 3u * tap, wanted, f.middle, lane);
  store_taps(at + 2u * tap, 3u * tap, wanted, f.right, lane);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let blocks = (sizes.out4 + 1u) / 2u;
  let index = group.y * sizes.groups_x + group.x;
  let b = index / (blocks * sizes.parts);
  if (b >= sizes.batch) { return; }
  let part = index / blocks % sizes.parts;
  let o = index % blocks * 2u + lane % 2u;
  let o_inside = min(o, sizes.out4 - 1u);
  let strips_x = sizes.strips_x;
  let strips_y = sizes.strips_y;
  let strip_columns = sizes.strip_columns;
  let images = sizes.images;
  let out_row = u32(sizes.out_width) * sizes.out4;
  let out4 = sizes.out4;
  let bottom = sizes.height - 1;
  let last_x = sizes.width - 1;
  let out_bottom = sizes.out_height - 1;
  let out_width = sizes.out_width;
  let row = u32(sizes.width) * IN4;
  let first_x = 0 - sizes.pad_left;
  let first_y = i32(lane) - sizes.pad_top;
  let first_more = 8 + i32(lane % 2u) - sizes.pad_top;
  let turns = select(4u / IN4, 1u, IN4 == 3u);
  var f0: Filter;
  var f1: Filter;
  var f2: Filter;
  var f3: Filter;
  let last_strip = min((part + 1u) * sizes.part_strips, images * strips_y * strips_x);
  // Ends at its bottom: where lanes are masked, a loop that ends at its top computes one more pass for nothing.
  var strip = part * sizes.part_strips;
  loop {
    let image = b * images + strip / (strips_x * strips_y);
    let oy = i32(strip / strips_x % strips_y) * 8;
    let ox = i32(strip % strips_x) * strip_columns;
    let ix = ox + first_x;
    let iy = oy + first_y;
    let iy_more = oy + first_more;
    let jy = clamp(iy, 0, bottom);
    let jy_more = clamp(iy_more, 0, bottom);
    // Row "lane" of a column of x; then, of pixels 8 and 9 of the next columns, vector lane / 2 of pixel lane % 2.
    let first = image * u32(bottom + 1);
    let at = (first + u32(jy)) * row;
    let at_more = (first + u32(jy_more)) * row + lane / 2u % IN4;
    let py = oy + i32(lane / 2u);
    let out_first = image * u32(out_bottom + 1);
    let near = (out_first + u32(min(py, out_bottom))) * out_row + u32(ox) * out4 + o_inside;
    let far = (out_first + u32(min(py + 4, out_bottom))) * out_row + u32(ox) * out4 + o_inside;
    let columns = min(strip_columns, out_width - ox);
    var d: Columns;
    var more: vec4f;
    var c = 0;
    loop {
      let jx = clamp(ix + c, 0, last_x);
      let p = at + u32(jx) * IN4;
      let inside = (iy == jy) & (ix + c == jx);
      let step = u32(c) & (turns - 1u);
      if (step == 0u) {
        let ex = ix + c + i32(lane / 2u / IN4);
        let kx = clamp(ex, 0, last_x);
        more = load(at_more + u32(kx) * IN4, (iy_more == jy_more) & (ex == kx));
      }
      let k = 2u * IN4 * step;
      let next = u32(min(c, columns - 1)) * out4;
      d = Columns(
        mat3x4f(load_dy(near + next, (c < columns) & (py <= out_bottom), lane), d.upper[0], d.upper[1]),
        mat3x4f(load_dy(far + next, (c < columns) & (py + 4 <= out_bottom), lane), d.lower[0], d.lower[1]),
      );
      f0 = add(f0, d, load(p, inside), subgroupShuffle(more, k), subgroupShuffle(more, k + 1u));
      if (IN4 > 1u) { f1 = add(f1, d, load(p + 1u, inside), subgroupShuffle(more, k + 2u), subgroupShuffle(more, k + 3u)); }
      if (IN4 > 2u) { f2 = add(f2, d, load(p + 2u, inside), subgroupShuffle(more, k + 4u), subgroupShuffle(more, k + 5u)); }
      if (IN4 > 3u) { f3 = add(f3, d, load(p + 3u, inside), subgroupShuffle(more, k + 6u), subgroupShuffle(more, k + 7u)); }
      c++;
      if (c >= columns + 2) { break; }
    }
    strip++;
    if (strip >= last_strip) { break; }
  }
  let tap = 4u * IN4 * out4;
  let to = (part * sizes.batch + b) * 9u * tap + lane / 2u * out4 + o;
  let wanted = o < out4;
  // In a loop, since drivers compile each store; they would unroll it if they knew its end.
  var q = 0u;
  loop {
    store_filter(to + 4u * q * out4, tap, wanted, f0, lane);
    f0 = f1;
    f1 = f2;
    f2 = f3;
    q++;
    if (q >= sizes.in4) { break; }
  }
}
