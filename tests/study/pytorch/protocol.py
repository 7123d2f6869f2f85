"""The arms of experiments/cifar-hypothesis.yaml in PyTorch, from the papers, in float64.

  deno run -A tests/study/pytorch/arms.ts draws.json      what random draws decide: first weights,
                                                          batches, augmented images, permutations
  python3 protocol.py draws.json                          writes golden.json: what every step gives

NT-Xent: arXiv 2002.05709, equation 1. Rotation: 1803.07728. MAML: 1703.03400, with a copy of the
encoder for each pretext task. Adam: 1412.6980, algorithm 1. Clipping: 1211.5063, algorithm 1.
Batch normalization: torch.nn.functional.batch_norm. Nearest neighbours: 1805.01978, section 3.4.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


# Networks: trees of tensors by path; weights of convolutions are [height, width, in, out].


def part(tree, name):
    return {path[len(name) + 1 :]: x for path, x in tree.items() if path.startswith(name + ".")}


def whole(**parts):
    return {f"{name}.{path}": x for name, tree in parts.items() for path, x in tree.items()}


def linear(params, x):
    return x @ params["weight"] + params["bias"]


def norm(params, state, x, name, training, after):
    mean, variance = (state[f"{name}.{kind}"].clone() for kind in ("mean", "variance"))
    weight, bias = params[f"{name}.gamma"], params[f"{name}.beta"]
    y = F.batch_norm(x, mean, variance, weight, bias, training, momentum=0.1, eps=1e-5)
    after[f"{name}.mean"], after[f"{name}.variance"] = mean, variance
    return y


def encode(params, state, images, training):
    """Embeddings of images [n, channels, height, width] in [0, 1], and running statistics."""
    x, after = (images - MEAN) / DEVIATION, {}
    stage = 1
    while f"stage{stage}.conv1.weight" in params:
        for k in (1, 2):
            conv = part(params, f"stage{stage}.conv{k}")
            x = F.conv2d(x, conv["weight"].permute(3, 2, 0, 1), conv["bias"], padding=2 - k)
            x = norm(params, state, F.relu(x), f"stage{stage}.norm{k}", training, after)
        x = F.max_pool2d(x, 2)
        stage += 1
    x = linear(part(params, "embedding"), x.permute(0, 2, 3, 1).flatten(1))
    return norm(params, state, x, "norm", training, after), after


def classify(params, state, x, training):
    after = {}
    x = F.relu(linear(part(params, "hidden"), x))
    x = norm(params, state, x, "norm", training, after)
    return linear(part(params, "output"), x), after


# Tasks.


def contrast(head, embeddings):
    u = linear(part(head, "output"), F.relu(linear(part(head, "hidden"), embeddings)))
    n = len(u)
    s = F.cosine_similarity(u[:, None], u[None], dim=-1) / 0.1
    terms = []
    for i in range(n):
        others = [k for k in range(n) if k != i]
        terms.append(torch.logsumexp(s[i, others], 0) - s[i, (i + n // 2) % n])
    return torch.stack(terms).mean()


def turns_of(rows, views):
    """Which quarter turn, counter-clockwise, makes each view of its image."""
    turns = []
    for row, view in zip(rows, views):
        errors = [(torch.rot90(TRAIN[row], k, (1, 2)) - view).abs().max() for k in range(4)]
        same = [k for k, error in enumerate(errors) if error < 1e-12]
        assert len(same) == 1
        turns += same
    return torch.tensor(turns)


def task_loss(name, encoder, state, head, draw, shuffled):
    views = images_of(draw["views"])
    z, after = encode(encoder, state, views, True)
    if shuffled:
        z = z[torch.tensor(draw["permutation"])]
    if name == "contrastive":
        return contrast(head, z), after
    hidden = F.relu(linear(part(head, "hidden"), z))
    weight, bias = head["norm.gamma"], head["norm.beta"]
    hidden = F.batch_norm(hidden, None, None, weight, bias, True, eps=1e-5)
    logits = linear(part(head, "output"), hidden)
    return F.cross_entropy(logits, turns_of(draw["rows"], views)), after


def wanted_loss(encoder, state, head, head_state, batch):
    z, after = encode(encoder, state, images_of(batch["images"]), True)
    logits, head_after = classify(head, head_state, z, True)
    labels = torch.tensor(batch["labels"])
    right = (logits.argmax(1) == labels).double().mean().item()
    return F.cross_entropy(logits, labels), after, head_after, right


# Training.


class Adam:
    def __init__(self, params):
        self.first = {path: torch.zeros_like(x) for path, x in params.items()}
        self.second = dict(self.first)
        self.steps = 0

    def step(self, params, grads, rate, clip):
        if clip is not None:
            length = torch.sqrt(sum((g * g).sum() for g in grads.values()))
            grads = {path: g * min(1, clip / length) for path, g in grads.items()}
        self.steps += 1
        moved = {}
        for path, x in params.items():
            self.first[path] = 0.9 * self.first[path] + 0.1 * grads[path]
            self.second[path] = 0.999 * self.second[path] + 0.001 * grads[path] ** 2
            mean = self.first[path] / (1 - 0.9**self.steps)
            square = self.second[path] / (1 - 0.999**self.steps)
            moved[path] = x - rate * mean / (square.sqrt() + 1e-8)
        return moved


def free(tree):
    return {path: x.detach().clone().requires_grad_(True) for path, x in tree.items()}


def gradient(loss, tree, **options):
    grads = torch.autograd.grad(loss, list(tree.values()), allow_unused=True, **options)
    return {p: torch.zeros_like(x) if g is None else g for (p, x), g in zip(tree.items(), grads)}


def mean_of(trees):
    return {path: sum(tree[path] for tree in trees).detach() / len(trees) for path in trees[0]}


def adapt(encoder, state, head, name, draws, phase):
    """A copy of the encoder after steps on the task; losses, and gradients of its head."""
    options = phase["options"]
    exact = options["order"] == "exact"
    shuffled = options["placebo"] == "shuffled-targets"
    fast, losses, own = encoder, [], []
    for draw in draws:
        here = {path: x.clone() for path, x in head.items()}
        loss, _ = task_loss(name, fast, state, here, draw, shuffled)
        grads = gradient(loss, fast, create_graph=exact, retain_graph=True)
        own.append(gradient(loss, here, retain_graph=exact))
        steps = {path: g if exact else g.detach() for path, g in grads.items()}
        fast = {path: x - options["innerRate"] * steps[path] for path, x in fast.items()}
        losses.append(loss.item())
    return fast, losses, mean_of(own)


def meta_gradient(model, phase, batch):
    """Gradient of the outer loss, that of each head's own loss, statistics and metrics."""
    encoder, head = free(model["encoder"]), free(model["head"])
    heads = {name: free(tree) for name, tree in sorted(model["pretext"].items())}
    outer, own, after, head_after, metrics, right = 0, {}, [], [], {}, 0
    for name, tree in heads.items():
        state, head_state = model["state"], model["head_state"]
        fast, losses, own[name] = adapt(encoder, state, tree, name, batch["tasks"][name], phase)
        loss, one, other, hits = wanted_loss(fast, state, head, head_state, batch)
        outer, right = outer + loss / len(heads), right + hits / len(heads)
        after.append(one)
        head_after.append(other)
        metrics[f"{name}Loss"] = losses[0]
    grads = gradient(outer, whole(encoder=encoder, head=head, pretext=whole(**heads)))
    metrics |= {"loss": outer.item(), "accuracy": right}
    return grads, whole(**own), mean_of(after), mean_of(head_after), metrics


def step_gradient(model, phase, batch):
    """Gradient of a step, statistics after it, metrics."""
    objective, state = phase["objective"], model["state"]
    if objective == "meta":
        grads, own, after, head_after, metrics = meta_gradient(model, phase, batch)
        for path, g in own.items():
            grads[f"pretext.{path}"] = grads[f"pretext.{path}"] + g
        return grads, after, head_after, metrics
    encoder, head = free(model["encoder"]), free(model["head"])
    heads = {name: free(tree) for name, tree in model["pretext"].items()}
    losses, afters, metrics, head_after = {}, [], {}, {}
    for name, tree in heads.items():
        losses[name], after = task_loss(name, encoder, state, tree, batch["tasks"][name][0], False)
        metrics[f"{name}Loss"] = losses[name].item()
        losses[name] = losses[name] * phase["options"].get("pretextWeight", 1)
        afters.append(after)
    if objective == "pretext":
        metrics["loss"] = sum(metrics.values()) / len(metrics)
    else:
        found = wanted_loss(encoder, state, head, model["head_state"], batch)
        losses["wanted"], after, head_after, metrics["accuracy"] = found
        metrics["loss"], afters = losses["wanted"].item(), [after]
    loss = sum(losses.values()) / len(losses)
    grads = gradient(loss, whole(encoder=encoder, head=head, pretext=whole(**heads)))
    return grads, mean_of(afters), head_after, metrics


# Evaluation.


def refreshed(encoder, state, head=None, head_state=None):
    """Means of batch statistics over batches of training images, the variances unbiased."""
    zero = {path: torch.zeros_like(x) for path, x in state.items()}
    zero_head = {path: torch.zeros_like(x) for path, x in (head_state or {}).items()}
    seen, seen_head = [], []
    with torch.no_grad():
        for rows in D["refresh"]:
            z, after = encode(encoder, zero, TRAIN[rows], True)
            seen.append({path: x / 0.1 for path, x in after.items()})
            if head_state:
                after = classify(head, zero_head, z, True)[1]
                seen_head.append({path: x / 0.1 for path, x in after.items()})
    return mean_of(seen), mean_of(seen_head) if seen_head else {}


def judge(model, images, labels):
    """Accuracy and loss of a classifier, or of a probe."""
    state, head_state = refreshed(
        model["encoder"], model["state"], model["head"], model["head_state"]
    )
    with torch.no_grad():
        z, _ = encode(model["encoder"], state, images, False)
        logits = classify(model["head"], head_state, z, False)[0] if head_state else linear(
            model["head"], z
        )
    right = (logits.argmax(1) == labels).double().mean().item()
    return right, F.cross_entropy(logits, labels).item()


def nearest(model, images, labels):
    state, _ = refreshed(model["encoder"], model["state"])
    with torch.no_grad():
        bank, asked = (
            F.normalize(encode(model["encoder"], state, x, False)[0])
            for x in (TRAIN[D["train"]], images)
        )
    cosines, places = (asked @ bank.T).topk(min(20, len(bank)))
    votes = torch.zeros(len(images), 10)
    votes.scatter_add_(1, LABELS[D["train"]][places], torch.exp(cosines / 0.07))
    return (votes.argmax(1) == labels).double().mean().item()


def judge_adapted(model, phase, images, labels):
    found = []
    for draw in D["adaptation"][phase["arm"]]:
        for name, tree in model["pretext"].items():
            encoder, head = free(model["encoder"]), free(tree)
            fast, _, _ = adapt(encoder, model["state"], head, name, draw[name], phase)
            found.append(judge({**model, "encoder": fast}, images, labels))
    return tuple(np.mean(found, axis=0).tolist())


def evaluation(model, phase):
    images, labels = TRAIN[D["validation"]], LABELS[D["validation"]]
    if phase["objective"] == "pretext":
        return {"nearestAccuracy": nearest(model, images, labels)}
    accuracy, loss = judge(model, images, labels)
    figures = {"validationAccuracy": accuracy, "validationLoss": loss}
    if phase["objective"] == "meta":
        figures["validationAccuracyAdapted"], _ = judge_adapted(model, phase, images, labels)
    return figures


# Arms.


def tensor_of(stored):
    return torch.tensor(stored["data"], dtype=torch.float64).reshape(stored["shape"])


def images_of(stored):
    return tensor_of(stored).permute(0, 3, 1, 2).contiguous()


def stored(tree, name):
    return {path: tensor_of(x) for path, x in part(tree, name).items()}


def rate_of(plan, step):
    rate = plan["rate"]
    if plan["schedule"] == "cosine":
        rate = rate * (1 + math.cos(math.pi * step / (plan["steps"] - 1))) / 2
    return float(np.float32(rate))


def summary(tree):
    """Inner product with sin(0.7 k) and cos(0.7 k), k from 0 over all numbers by sorted paths."""
    values = np.concatenate([tree[path].detach().numpy().ravel() for path in sorted(tree)])
    k = np.arange(len(values))
    return [float(values @ np.sin(0.7 * k)), float(values @ np.cos(0.7 * k))]


def run(phase, model):
    """Trains; a probe moves its head only."""
    probe = phase["phase"] == "linear-probe"
    name = f"{phase['arm']} {phase['phase']}"
    start = D["starts"][name]
    tasks = {path.split(".")[2] for path in start if path.startswith("params.pretext.")}
    model["pretext"] = {task: stored(start, f"params.pretext.{task}") for task in sorted(tasks)}
    model["head"] = stored(start, "params" if probe else "params.head")
    model["head_state"] = stored(start, "state.head")
    if probe:
        model["state"], _ = refreshed(model["encoder"], model["state"])

    def params():
        pretext = whole(**model["pretext"])
        both = whole(encoder=model["encoder"], head=model["head"], pretext=pretext)
        return model["head"] if probe else both

    optimizer, steps, evaluations = Adam(params()), [], [evaluation(model, phase)]
    for step, batch in enumerate(D["steps"][name]):
        if probe:
            head, labels = free(model["head"]), torch.tensor(batch["labels"])
            z, _ = encode(model["encoder"], model["state"], images_of(batch["images"]), False)
            logits = linear(head, z.detach())
            loss = F.cross_entropy(logits, labels)
            right = (logits.argmax(1) == labels).double().mean().item()
            grads, metrics = gradient(loss, head), {"loss": loss.item(), "accuracy": right}
        else:
            grads, model["state"], model["head_state"], metrics = step_gradient(
                model, phase, batch
            )
        moved = optimizer.step(params(), grads, rate_of(phase, step), phase["clip"])
        if probe:
            model["head"] = moved
        else:
            model["encoder"], model["head"] = part(moved, "encoder"), part(moved, "head")
            model["pretext"] = {task: part(moved, f"pretext.{task}") for task in model["pretext"]}
        steps.append({
            "metrics": metrics,
            "params": summary(params()),
            "first": summary(optimizer.first),
            "second": summary(optimizer.second),
            **({} if probe else {
                "state": summary(whole(encoder=model["state"], head=model["head_state"])),
            }),
        })
        evaluations.append(evaluation(model, phase))
    return {"steps": steps, "evaluations": evaluations}


def main():
    results, tests = {}, {}
    for arm in D["arms"]:
        model = {"encoder": stored(D["initial"], "params"), "state": stored(D["initial"], "state")}
        for phase in arm["phases"]:
            judged = {**model}
            results[f"{arm['name']} {phase['phase']}"] = run(phase, judged)
            test = (TEST, TEST_LABELS)
            if phase["phase"] != "pretrain":
                tests[f"{arm['name']} {phase['phase']}"] = judge(judged, *test)
                continue
            # What the phases after it begin with.
            model = {"encoder": judged["encoder"], "state": judged["state"]}
            if "as-is" in arm["protocols"]:
                tests[f"{arm['name']} as-is"] = judge(judged, *test)
            if "adapted" in arm["protocols"]:
                tests[f"{arm['name']} adapted"] = judge_adapted(judged, phase, *test)
        if "knn" in arm["protocols"]:
            tests[f"{arm['name']} knn"] = (nearest(model, TEST, TEST_LABELS),)
    return {"phases": results, "tests": tests}


D = json.loads(pathlib.Path(sys.argv[1]).read_text())
TRAIN, TEST = (images_of(D["images"][kind]) / 255 for kind in ("train", "test"))
LABELS, TEST_LABELS = (torch.tensor(D["labels"][kind]) for kind in ("train", "test"))
PIXELS = TRAIN[D["train"]]
MEAN = PIXELS.mean((0, 2, 3), keepdim=True)
DEVIATION = PIXELS.std((0, 2, 3), correction=0, keepdim=True)

numbers = json.loads(json.dumps(main()), parse_float=lambda text: float(f"{float(text):.9g}"))
pathlib.Path(__file__).with_name("golden.json").write_text(json.dumps(numbers, indent=1) + "\n")
