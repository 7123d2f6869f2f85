import { assert } from "@std/assert";
import { neg, ones } from "../../mod.ts";
import type { Program } from "../../src/ir/program.ts";
import { stage } from "../../src/ops/stage.ts";

/** The program of a stage of one size. */
function programOf(size: number): Program {
  const applied = stage("test", [{ shape: [size], dtype: "f32" }], (x) => [neg(x!)])(ones([size]));
  return (applied[0]!.node.params as { readonly program: Program }).program;
}

Deno.test("equal stages are one program for as long as somebody uses it, and no longer", async () => {
  const used = programOf(1);
  const dropped = Array.from({ length: 100 }, (_, k) => new WeakRef(programOf(k + 2)));
  const left = () => dropped.filter((program) => program.deref() !== undefined).length;
  // Garbage is collected when there is much of it, and never within a task that has asked for it.
  for (let round = 0; left() > 0 && round < 200; round++) {
    Array.from({ length: 50_000 }, (_, k) => ({ k }));
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert(left() < 5, `${left()} of ${dropped.length} programs are kept`);
  assert(programOf(1) === used);
});
