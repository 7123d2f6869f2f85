import { assert, assertEquals, assertThrows } from "@std/assert";
import { KERNELS } from "./all_kernels.ts";
import { readWgslInterface } from "../../src/gpu/wgsl_interface.ts";
import { chooseParts, heavyWorkgroup, linearGrid } from "../../src/ops/kernel_grid.ts";
import { DISCRETE_COSTS, SOFTWARE_COSTS, SOFTWARE_TRAITS as TRAITS } from "../device_traits.ts";

Deno.test("linearGrid() covers the range in rows that the adapter allows", () => {
  for (const limit of [1, 2, 3, 7, 65535]) {
    for (const invocations of [0, 1, 63, 64, 65, 448, 449]) {
      const groups = Math.ceil(invocations / 64);
      const traits = { ...TRAITS, maxWorkgroupsPerDimension: limit };
      if (groups > limit * limit) {
        assertThrows(() => linearGrid(invocations, traits), RangeError, `${invocations}`);
        continue;
      }
      const { workgroups: [x, y, z], overrides } = linearGrid(invocations, traits);
      assert(x <= limit && y <= limit && x >= 1 && y >= 1);
      assert(x * y >= groups && x * (y - 1) < Math.max(1, groups));
      assertEquals([z, overrides.groups_x, overrides.WORKGROUP], [1, x, 64]);
    }
  }
});

Deno.test("chooseParts() covers every step once and bounds the loops", () => {
  for (const costs of [SOFTWARE_COSTS, DISCRETE_COSTS]) {
    for (const steps of [1, 3, 64, 65, 2560, 300_000]) {
      for (const iterationsPerStep of [1, 33, 5000]) {
        for (const blocks of [1, 48, 100_000]) {
          const traits = { ...TRAITS, costs };
          const sum = { steps, iterationsPerStep, blocks, size: 1000 };
          const { parts, stepsPerPart } = chooseParts(sum, traits);
          assert(parts * stepsPerPart >= steps, "all steps have a part");
          assert((parts - 1) * stepsPerPart < steps, "no part is empty");
          assert(parts <= 30_000, "the parts can be added up");
          assert(stepsPerPart * (iterationsPerStep + 1) <= 60_000, "no loop is too long");
        }
      }
    }
  }
});

Deno.test("chooseParts() splits only for loops, or while invocations and memory are short", () => {
  const sum = { steps: 2560, iterationsPerStep: 33, blocks: 48, size: 9216 };
  const parts = (changes: Partial<typeof sum>, traits = TRAITS): number =>
    chooseParts({ ...sum, ...changes }, traits).parts;
  assertEquals(parts({}), 2);
  assertEquals(parts({ blocks: 256, steps: 100 }), 1);
  assert(parts({}, { ...TRAITS, costs: DISCRETE_COSTS }) > 100);
  assertEquals(parts({ steps: 100 }), 2);
  assertEquals(parts({ steps: 100 }, { ...TRAITS, maxStorageBinding: 9216 * 4 }), 1);
  assertThrows(() => parts({ iterationsPerStep: 60_000 }), RangeError, "60000 loop iterations");
});

Deno.test("heavyWorkgroup() fits the portable limit of invocations", () => {
  for (const costs of [SOFTWARE_COSTS, DISCRETE_COSTS]) {
    assert(heavyWorkgroup({ ...TRAITS, costs }) <= TRAITS.maxWorkgroupInvocations);
  }
});

Deno.test("every kernel writes its results in a function store, to be fused into", () => {
  for (const [name, code] of Object.entries(KERNELS)) {
    assertEquals(code.match(/^fn store\(at: u32, value: (f32|vec4f)\) \{$/gm)?.length, 1, name);
    const written = readWgslInterface(code, name).bindings
      .filter(({ access }) => access === "read_write");
    assertEquals(written.length, 1, name);
    assertEquals(code.split(`${written[0]!.name}[at] = value;`).length, 2, name);
  }
});

Deno.test("no loop of a kernel with lanes ends at its top, which llvmpipe computes once more", () => {
  const laneKernels = Object.entries(KERNELS).filter(([name]) => name.includes("lane"));
  assert(laneKernels.length >= 6);
  for (const [name, code] of laneKernels) {
    assert(!/\b(for|while) \(/.test(code), name);
    const loops = code.match(/\bloop \{/g) ?? [];
    const ends = code.match(/\bif \(\w+ >= [^;]+\) \{ break; \}\n\}/g) ?? [];
    assert(loops.length > 0 && loops.length === ends.length, name);
  }
});
