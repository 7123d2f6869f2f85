"""Meta-gradients by PyTorch: torch.autograd through the written-out inner loop, in float64.

  python3 meta.py        writes golden.json: outer loss, and a product of every gradient with a wave

A convolution, batch normalization by the batch, ReLU, max-pooling and a linear layer learn three classes of
images 6 x 6 x 2; two tasks. MAML: arXiv 1703.03400, algorithm 1, and its first order (section 5.2). Meta-SGD:
1707.09835, algorithm 1. ANIL: 1909.09157. Reptile: 1803.02999, algorithm 2. Rates of every step and tensor, and
outer losses of every step: 1810.09502, sections 4.3 and 4.1.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)

TASKS, STEPS, RATE = 2, 3, 0.3
SHAPES = {
    "conv.weight": (3, 3, 2, 3), "norm.beta": (3,), "norm.gamma": (3,),
    "output.bias": (3,), "output.weight": (27, 3),
}


def wave(shape, phase, centre=0.0, height=0.5):
    """Element k in row-major order is centre + height * sin(0.7 k + 0.01 k^2 + phase)."""
    k = torch.arange(math.prod(shape), dtype=torch.float64)
    return (centre + height * torch.sin(0.7 * k + 0.01 * k * k + phase)).reshape(shape)


def batches(phase, count):
    images = wave((TASKS, count, 6, 6, 2), phase)
    labels = torch.tensor([[(task + k * k) % 3 for k in range(count)] for task in range(TASKS)])
    return images, labels


SUPPORT, QUERY = batches(0.3, 5), batches(1.9, 4)


def loss_of(params, images, labels):
    x = F.conv2d(images.permute(0, 3, 1, 2), params["conv.weight"].permute(3, 2, 0, 1), padding=1)
    x = F.batch_norm(x, None, None, params["norm.gamma"], params["norm.beta"], training=True, eps=1e-5)
    x = F.max_pool2d(F.relu(x), 2).permute(0, 2, 3, 1).flatten(1)
    return F.cross_entropy(x @ params["output.weight"] + params["output.bias"], labels)


# Optimizers of the inner loop: from gradient, memory, step number to direction.


def sgd(g, memory, _):
    return g, memory


def momentum(g, memory, _):
    v = g if memory is None else 0.9 * memory + g
    return v, v


def adam(g, memory, t):
    m, v = (0, 0) if memory is None else memory
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    return m / (1 - 0.9**t) / (torch.sqrt(v / (1 - 0.999**t)) + 1e-8), (m, v)


def adapted(params, rates, task, *, optimizer=sgd, adapt="", exact=True, clip=None, each=None):
    """Parameters after the inner steps on the support images of a task; `each` sees those of every step."""
    fast, memory = dict(params), {}
    names = [name for name in params if name.startswith(adapt)]
    images, labels = SUPPORT[0][task], SUPPORT[1][task]
    for t in range(STEPS):
        loss = loss_of(fast, images, labels)
        grads = torch.autograd.grad(loss, [fast[name] for name in names], create_graph=True)
        if not exact:
            grads = [g.detach() for g in grads]
        if clip is not None:
            norm = torch.sqrt(sum((g * g).sum() for g in grads))
            grads = [g * torch.clamp(clip / norm, max=1) for g in grads]
        fast = dict(fast)
        for name, g in zip(names, grads):
            step, memory[name] = optimizer(g, memory.get(name), t + 1)
            fast[name] = fast[name] - rates(name, t) * step
        if each is not None:
            each(t, fast)
    return fast


def meta_loss(params, rates, weights=None, **options):
    """Mean over the tasks of the query loss, of the last step or of all of them by weights."""
    total = 0
    for task in range(TASKS):
        outer = []
        query = QUERY[0][task], QUERY[1][task]
        adapted(params, rates, task, each=lambda t, fast: outer.append(loss_of(fast, *query)), **options)
        w = weights or [0] * (STEPS - 1) + [1]
        total = total + sum(weight * loss for weight, loss in zip(w, outer)) / TASKS
    return total


def free(tree):
    return {name: x.detach().clone().requires_grad_(True) for name, x in tree.items()}


def start():
    return free({
        name: wave(shape, phase, 1.0 if name == "norm.gamma" else 0.0)
        for phase, (name, shape) in enumerate(sorted(SHAPES.items()))
    })


def rates_of(steps=()):
    """Learned rates around 0.3, one an element, or one a step and tensor."""
    shape = lambda name: steps if steps else SHAPES[name]
    return free({name: wave(shape(name), k, RATE, 0.1) for k, name in enumerate(sorted(SHAPES))})


def derivative(rates=None, per_step=False, **options):
    params = start()
    rates = rates or {}
    own = lambda name, t: RATE
    if rates:
        own = lambda name, t: rates[name][t] if per_step else rates[name]
    if "rate" in options:
        rate = options.pop("rate")
        own = lambda name, t: rate
    loss = meta_loss(params, own, **options)
    leaves = [*params.values(), *rates.values()]
    grads = torch.autograd.grad(loss, leaves)
    names = [*(f"params.{name}" for name in params), *(f"rates.{name}" for name in rates)]
    return loss, dict(zip(names, grads))


def reptile():
    params, ways = start(), []
    for task in range(TASKS):
        fast = adapted(params, lambda name, t: RATE, task)
        ways.append({name: params[name] - fast[name] for name in params})
    final = []
    for task in range(TASKS):
        steps = []
        adapted(params, lambda name, t: RATE, task, each=lambda t, fast: steps.append(fast))
        final.append(loss_of(steps[-2], SUPPORT[0][task], SUPPORT[1][task]))
    mean = {f"params.{name}": sum(way[name] for way in ways) / TASKS for name in params}
    return sum(final) / TASKS, mean


CASES = {
    "maml": lambda: derivative(),
    "fomaml": lambda: derivative(exact=False),
    "anil": lambda: derivative(adapt="output"),
    "meta-sgd": lambda: derivative(rates_of()),
    "rates of every step": lambda: derivative(rates_of((STEPS,)), per_step=True),
    "outer loss of every step": lambda: derivative(weights=[0.2, 0.3, 0.5]),
    "momentum": lambda: derivative(optimizer=momentum, rate=0.1),
    "adam": lambda: derivative(optimizer=adam, rate=0.05),
    "adam, first order": lambda: derivative(optimizer=adam, rate=0.05, exact=False),
    "clipped": lambda: derivative(clip=0.5),
    "reptile": reptile,
}


def main():
    results = {}
    for name, case in CASES.items():
        loss, grads = case()
        number = lambda x: float(f"{x.item():.13g}")
        results[name] = {
            "loss": number(loss),
            "gradients": {path: number((g * wave(g.shape, 1.1)).sum()) for path, g in grads.items()},
        }
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(results, indent=2) + "\n")


main()
