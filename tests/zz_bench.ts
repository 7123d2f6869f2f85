import { simplify, trace } from "../src/transform/mod.ts";
import { openTfjs } from "../src/tfjs/mod.ts";
import { conv4Workload } from "./workloads/conv4.ts";
import { programFlops } from "../src/ir/program.ts";
const size = Deno.args[0] as "small" | "mid";
const w = conv4Workload(size, { order: "exact" });
const program = simplify(trace(w.fn as never, w.args as never).program);
const ex = await openTfjs();
console.log(ex.info);
const inputs = program.inputs.map((t, k) => ({
  shape: t.shape,
  dtype: t.dtype,
  data: w.values[k]! as never,
}));
for (let k = 0; k < Number(Deno.args[1]); k++) {
  const t = performance.now();
  const out = await ex.run(program, inputs);
  const s = (performance.now() - t) / 1000;
  console.log(
    s.toFixed(2),
    "s",
    (programFlops(program) / s / 1e9).toFixed(1),
    "GF/s",
    ex.memory(),
    ex.tf.memory().numTensors,
    (ex.tf.backend() as any).wasm.HEAPU8.length / 2 ** 20,
    "MiB heap",
    ex.compile(program).dispatches,
  );
  if (size === "small") {
    const ref = JSON.parse(Deno.readTextFileSync("../shared/workloads/w_small.json"));
    console.log(w.compareTo(ref, out.map((o) => o.data) as never));
  }
}
