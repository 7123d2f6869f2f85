"""PyTorch, one task at a time, in several ways:

`torch_peer.py <folder> <order> <repeat> [--device cpu|cuda] [--mode eager|graph|compile] [--tf32]`

`eager` takes the exact gradient by `create_graph`; `graph` records that once as a CUDA graph;
`compile` traces the gradient of one task, its backward passes included, to one graph of tensor
operations and gives that to `torch.compile`, which has no double backward itself. TensorFloat-32 is off
unless `--tf32` is given. On a CPU, one thread or all are used, whichever one call shows to be faster.
"""

import argparse

import torch
import torch.nn.functional as F

from peer_process import RATE, impossible, read_inputs, report, sample, timer_of

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("order", choices=["exact", "first"])
parser.add_argument("repeat", type=int)
parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
parser.add_argument("--mode", choices=["eager", "graph", "compile"], default="eager")
parser.add_argument("--tf32", action="store_true")
flags = parser.parse_args()

on_gpu = flags.device == "cuda"
if on_gpu and not torch.cuda.is_available():
    impossible(f"no CUDA device for PyTorch {torch.__version__}")
if flags.mode == "graph" and not on_gpu:
    impossible("CUDA graphs need a CUDA device")
torch.backends.cuda.matmul.allow_tf32 = flags.tf32
torch.backends.cudnn.allow_tf32 = flags.tf32
torch.backends.cudnn.benchmark = True

manifest, arrays, data = read_inputs(flags.folder)
names, size, threads = manifest["names"], manifest["size"], manifest["threads"]
exact = flags.order == "exact"
torch.set_num_threads(threads)


def own_layout(name, tensor):
    if name.startswith("conv"):
        return tensor.permute(2, 3, 1, 0)
    return tensor.t() if name == "lin.w" else tensor


def torch_layout(name, tensor):
    if name.startswith("conv"):
        return tensor.permute(3, 2, 0, 1).contiguous()
    return tensor.t().contiguous() if name == "lin.w" else tensor


def put(array):
    return torch.from_numpy(array).to(flags.device)


initial = [torch_layout(name, put(array)) for name, array in arrays.items()]
query_x, query_y, support_x, support_y = (put(array) for array in data)
query_x, support_x = (x.permute(0, 1, 4, 2, 3).contiguous() for x in (query_x, support_x))
query_y, support_y = (y.long() for y in (query_y, support_y))
tasks = [tuple(part[task] for part in (support_x, support_y, query_x, query_y)) for task in range(size["tasks"])]


def loss_of(weights, x, y):
    p = dict(zip(names, weights))
    for layer in range(1, 5):
        x = F.conv2d(x, p[f"conv{layer}.w"], padding=1)
        x = F.batch_norm(x, None, None, p[f"bn{layer}.gamma"], p[f"bn{layer}.beta"], True, 0.0, 1e-5)
        x = F.max_pool2d(F.relu(x), 2)
    return F.cross_entropy(F.linear(x.flatten(1), p["lin.w"], p["lin.b"]), y)


def leaves(weights):
    return [w.detach().requires_grad_() for w in weights]


def of_task(weights, sx, sy, qx, qy):
    """Gradients and loss of one task."""
    start = p = leaves(weights)
    for _ in range(size["innerSteps"]):
        grads = torch.autograd.grad(loss_of(p, sx, sy), p, create_graph=exact)
        p = [w - RATE * g for w, g in zip(p, grads)]
        if not exact:
            p = leaves(p)
    loss = loss_of(p, qx, qy)
    return [*torch.autograd.grad(loss, start if exact else p), loss.detach()]


def compiled():
    from torch.fx.experimental.proxy_tensor import make_fx

    graph = make_fx(of_task)(initial, *tasks[0])
    graph = torch.compile(graph, **({"mode": "reduce-overhead"} if on_gpu else {}))

    def call(weights, *task):
        with torch.no_grad():
            torch.compiler.cudagraph_mark_step_begin()
            # A recorded graph writes its results to the same place again.
            return [tensor.clone() for tensor in graph(weights, *task)]

    return call


def meta_gradient(function):
    sums = None
    for task in tasks:
        found = function(initial, *task)
        sums = found if sums is None else [a + b for a, b in zip(sums, found)]
    return [part / len(tasks) for part in sums]


def recorded():
    """The whole meta-gradient as one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            meta_gradient(of_task)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = meta_gradient(of_task)

    def call():
        graph.replay()
        return results

    return call


step = None
last = []


def run(count):
    """So many meta-gradients, then waits for the last loss; what is compiled is part of the first."""
    global step, last
    if step is None:
        if flags.mode == "graph":
            step = recorded()
        else:
            function = compiled() if flags.mode == "compile" else of_task
            step = lambda: meta_gradient(function)
    for _ in range(count):
        last = step()
    last[-1].item()


timed = timer_of(run)
first = timed(1)
second = timed(1)
if not on_gpu and flags.mode == "eager" and threads > 1:
    torch.set_num_threads(1)
    timed(1)
    alone = timed(1)
    if alone > second:
        torch.set_num_threads(threads)
    second = min(alone, second)
samples = sample(timed, first, second, flags.repeat)
where = f"CPU, {torch.get_num_threads()} threads"
if on_gpu:
    where = f"{torch.cuda.get_device_name()}, {'TF32' if flags.tf32 else 'float32'}"
report(
    torch.__version__,
    where,
    samples,
    ([own_layout(n, g).cpu() for n, g in zip(names, last)], last[-1]),
    torch.cuda.max_memory_allocated() if on_gpu else None,
)
