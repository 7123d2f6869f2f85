import { assertThrows } from "@std/assert";
import { z } from "zod";
import { defineExperiment } from "../../src/experiment/define_experiment.ts";

Deno.test("defineExperiment() rejects a name that is no command and a key without default", () => {
  const run = () => Promise.resolve();
  const fields = { title: "T", summary: "S", schema: z.strictObject({}), run };
  for (const name of ["Demo", "a_b", "", "-a", "a--b", "a-"]) {
    assertThrows(() => defineExperiment({ ...fields, name }), TypeError, "kebab-case");
  }
  const open = z.strictObject({ a: z.strictObject({ b: z.number() }).prefault({} as never) });
  assertThrows(
    () => defineExperiment({ ...fields, name: "demo", schema: open, run }),
    TypeError,
    "a.b (Invalid input: expected number, received undefined). Give every key a default.",
  );
});
