import { assert, assertEquals } from "@std/assert";
import type { Primitive } from "../../src/ir/primitive.ts";
import type { Program } from "../../src/ir/program.ts";
import * as ops from "../../src/ops/mod.ts";
import * as transform from "../../src/transform/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { primitiveCases } from "../cases/primitives.ts";

const primitives = Object.entries({ ...ops, ...transform })
  .filter(([name, value]) => /[a-z0-9]P$/.test(name) && typeof value === "object")
  .map(([name, value]) => [name, value as Primitive] as const);

function uses(program: Program, name: string): boolean {
  return program.nodes.some(({ primitive }) => primitive.name === name);
}

Deno.test("every primitive has cases", () => {
  const covered = new Set(primitiveCases.map(({ primitive }) => primitive));
  const missing = primitives.filter(([, { name }]) => !covered.has(name)).map(([name]) => name);
  assertEquals(missing, [], "add cases to tests/cases for these primitives");
  assert(primitives.length > 40, `found only ${primitives.length} primitives`);
});

Deno.test("every case names a primitive that its program uses", () => {
  const known = new Set(primitives.map(([, { name }]) => name));
  for (const { name, primitive, avals, build } of primitiveCases) {
    assert(known.has(primitive), `case '${name}' is of an unknown primitive`);
    assert(uses(trace(build, avals).program, primitive), `case '${name}' does not use it`);
  }
});

Deno.test("case names are unique", () => {
  const names = primitiveCases.map(({ name }) => name);
  assertEquals(names.filter((name, k) => names.indexOf(name) !== k), []);
});

Deno.test("primitive names are unique", () => {
  const names = primitives.map(([, { name }]) => name);
  assertEquals(names.filter((name, k) => names.indexOf(name) !== k), []);
});
