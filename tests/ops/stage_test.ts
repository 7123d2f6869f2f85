import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
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
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  // What a task has asked a WeakRef for is kept until the task ends.
  await new Promise((resolve) => setTimeout(resolve));
  collectGarbage();
  assert(left() < 5, `${left()} of ${dropped.length} programs are kept`);
  assert(programOf(1) === used);
});
