"""PyTorch eager, one task at a time, `create_graph` for the exact order.

`torch_eager.py <folder> <order> <repeat>`: the folder holds manifest.json and one raw file for each
input, in the layout of this library (images NHWC, filters HWIO, linear weights [in, out]). Times the
meta-gradient by the same rule as sampling.ts, on one thread or on all, whichever one call shows to be
faster, and prints one line of JSON.
"""

import json
import math
import os
import resource
import sys
import time

import numpy
import torch
import torch.nn.functional as F

RATE = 0.01
SAMPLE_SECONDS, MOST, BUDGET_SECONDS = 0.2, 20, 15.0

folder, order, repeat = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(os.path.join(folder, "manifest.json")) as file:
    manifest = json.load(file)
names, size, threads = manifest["names"], manifest["size"], manifest["threads"]
torch.set_num_threads(threads)


def load(k):
    kind = {"f32": "<f4", "i32": "<i4", "u32": "<u4"}[manifest["inputs"][k]["dtype"]]
    raw = numpy.fromfile(os.path.join(folder, f"{k}.bin"), dtype=kind)
    if kind == "<u4":
        return None
    return torch.from_numpy(raw.reshape(manifest["inputs"][k]["shape"]))


def own_layout(name, tensor):
    if name.startswith("conv"):
        return tensor.permute(2, 3, 1, 0)
    return tensor.t() if name == "lin.w" else tensor


def torch_layout(name, tensor):
    if name.startswith("conv"):
        return tensor.permute(3, 2, 0, 1).contiguous()
    return tensor.t().contiguous() if name == "lin.w" else tensor


inputs = [load(k) for k in range(len(manifest["inputs"]))]
count = len(names)
params = {n: torch_layout(n, inputs[k]).requires_grad_() for k, n in enumerate(names)}
query_x, query_y, support_x, support_y = inputs[count : count + 4]
query_x, support_x = (x.permute(0, 1, 4, 2, 3).contiguous() for x in (query_x, support_x))
query_y, support_y = (y.long() for y in (query_y, support_y))


def loss_of(p, x, y):
    for layer in range(1, 5):
        x = F.conv2d(x, p[f"conv{layer}.w"], padding=1)
        x = F.batch_norm(x, None, None, p[f"bn{layer}.gamma"], p[f"bn{layer}.beta"], True, 0.0, 1e-5)
        x = F.max_pool2d(F.relu(x), 2)
    return F.cross_entropy(F.linear(x.flatten(1), p["lin.w"], p["lin.b"]), y)


def meta_gradient():
    exact = order == "exact"
    total, sums = 0.0, None
    for task in range(size["tasks"]):
        p = params
        for _ in range(size["innerSteps"]):
            loss = loss_of(p, support_x[task], support_y[task])
            grads = torch.autograd.grad(loss, list(p.values()), create_graph=exact)
            p = {n: w - RATE * g for (n, w), g in zip(p.items(), grads)}
            if not exact:
                p = {n: w.detach().requires_grad_() for n, w in p.items()}
        loss = loss_of(p, query_x[task], query_y[task])
        grads = torch.autograd.grad(loss, list((params if exact else p).values()))
        sums = grads if sums is None else [a + b for a, b in zip(sums, grads)]
        total += loss.item()
    return [g / size["tasks"] for g in sums], total / size["tasks"]


def timed(times):
    global last
    start = time.perf_counter()
    for _ in range(times):
        last = meta_gradient()
    return (time.perf_counter() - start) / times


first = timed(1)
second = timed(1)
if threads > 1:
    torch.set_num_threads(1)
    timed(1)
    alone = timed(1)
    if alone > second:
        torch.set_num_threads(threads)
    second = min(alone, second)
per_sample = min(MOST, math.ceil(SAMPLE_SECONDS / second))
samples = [second] if per_sample == 1 else []
spent = second
while len(samples) < repeat and (not samples or spent < BUDGET_SECONDS):
    samples.append(timed(per_sample))
    spent += samples[-1] * per_sample
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
grads, loss = last
print(
    json.dumps(
        {
            "version": torch.__version__,
            "adapter": f"CPU, {torch.get_num_threads()} threads",
            "firstCall": 1e3 * first,
            "samples": [1e3 * s for s in samples],
            "perSample": per_sample,
            "peakRss": peak,
            "results": [own_layout(n, g).reshape(-1).tolist() for n, g in zip(names, grads)] + [[loss]],
        }
    )
)
