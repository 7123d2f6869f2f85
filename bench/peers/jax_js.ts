/**
 * jax-js on WebGPU, in two ways: the meta-gradient of one task as one compiled function that is
 * called for each task, or that of all tasks at once by `vmap`.
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

/** Support images and targets, query images and targets. */
type Task = Tensor[];

/** Opens it, to go through the tasks one by one. */
export function open(workload: Conv4Workload, _name: WorkloadName, order: Order): Promise<Peer> {
  return build(workload, order, { vectorized: false });
}

/** Opens it, to compute all tasks at once. */
export function openVectorized(
  workload: Conv4Workload,
  _name: WorkloadName,
  order: Order,
): Promise<Peer> {
  return build(workload, order, { vectorized: true });
}

async function build(
  { arrays, names, size }: Conv4Workload,
  order: Order,
  { vectorized }: { readonly vectorized: boolean },
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
  /** Images `[n, 3, 32, 32]` or targets `[n, way]` of one task. */
  const ofTask = (k: number, task: number): Tensor => {
    const { shape, data } = arrays[k]!;
    const each = data.length / size.tasks;
    const part = data.slice(task * each, (task + 1) * each);
    if (shape.length === 2) return nn.oneHot(np.array(Int32Array.from(part)), size.way);
    const images = np.array(Float32Array.from(part)).reshape(shape.slice(1));
    return np.transpose(images, [0, 3, 1, 2]);
  };
  const sets = Array.from(
    { length: size.tasks },
    (_, task): Task => [2, 3, 0, 1].map((k) => ofTask(count + k, task)),
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
  const gradients = (params: Params, [sx, sy, qx, qy]: Task): Tensor[] => {
    const outer = (initial: Params): Tensor => loss(adapt(initial, sx!, sy!), qx!, qy!);
    const [value, grads] = order === "exact"
      ? jax.valueAndGrad(outer)(params)
      : jax.valueAndGrad(loss)(adapt(params, sx!, sy!), qx!, qy!);
    return [...grads as Params, value];
  };
  const metaGradient = vectorized
    ? allTasks(gradients, initial, sets)
    : taskByTask(gradients, initial, sets);

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
      Promise.all(
        last.map((tensor, k) =>
          (k < count && isFilter(k) ? np.transpose(tensor.ref, [2, 3, 1, 0]) : tensor.ref).data()
        ),
      ),
  };
}

type Gradients = (params: Params, task: Task) => Tensor[];

function taskByTask(gradients: Gradients, initial: Params, tasks: readonly Task[]): () => Params {
  const ofTask = jax.jit(gradients);
  return () => {
    const found = tasks.map((task) => ofTask(references(initial), references(task)));
    const sums = found.reduce((sum, next) => sum.map((part, k) => part.add(next[k]!)));
    return sums.map((sum) => sum.div(tasks.length));
  };
}

function allTasks(gradients: Gradients, initial: Params, tasks: readonly Task[]): () => Params {
  const stacked = tasks[0]!.map((_, k) => np.stack(tasks.map((task) => task[k]!.ref)));
  const ofTasks = jax.vmap(gradients, [null, 0]);
  const mean = jax.jit((params: Params, all: Task) =>
    ofTasks(params, all).map((tensor) => np.mean(tensor, 0))
  );
  return () => mean(references(initial), references(stacked));
}

function references(tensors: readonly Tensor[]): Tensor[] {
  return tensors.map((tensor) => tensor.ref);
}
