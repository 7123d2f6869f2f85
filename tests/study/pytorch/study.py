"""The arms of the first verdict in PyTorch, with draws of its own: weights, orders, augmentations.

  deno run -A tests/study/pytorch/images.ts DATA FOLDER   the images of the regime labels-100
  python3 study.py FOLDER RESULTS.jsonl [SEEDS]           a line for each arm and seed (0 to 7)

It shares the images, the plans of the preset quick and what tuning chose with the program it is to
confirm, nothing else; protocol.py is the comparison number by number. A seed takes some minutes
on a core, without supervised-long, whose 3150 steps take as long as the rest. study.jsonl: 3 seeds.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
BATCH, EMBEDDING, HIDDEN, PROJECTION, REFRESH = 32, 64, 64, 32, 20
# Rates, inner rates and weights that tuning chose: experiments/results/cifar-hypothesis/tuned.yaml.
ARMS = {
    "meta": {"rate": 0.0166, "inner": 0.162, "exact": True},
    "meta-first": {"rate": 0.0083, "inner": 0.0488},
    "joint": {"rate": 0.0138, "weight": 0.157},
    "alpha-zero": {"rate": 0.0166, "inner": 0.0, "exact": True},
    "shuffled-targets": {"rate": 0.0166, "inner": 0.162, "exact": True, "shuffled": True},
    "supervised": {"rate": 0.0163},
    "pretext": {"rate": 0.00358},
    "scratch": {"fine-tune": 0.00415},
}

FOLDER = pathlib.Path(sys.argv[1])
FACTS = json.loads((FOLDER / "facts.json").read_text())


def images(name):
    pixels = np.fromfile(FOLDER / f"{name}.bin", np.uint8).reshape(-1, 32, 32, 3)
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).float() / 255


TRAIN, TEST = images("train"), images("test")
LABELS, TEST_LABELS = torch.tensor(FACTS["train"]), torch.tensor(FACTS["test"])
ROWS = torch.tensor(FACTS["rows"])
MEAN = TRAIN[ROWS].mean((0, 2, 3), keepdim=True)
DEVIATION = TRAIN[ROWS].std((0, 2, 3), correction=0, keepdim=True)


# Networks. Running statistics are collected where `seen` is given and used where `fixed` is.


def drawn(shape, fan, g):
    return (torch.rand(*shape, generator=g) * 2 - 1) * (1 / math.sqrt(fan))


def init_linear(inputs, outputs, g):
    return drawn((inputs, outputs), inputs, g), drawn((outputs,), inputs, g)


def init_encoder(g):
    params, channels = {}, 3
    for stage, width in enumerate((8, 16, 32)):
        for k, inputs in ((1, channels), (2, width)):
            params[f"weight{stage}{k}"] = drawn((width, inputs, 3, 3), 9 * inputs, g)
            params[f"bias{stage}{k}"] = drawn((width,), 9 * inputs, g)
            params[f"scale{stage}{k}"] = torch.ones(width)
            params[f"shift{stage}{k}"] = torch.zeros(width)
        channels = width
    params["weight"], params["bias"] = init_linear(2 * 2 * 32, EMBEDDING, g)
    params["scale"], params["shift"] = torch.ones(EMBEDDING), torch.zeros(EMBEDDING)
    return free(params)


def init_head(kind, outputs, g):
    params = {}
    if kind != "probe":
        params["hidden"], params["hidden bias"] = init_linear(EMBEDDING, HIDDEN, g)
    if kind == "classifier":
        params["scale"], params["shift"] = torch.ones(HIDDEN), torch.zeros(HIDDEN)
    params["weight"], params["bias"] = init_linear(HIDDEN, outputs, g)
    return free(params)


def free(params):
    return {name: x.detach().clone().requires_grad_(True) for name, x in params.items()}


def norm(x, params, end, fixed, seen, place):
    scale, shift = params[f"scale{end}"], params[f"shift{end}"]
    if fixed is not None:
        return F.batch_norm(x, *fixed[place], scale, shift, False, eps=1e-5)
    if seen is not None:
        axes = (0, 2, 3) if x.dim() == 4 else (0,)
        seen.setdefault(place, []).append((x.mean(axes), x.var(axes, correction=1)))
    return F.batch_norm(x, None, None, scale, shift, True, eps=1e-5)


def encode(params, x, fixed=None, seen=None):
    x = (x - MEAN) / DEVIATION
    for stage in range(3):
        for k in (1, 2):
            end = f"{stage}{k}"
            x = F.conv2d(x, params[f"weight{end}"], params[f"bias{end}"], padding=2 - k)
            x = norm(F.relu(x), params, end, fixed, seen, end)
        x = F.max_pool2d(x, 2)
    return norm(x.flatten(1) @ params["weight"] + params["bias"], params, "", fixed, seen, "last")


def head_of(params, z, fixed=None, seen=None):
    if "hidden" in params:
        z = F.relu(z @ params["hidden"] + params["hidden bias"])
    if "scale" in params:
        z = norm(z, params, "", fixed, seen, "head")
    return z @ params["weight"] + params["bias"]


# Augmentations and tasks.


def augment(x, g):
    """Shifted by up to 4 pixels, mirrored or not."""
    n, x = len(x), F.pad(x, (4, 4, 4, 4))
    down, right = (torch.randint(9, (n,), generator=g) for _ in range(2))
    mirrored = torch.rand(n, generator=g) < 0.5
    cut = torch.stack([x[i, :, down[i] :, right[i] :][:, :32, :32] for i in range(n)])
    return torch.where(mirrored.view(-1, 1, 1, 1), cut.flip(3), cut)


def grey(x):
    return (x * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)


def turn_hue(x, turn):
    (most, which), least = x.max(1), x.min(1)[0]
    span = most - least
    by = torch.where(span > 0, span, torch.ones_like(span))
    r, g, b = x.unbind(1)
    among = torch.where(which == 1, 2 + (b - r) / by, 4 + (r - g) / by)
    hue = torch.where(which == 0, (g - b) / by, among) / 6 + turn.view(-1, 1, 1)
    channels = []
    for offset in (5, 3, 1):
        k = (offset + hue * 6) % 6
        channels.append(most - span * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, 1)


def view_of(x, g):
    """SimCLR, appendix A: crop and enlarge, mirror, change colours, take the colour."""
    n = len(x)

    def uniform():
        return torch.rand(n, generator=g)

    def between(low, high):
        return (uniform() * (high - low) + low).view(-1, 1, 1, 1)

    area, ratio = uniform() * 0.92 + 0.08, torch.exp((uniform() * 2 - 1) * math.log(4 / 3))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    centre = [(uniform() * 2 - 1) * (1 - extent) for extent in (width, height)]
    mirror = torch.where(uniform() < 0.5, -1.0, 1.0)
    window = torch.zeros(n, 2, 3)
    window[:, 0, 0], window[:, 0, 2] = width * mirror, centre[0]
    window[:, 1, 1], window[:, 1, 2] = height, centre[1]
    places = F.affine_grid(window, x.shape, align_corners=False)
    x = F.grid_sample(x, places, align_corners=False, padding_mode="border")
    y = (x * between(0.6, 1.4)).clamp(0, 1)
    middle = grey(y).mean((1, 2, 3), keepdim=True)
    y = ((y - middle) * between(0.6, 1.4) + middle).clamp(0, 1)
    pale = grey(y)
    y = ((y - pale) * between(0.6, 1.4) + pale).clamp(0, 1)
    y = turn_hue(y, uniform() * 0.2 - 0.1)
    x = torch.where((uniform() < 0.8).view(-1, 1, 1, 1), y, x)
    return torch.where((uniform() < 0.2).view(-1, 1, 1, 1), grey(x).expand_as(x), x)


def contrastive(encoder, head, x, g, shuffled):
    z, n = encode(encoder, view_of(torch.cat([x, x]), g)), len(x)
    if shuffled:
        z = z[torch.randperm(2 * n, generator=g)]
    u = F.normalize(head_of(head, z))
    s = (u @ u.T / 0.1).masked_fill(torch.eye(2 * n, dtype=torch.bool), -1e9)
    return F.cross_entropy(s, (torch.arange(2 * n) + n) % (2 * n))


def rotation(encoder, head, x, g, shuffled):
    turns = torch.randint(4, (len(x),), generator=g)
    z = encode(encoder, torch.stack([torch.rot90(i, int(k), (1, 2)) for i, k in zip(x, turns)]))
    if shuffled:
        z = z[torch.randperm(len(x), generator=g)]
    return F.cross_entropy(head_of(head, z), turns)


TASKS = {"contrastive": contrastive, "rotation": rotation}


class Order:
    """Batches of the labelled images, epoch by epoch."""

    def __init__(self, g):
        self.g, self.left = g, []

    def next(self):
        if len(self.left) < BATCH:
            self.left = ROWS[torch.randperm(len(ROWS), generator=self.g)].tolist()
        batch, self.left = self.left[:BATCH], self.left[BATCH:]
        return torch.tensor(batch)


# Training and judging.


def wanted(encoder, head, x, rows):
    return F.cross_entropy(head_of(head, encode(encoder, x)), LABELS[rows])


def meta_loss(arm, encoder, head, heads, x, rows, supports, g):
    """The outer loss; the heads' gradients of their own losses are left in `grad`."""
    outer, exact = 0, "exact" in arm
    for name, own in heads.items():
        support = TRAIN[supports[name].next()]
        loss = TASKS[name](encoder, own, support, g, "shuffled" in arm)
        leaves = list(encoder.values()) + list(own.values())
        grads = torch.autograd.grad(loss, leaves, create_graph=exact)
        for x_own, grad in zip(own.values(), grads[len(encoder) :]):
            x_own.grad = grad.detach().clone()
        steps = [grad if exact else grad.detach() for grad in grads[: len(encoder)]]
        fast = {k: v - arm["inner"] * step for (k, v), step in zip(encoder.items(), steps)}
        outer = outer + wanted(fast, head, x, rows) / len(heads)
    return outer


def pretrain(name, encoder, stream):
    arm = ARMS[name]
    head = init_head("classifier", 10, stream(1))
    heads = {} if name == "supervised" else {
        "contrastive": init_head("projection", PROJECTION, stream(2)),
        "rotation": init_head("classifier", 4, stream(3)),
    }
    params = [x for tree in (encoder, head, *heads.values()) for x in tree.values()]
    optimizer = torch.optim.Adam(params, lr=arm["rate"])
    order = Order(stream(4))
    supports = {"contrastive": Order(stream(5)), "rotation": Order(stream(6))}
    augmentation, draws = stream(7), stream(8)
    for _ in range(300):
        optimizer.zero_grad()
        rows = order.next()
        x = augment(TRAIN[rows], augmentation)
        if name in ("supervised", "pretext", "joint"):
            losses = [
                TASKS[task](encoder, own, TRAIN[supports[task].next()], draws, False)
                for task, own in heads.items()
            ]
            if name != "pretext":
                losses = [arm.get("weight", 1) * loss for loss in losses]
                losses.append(wanted(encoder, head, x, rows))
            loss = sum(losses) / len(losses)
        else:
            loss = meta_loss(arm, encoder, head, heads, x, rows, supports, draws)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in params if p.grad is not None], 5.0)
        optimizer.step()
    return head


def collected(encoder, head, order):
    """Running statistics at these weights: means over batches of images as they are."""
    seen = {}
    with torch.no_grad():
        for _ in range(REFRESH):
            head_of(head, encode(encoder, TRAIN[order.next()], seen=seen), seen=seen)
    return {k: [torch.stack(x).mean(0) for x in zip(*pairs)] for k, pairs in seen.items()}


@torch.no_grad()
def accuracy(encoder, head, fixed):
    logits = [head_of(head, encode(encoder, x, fixed), fixed) for x in TEST.split(500)]
    return (torch.cat(logits).argmax(1) == TEST_LABELS).double().mean().item()


def run(name, seed):
    def stream(k):
        return torch.Generator().manual_seed(1000 * seed + k)

    encoder, found = init_encoder(stream(0)), {"arm": name, "seed": seed}
    if name != "scratch":
        head = pretrain(name, encoder, stream)
        if name != "pretext":
            fixed = collected(encoder, head, Order(stream(9)))
            found["as-is"] = accuracy(encoder, head, fixed)
    backbone, encoder, head = encoder, free(encoder), init_head("classifier", 10, stream(11))
    params = list(encoder.values()) + list(head.values())
    optimizer = torch.optim.Adam(params, lr=ARMS[name].get("fine-tune", 0.002))
    order, augmentation = Order(stream(12)), stream(13)
    for _ in range(150):
        optimizer.zero_grad()
        rows = order.next()
        wanted(encoder, head, augment(TRAIN[rows], augmentation), rows).backward()
        optimizer.step()
    found["fine-tune"] = accuracy(encoder, head, collected(encoder, head, Order(stream(9))))
    head = init_head("probe", 10, stream(14))
    fixed = collected(backbone, head, Order(stream(9)))
    optimizer = torch.optim.Adam(head.values(), lr=0.005)
    order, augmentation = Order(stream(15)), stream(16)
    for _ in range(150):
        optimizer.zero_grad()
        rows = order.next()
        with torch.no_grad():
            z = encode(backbone, augment(TRAIN[rows], augmentation), fixed)
        F.cross_entropy(head_of(head, z), LABELS[rows]).backward()
        optimizer.step()
    found["linear-probe"] = accuracy(backbone, head, fixed)
    return found


for seed in range(int(sys.argv[3]) if len(sys.argv) > 3 else 8):
    for name in ARMS:
        with open(sys.argv[2], "a") as results:
            results.write(json.dumps(run(name, seed)) + "\n")
