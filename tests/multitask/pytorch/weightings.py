"""Weighting methods of several tasks from their papers, in float64, by PyTorch's autograd and SciPy's solvers.

  python3 weightings.py        writes golden.json: weights and direction of every step of three tasks

Every step has gradients and losses by formula (rows_of, losses_of; the same in ../pytorch_test.ts). What the
papers train by gradient descent (variances, GradNorm's weights, FAMO's logits, IMTL's scales) is trained by
torch.optim on the loss that the paper writes down; what they solve is solved by SciPy. What is drawn
is drawn from the key 0 by ../../pretext/pytorch/draws.py.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from scipy import optimize

sys.path.append(str(pathlib.Path(__file__).parents[2] / "pretext/pytorch"))
from draws import bits, key_of, split, uniform

torch.set_default_dtype(torch.float64)
KEY = key_of(0)

STEPS, WIDTH = 6, 5
SCALES = [1.0, 3.0, 0.4]


def rows_of(step, tasks):
    """Gradients: element (task, j) is scale * sin(1 + 0.9 step + 2.1 task + 1.3 j + 0.4 task j)."""
    return np.array([
        [SCALES[k] * math.sin(1 + 0.9 * step + 2.1 * k + 1.3 * j + 0.4 * k * j) for j in range(WIDTH)]
        for k in range(tasks)
    ])


def losses_of(step, tasks):
    """Losses: (k + 1) 0.8^(step (k + 1) / 3) + 0.1 sin(step + k) + 0.2."""
    return np.array([
        (k + 1) * 0.8 ** (step * (k + 1) / 3) + 0.1 * math.sin(step + k) + 0.2 for k in range(tasks)
    ])


def second_of(step, tasks):
    """Gradients of a second sample."""
    return rows_of(step, tasks) + 0.3 * np.cos(np.arange(tasks * WIDTH).reshape(tasks, WIDTH) + step)


# Methods: generators that are sent (rows, losses, second) and give (weights, direction).


def weighted(weights, rows):
    return np.asarray(weights, float), np.asarray(weights, float) @ rows


def each(solve):
    """A method without a memory, from its function of rows and losses to weights."""

    def method(tasks):
        out = None
        while True:
            rows, losses, _ = yield out
            out = weighted(solve(rows, losses), rows)

    return method


def derivative(objective):
    """A method whose objective is a function of the losses."""

    def solve(_, losses):
        x = torch.tensor(losses, requires_grad=True)
        return torch.autograd.grad(objective(x), x)[0].numpy()

    return each(solve)


def uncertainty(tasks):
    """1705.07115, equation 7: sum of loss / (2 sigma^2) + log sigma, trained in s = log sigma^2."""
    s = torch.zeros(tasks, requires_grad=True)
    optimizer, out = torch.optim.SGD([s], lr=0.1), None
    while True:
        rows, losses, _ = yield out
        x = torch.tensor(losses, requires_grad=True)
        sigma = torch.exp(s / 2)
        total = (x / (2 * sigma**2) + torch.log(sigma)).sum()
        optimizer.zero_grad()
        total.backward()
        out = weighted(x.grad.numpy(), rows)
        optimizer.step()


def grad_norm(tasks):
    """1711.02257, equation 2 and algorithm 1, Adam at 0.025; the targets are constants."""
    w = torch.ones(tasks, requires_grad=True)
    optimizer, first, out = torch.optim.Adam([w], lr=0.025, eps=1e-30), None, None
    while True:
        rows, losses, _ = yield out
        first = losses if first is None else first
        out = weighted(w.detach().numpy().copy(), rows)
        norms = torch.stack([(w[k] * torch.tensor(rows[k])).norm() for k in range(tasks)])
        progress = torch.tensor(losses / first)
        target = (norms.mean() * (progress / progress.mean()) ** 1.5).detach()
        optimizer.zero_grad()
        (norms - target).abs().sum().backward()
        optimizer.step()
        with torch.no_grad():
            w *= tasks / w.sum()


def dwa(tasks):
    """1803.10704, equation 7, epochs of two steps, temperature 2."""
    epochs, current, out = [], [], None
    while True:
        rows, losses, _ = yield out
        r = epochs[-1] / epochs[-2] if len(epochs) >= 2 else np.ones(tasks)
        powers = np.exp(r / 2)
        out = weighted(tasks * powers / powers.sum(), rows)
        current.append(losses)
        if len(current) == 2:
            epochs.append(np.mean(current, 0))
            current = []


def famo(tasks):
    """2306.03792, algorithm 1: Adam on the logits, on the losses of the next step."""
    w = torch.zeros(tasks, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.025, weight_decay=0.001)
    before, out = None, None
    while True:
        rows, losses, _ = yield out
        if before is not None:
            fall = torch.log(torch.tensor(before)) - torch.log(torch.tensor(losses))
            optimizer.zero_grad()
            w.grad = torch.autograd.grad(F.softmax(w, -1), w, grad_outputs=fall)[0]
            optimizer.step()
        x = torch.tensor(losses, requires_grad=True)
        z = F.softmax(w, -1).detach()
        total = (z * torch.log(x)).sum() / (z / x).sum().detach()
        out = weighted(torch.autograd.grad(total, x)[0].numpy(), rows)
        before = losses


def imtl_l(tasks):
    """ICLR 2021, equation 7: e^s loss - s, trained in s."""
    s = torch.zeros(tasks, requires_grad=True)
    optimizer, out = torch.optim.SGD([s], lr=0.1), None
    while True:
        rows, losses, _ = yield out
        x = torch.tensor(losses, requires_grad=True)
        optimizer.zero_grad()
        (torch.exp(s) * x - s).sum().backward()
        out = weighted(x.grad.numpy(), rows)
        optimizer.step()


def imtl_g(rows, _):
    """ICLR 2021, equation 4: alpha = g_1 U' (D U')^-1."""
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    d, u = rows[0] - rows[1:], units[0] - units[1:]
    alpha = rows[0] @ u.T @ np.linalg.inv(d @ u.T)
    return np.concatenate([[1 - alpha.sum()], alpha])


def imtl(tasks):
    """ICLR 2021, algorithm 1: equation 4 on the gradients of the losses that equation 7 has scaled."""
    s = torch.zeros(tasks, requires_grad=True)
    optimizer, out = torch.optim.SGD([s], lr=0.1), None
    while True:
        rows, losses, _ = yield out
        scales = torch.exp(s.detach()).numpy()
        out = weighted(imtl_g(scales[:, None] * rows, None) * scales, rows)
        optimizer.zero_grad()
        (torch.exp(s) * torch.tensor(losses) - s).sum().backward()
        optimizer.step()


def on_simplex(objective, tasks, gradient=None):
    """Least value over the simplex."""
    best = None
    for start in [np.full(tasks, 1 / tasks), *np.eye(tasks)]:
        found = optimize.minimize(
            objective, start, jac=gradient, method="SLSQP", bounds=[(0, 1)] * tasks,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-16, "maxiter": 1000},
        )
        if best is None or found.fun < best.fun:
            best = found
    return best.x


def mgda(rows, _):
    """1810.04650, equation 3."""
    gram = rows @ rows.T
    return on_simplex(lambda w: w @ gram @ w, len(rows), lambda w: 2 * gram @ w)


def ca_grad(rows, _, radius=0.4):
    """2110.14048, equations 3 to 5: g0 + sqrt(phi) / |g_w| g_w."""
    tasks = len(rows)
    mean = rows.mean(0)
    phi = radius**2 * mean @ mean
    objective = lambda w: (w @ rows) @ mean + math.sqrt(phi) * np.linalg.norm(w @ rows)
    w = on_simplex(objective, tasks)
    return 1 / tasks + w * math.sqrt(phi) / np.linalg.norm(w @ rows)


def fair(alpha):
    """2402.15638, equation 6: G'G w = w^(-1/alpha); alpha 1 is 2202.01017, equation 2 (Nash-MTL)."""

    def solve(rows, _):
        gram = rows @ rows.T
        residual = lambda y: np.log(np.maximum(gram @ np.exp(y), 1e-300)) + y / alpha
        best = None
        for start in (-2, 0, 2):
            y = np.full(len(rows), float(start)) - np.log(np.linalg.norm(rows, axis=1))
            found = optimize.least_squares(residual, y, xtol=1e-15, ftol=1e-15, gtol=1e-15)
            if best is None or found.cost < best.cost:
                best = found
        assert best.cost < 1e-20, best
        return np.exp(best.x)

    return solve


def aligned_mtl(rows, _):
    """2305.19000, equation 12: sqrt(smallest) V L^(-1/2) V' w of the Gram matrix."""
    values, vectors = np.linalg.eigh(rows @ rows.T)
    balance = np.sqrt(values.min()) * vectors @ np.diag(values**-0.5) @ vectors.T
    return balance @ np.full(len(rows), 1 / len(rows))


def up_grad(rows, _):
    """2406.16232, proposition 1: mean over i of J'v, v the least-length one of v >= e_i."""
    tasks, gram = len(rows), rows @ rows.T
    total = np.zeros(tasks)
    for i in range(tasks):
        # v = e_i + t, t >= 0: a non-negative least-squares problem.
        t, _residual = optimize.nnls(rows.T, -rows[i], maxiter=1000)
        total += np.eye(tasks)[i] + t
    return total / tasks


def similarity(rows, _):
    """1812.02224, weighted: the cosine with the first task, not below 0."""
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.maximum(units @ units[0], 0)


def orders(tasks):
    """For every task an order of all, by random scores."""
    return uniform(split(KEY, 1)[0], (tasks, tasks)).argsort(1).tolist()


def grad_drop(tasks):
    """2010.06808, equation 1: positive elements are kept where U < (1 + sum g / sum |g|) / 2, negative ones elsewhere."""
    out = None
    while True:
        rows, _, _ = yield out
        purity = (1 + rows.sum(0) / np.abs(rows).sum(0)) / 2
        positive = uniform(split(KEY, 1)[0], (WIDTH,)).numpy() < purity
        out = None, (rows * np.where(positive, rows > 0, rows < 0)).sum(0)


def random_weights(rows, _):
    """2111.10603, section 3.2: the softmax of normal numbers, here by the method of Box and Muller."""
    u, v = (bits(KEY, (2, len(rows))) >> np.uint64(8)).astype(float) / 2**24
    return F.softmax(torch.from_numpy(np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)), 0).numpy()


def pc_grad(tasks):
    """2001.06782, algorithm 1."""
    out = None
    while True:
        rows, _, _ = yield out
        changed = [row.copy() for row in rows]
        for i, g in enumerate(changed):
            for j in orders(tasks)[i]:
                if j != i and g @ rows[j] < 0:
                    g -= (g @ rows[j]) / (rows[j] @ rows[j]) * rows[j]
        out = None, np.sum(changed, 0)


def grad_vac(tasks):
    """2010.05874, equation 3 and algorithm 1, beta 0.3."""
    target, out = np.zeros((tasks, tasks)), None
    while True:
        rows, _, _ = yield out
        changed = [row.copy() for row in rows]
        for i, g in enumerate(changed):
            for j in orders(tasks)[i]:
                if j == i:
                    continue
                a, b = np.linalg.norm(g), np.linalg.norm(rows[j])
                phi, want = g @ rows[j] / (a * b), target[i, j]
                if phi < want:
                    top = a * (want * math.sqrt(1 - phi**2) - phi * math.sqrt(1 - want**2))
                    g += top / (b * math.sqrt(1 - want**2)) * rows[j]
                target[i, j] = 0.7 * want + 0.3 * phi
        out = None, np.sum(changed, 0)


def lbtw(tasks):
    """AAAI 2019, algorithm 1 with alpha 0.5, epochs of four steps; rescaled to add up to the tasks."""
    step, out = 0, None
    while True:
        rows, losses, _ = yield out
        if step % 4 == 0:
            first = losses
        w = (losses / first) ** 0.5
        out = weighted(tasks * w / w.sum(), rows)
        step += 1


def db_mtl(tasks):
    """2308.12029, algorithm 1, beta 0.9 / step^0.5; the first mean is the first gradient."""
    step, out = 0, None
    while True:
        rows, losses, _ = yield out
        step += 1
        fresh = rows / losses[:, None]
        beta = 0.9 / step**0.5
        mean = fresh if step == 1 else beta * mean + (1 - beta) * fresh
        lengths = np.linalg.norm(mean, axis=1)
        weights = lengths.max() / lengths
        out = weights, weights @ mean


def excess_mtl(tasks):
    """2402.02009, algorithm 1, rate 0.3."""
    w, sums, first, out = np.ones(tasks), 0, None, None
    while True:
        rows, _, _ = yield out
        sums = sums + rows**2
        excess = (rows * rows / np.sqrt(sums)).sum(1)
        if first is None:
            first = excess
        else:
            w = w * np.exp(0.3 * excess / first)
            w = tasks * w / w.sum()
        out = weighted(w, rows)


def nearest_on_simplex(y):
    u = np.sort(y)[::-1]
    sums = np.cumsum(u) - 1
    rho = np.nonzero(u - sums / np.arange(1, len(y) + 1) > 0)[0][-1]
    return np.maximum(y - sums[rho] / (rho + 1), 0)


def mo_co(tasks):
    """2210.12624, algorithm 1; the first tracked gradients are the first gradients."""
    step, lam, out = 0, np.full(tasks, 1 / tasks), None
    while True:
        rows, _, _ = yield out
        step += 1
        y = rows if step == 1 else y - 0.5 / step**0.5 * (y - rows)
        lam = nearest_on_simplex(lam - 0.1 / step**0.5 * (y @ y.T + 0.05 * np.eye(tasks)) @ lam)
        out = lam, lam @ y


def mo_do(tasks):
    """2305.20057, algorithm 1, both samples in the step."""
    lam, out = np.full(tasks, 1 / tasks), None
    while True:
        rows, _, second = yield out
        lam = nearest_on_simplex(lam - 0.02 * (rows @ second.T @ lam + 0.1 * lam))
        out = lam, lam @ (rows + second) / 2


def sdm_grad(rows, _, pull=0.3):
    """2305.18409: the direction of (w + pull / K), over 1 + pull, at the least length of their combination."""
    tasks, gram = len(rows), rows @ rows.T
    # In units of the mean squared length, so that the minimizer's tolerance fits.
    gram = gram / np.trace(gram) * tasks
    mixed = lambda w: w + pull / tasks
    objective = lambda w: mixed(w) @ gram @ mixed(w)
    return mixed(on_simplex(objective, tasks, lambda w: 2 * gram @ mixed(w))) / (1 + pull)


def stch(tasks):
    """2402.19078: after two steps of warm-up mu log sum exp(log(loss / nadir) / mu), times the tasks."""
    seen, out = [], None
    while True:
        rows, losses, _ = yield out
        x = torch.tensor(losses, requires_grad=True)
        if len(seen) < 2:
            seen.append(losses)
            total = torch.log(x).sum()
        else:
            total = 0.3 * tasks * torch.logsumexp(torch.log(x / torch.tensor(np.mean(seen, 0))) / 0.3, 0)
        out = weighted(torch.autograd.grad(total, x)[0].numpy(), rows)


def focal(tasks):
    """1810.12193, section 3.4: -(1 - p)^2 log p, p the fall of the moving mean (a quarter new)."""
    mean, out = None, None
    while True:
        rows, losses, _ = yield out
        if mean is None:
            mean, p = losses, np.full(tasks, 0.5)
        else:
            fresh = 0.25 * losses + 0.75 * mean
            p, mean = np.minimum(fresh, mean) / mean, fresh
        out = weighted(-((1 - p) ** 2) * np.log(p), rows)


METHODS = {
    "uncertainty": (uncertainty, 3),
    "gradnorm": (grad_norm, 3),
    "dwa": (dwa, 3),
    "famo": (famo, 3),
    "imtl-l": (imtl_l, 3),
    "imtl-g": (each(imtl_g), 3),
    "imtl": (imtl, 3),
    "mgda": (each(mgda), 3),
    "cagrad": (each(ca_grad), 3),
    "nash-mtl": (each(fair(1)), 3),
    "fairgrad": (each(fair(2)), 3),
    "aligned-mtl": (each(aligned_mtl), 3),
    "upgrad": (each(up_grad), 3),
    "similarity": (each(similarity), 3),
    "pcgrad": (pc_grad, 3),
    "gradvac": (grad_vac, 3),
    "graddrop": (grad_drop, 3),
    "random": (each(random_weights), 3),
    "lbtw": (lbtw, 3),
    "db-mtl": (db_mtl, 3),
    "excessmtl": (excess_mtl, 3),
    "moco": (mo_co, 3),
    "modo": (mo_do, 3),
    "sdmgrad": (each(sdm_grad), 3),
    "stch": (stch, 3),
    "focal": (focal, 3),
    "gls": (derivative(lambda x: x.prod() ** (1 / len(x))), 3),
    "log": (derivative(lambda x: torch.log(x).sum()), 3),
}


def main():
    results = {}
    for name, (method, tasks) in METHODS.items():
        course = method(tasks)
        next(course)
        # Weights that move by signs alone take many steps to tell exponents apart.
        steps, stride = [], 12 if name == "gradnorm" else 1
        for step in range(STEPS * stride):
            given = rows_of(step, tasks), losses_of(step, tasks), second_of(step, tasks)
            weights, direction = course.send(given)
            shown = lambda x: None if x is None else [float(f"{value:.12g}") for value in x]
            if (step + 1) % stride == 0:
                steps.append({"weights": shown(weights), "direction": shown(direction)})
        results[name] = {"tasks": tasks, "stride": stride, "steps": steps}
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(results, indent=1) + "\n")


main()
