import { evaluate } from "../../src/ir/evaluate.ts";
import { ndArray } from "../../src/ir/nd_array.ts";
import type { HostArray } from "../../src/ir/host_array.ts";
import { openTfjs } from "../../src/tfjs/mod.ts";
import { trace } from "../../src/transform/mod.ts";
import { assertClose, subjectOf } from "../cases/laws.ts";
import { primitiveCases } from "../cases/primitives.ts";

Deno.test("the cpu backend, which needs no permission, agrees with the reference", async () => {
  const executor = await openTfjs({ backend: "cpu" });
  for (const entry of primitiveCases) {
    const { point } = subjectOf(entry);
    const { program } = trace(entry.build, entry.avals);
    const inputs = point.map((array) => ({
      ...array,
      data: array.dtype === "f32" ? Float32Array.from(array.data) : array.data,
    }));
    const [result] = await executor.run(program, inputs as HostArray[]);
    const [expected] = evaluate(program, point);
    assertClose(ndArray(expected!, result!.data), expected!, {
      tolerance: expected!.dtype === "f32" ? 1e-5 : 0,
      what: `${entry.name} on the cpu backend`,
    });
  }
  executor.close();
});
