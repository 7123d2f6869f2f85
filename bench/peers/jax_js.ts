/**
 * jax-js on WebGPU: the meta-gradient of one task as one compiled function, called for each task.
 *
 * Its convolutions want channels first. Every argument is used up where it is passed; `.ref` keeps
 * one for later.
 *
 * @module
 */
import * as jax from "npm:@jax-js/jax@0.1.25";
import { summarizeAdapter } from "../../src/gpu/device.ts";
import type { Conv4Workload } from "../../tests/workloads/conv4.ts";
import type { Order, Peer, WorkloadName } from "./peer.ts";

const { numpy: np, nn, lax } = jax;
const VERSION = "0.1.25";
const RATE = 0.01;

type Tensor = jax.Array;
type Params = Tensor[];

/** Opens it. */
export async function open(
  { arrays, names, size }: Conv4Workload,
  _name: WorkloadName,
  order: Order,
): Promise<Peer> {
  if (!(await jax.init("webgpu")).includes("webgpu")) throw new Error("no WebGPU backend");
  jax.defaultDevice("webgpu");
  const adapter = await navigator.gpu.requestAdapter();

  const count = names.length;
  const put = (k: number): Tensor => {
    const { shape, dtype, data } = arrays[k]!;
    const flat = dtype === "i32" ? Int32Array.from(data) : Float32Array.from(data);
    return np.array(flat).reshape([...shape]);
  };
  const isFilter = (k: number): boolean => names[k]!.startsWith("conv");
  const initial = names.map((_, k) => isFilter(k) ? np.transpose(put(k), [3, 2, 0, 1]) : put(k));
  const at = (name: string): number => names.indexOf(name);
  const perTask = (k: number): Tensor[] => {
    const { shape, data } = arrays[k]!;
    const each = data.length / size.tasks;
    return Array.from({ length: size.tasks }, (_, task) => {
      const part = data.slice(task * each, (task + 1) * each);
      const own = np.array(Float32Array.from(part)).reshape(shape.slice(1));
      return own.ndim === 4 ? np.transpose(own, [0, 3, 1, 2]) : nn.oneHot(
        own.astype(np.int32),
        size.way,
      );
    });
  };
  const [queryImages, queryTargets, supportImages, supportTargets] = [0, 1, 2, 3].map((k) =>
    perTask(count + k)
  );

  const normalize = (x: Tensor, gamma: Tensor, beta: Tensor): Tensor => {
    const axes = [0, 2, 3];
    const options = { keepdims: true };
    const centred = x.ref.sub(np.mean(x, axes, options));
    const variance = np.mean(np.square(centred.ref), axes, options);
    const normal = centred.div(np.sqrt(variance.add(1e-5)));
    return normal.mul(gamma.reshape([-1, 1, 1])).add(beta.reshape([-1, 1, 1]));
  };
  const logits = (params: Params, images: Tensor): Tensor => {
    let x = images;
    for (const layer of [1, 2, 3, 4]) {
      const [filters, gamma, beta] = [`conv${layer}.w`, `bn${layer}.gamma`, `bn${layer}.beta`]
        .map((name) => params[at(name)]!);
      const y = lax.conv(x, filters!, [1, 1], [[1, 1], [1, 1]]);
      const z = nn.relu(normalize(y, gamma!, beta!));
      const [n, channels, height, width] = z.shape as [number, number, number, number];
      x = np.max(z.reshape([n, channels, height / 2, 2, width / 2, 2]), [3, 5]);
    }
    const features = x.reshape([x.shape[0]!, -1]);
    return np.matmul(features, params[at("lin.w")]!).add(params[at("lin.b")]!);
  };
  const loss = (params: Params, images: Tensor, targets: Tensor): Tensor => {
    const n = images.shape[0]!;
    return nn.logSoftmax(logits(params, images)).mul(targets).sum().mul(-1 / n);
  };
  const adapt = (params: Params, images: Tensor, targets: Tensor): Params => {
    for (let step = 0; step < size.innerSteps; step++) {
      const kept = params.map((param) => param.ref);
      const grads = jax.grad(loss)(kept, images.ref, targets.ref) as Params;
      params = params.map((param, k) => param.sub(grads[k]!.mul(RATE)));
    }
    images.dispose();
    targets.dispose();
    return params;
  };
  const outer = (params: Params, ...[sx, sy, qx, qy]: Tensor[]): Tensor =>
    loss(adapt(params, sx!, sy!), qx!, qy!);
  const valueAndGrad = (order === "exact"
    ? jax.valueAndGrad(outer)
    : (params: Params, ...[sx, sy, qx, qy]: Tensor[]) =>
      jax.valueAndGrad(loss)(adapt(params, sx!, sy!), qx!, qy!)) as (
      params: Params,
      ...task: Tensor[]
    ) => [Tensor, Params];
  const ofTask = jax.jit((params: Params, ...task: Tensor[]) => {
    const [value, grads] = valueAndGrad(params, ...task);
    return [...grads, value];
  });

  const metaGradient = (): Tensor[] => {
    let sums: Tensor[] = [];
    for (let task = 0; task < size.tasks; task++) {
      const sets = [supportImages, supportTargets, queryImages, queryTargets];
      const found = ofTask(
        initial.map((param) => param.ref),
        ...sets.map((set) => set![task]!.ref),
      ) as Tensor[];
      sums = task === 0 ? found : sums.map((sum, k) => sum.add(found[k]!));
    }
    return sums.map((sum) => sum.div(size.tasks));
  };

  let last: Tensor[] = [];
  return {
    version: VERSION,
    adapter: adapter ? summarizeAdapter(adapter.info).label : "none",
    async run(times) {
      for (let k = 0; k < times; k++) {
        for (const tensor of last) tensor.dispose();
        last = metaGradient();
        await jax.blockUntilReady(last);
      }
      await last.at(-1)!.ref.data();
    },
    results: () =>
      Promise.all(last.map((tensor, k) =>
        (k < count && isFilter(k) ? np.transpose(tensor.ref, [2, 3, 1, 0]) : tensor.ref).data()
      )),
  };
}
