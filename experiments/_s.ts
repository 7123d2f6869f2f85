import { experiment, modelsOf } from "./_exp.ts";
import * as M from "../mod.ts";
const config = experiment.schema.parse({ meta: { innerSteps: +(Deno.args[0] ?? 1), innerRate: +(Deno.args[1] ?? 0.01) } });
const { train } = await M.loadCifar10({ data: "../shared/data/cifar-10-batches-bin" });
const t0 = performance.now();
for (let seed = 0; seed < 25; seed++) {
  const rows = M.splitDataset(train, { validation: .1, seed });
  const narrow = modelsOf({ ...config, model: { ...config.model, widths: [4, 4, 4], embedding: 8, hidden: 8 }, meta: { ...config.meta, projection: 8 } }, M.channelStatistics(train, rows.train));
  const few = 4, part = (k: number) => M.rowsOf(Int32Array.from({ length: few }, (_, r) => k * few + r));
  const reference = await M.openEngine("reference"); const key = M.hostArray(M.keyWords(seed), [2], "u32");
  try {
    const r = await M.guardMetaTraining(reference, { ...narrow, augment: M.supervisedAugment(), extents: train, inner: { innerSteps: config.meta.innerSteps, innerRate: config.meta.innerRate, optimizer: M.sgd() }, order: "exact" }, { training: await reference.jit(narrow.startMeta)(key, key), table: M.packImages(M.subsetDataset(train, rows.train.slice(0, 12))), key, inputs: { rows: part(0), step: M.hostArray([0], [], "u32"), support: { rotation: part(1), contrastive: part(2) } }, exempt: (p) => p === "encoder.embedding.bias" });
    console.log(seed, r.directional!.error.toExponential(1), r.directional!.step);
  } catch (e) { console.log(seed, (e as Error).message.slice(0, 300)); }
}
console.log((performance.now() - t0) / 25e3, "s each");
