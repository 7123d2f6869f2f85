"""Methods of several losses, from their papers: Auto-Lambda, FORUM, MOML; torch.autograd, SciPy's minimizer.

  python3 bilevel.py        writes bilevel.json

Tasks are regressions mean((tanh(x body) head - y)^2) of waves; the same in ../bilevel_pytorch_test.ts.
"""

import json
import math
import pathlib

import numpy as np
import torch
from scipy import optimize

torch.set_default_dtype(torch.float64)


def wave(shape, phase, height=0.8):
    """Element k in row-major order is height * sin(0.7 k + 0.01 k^2 + phase)."""
    k = torch.arange(math.prod(shape), dtype=torch.float64)
    return (height * torch.sin(0.7 * k + 0.01 * k * k + phase)).reshape(shape)


NAMES = ["aux", "noise", "wanted"]


def regression(body, head, batch):
    x, y = batch
    return ((torch.tanh(x @ body) @ head - y) ** 2).mean()


def batch(task, phase):
    return wave((5, 3), phase, 1.5), wave((5,), phase + 2.6 * task + 1)


def listed(*tensors):
    return [float(f"{x:.12g}") for t in tensors for x in t.detach().flatten().tolist()]


def free(*tensors):
    return [t.detach().clone().requires_grad_(True) for t in tensors]


def auto_lambda():
    """2202.03091, equations 2 to 5: look ahead, descend with the weights on what is wanted there, step."""
    params = free(wave((3, 2), 0.1), *(wave((2,), 1 + k) for k in range(3)))
    weights = torch.full((3,), 0.1, requires_grad=True)
    adam = torch.optim.Adam([weights], lr=0.05)
    steps = []
    for step in range(3):
        train = [batch(k, 0.3 + step) for k in range(3)]
        validation = [batch(k, 2.1 + step) for k in range(3)]
        losses = torch.stack([regression(params[0], params[1 + k], train[k]) for k in range(3)])
        grads = torch.autograd.grad((weights * losses).sum(), params, create_graph=True)
        ahead = [p - 0.3 * g for p, g in zip(params, grads)]
        wanted = regression(ahead[0], ahead[3], validation[2])
        (weights.grad,) = torch.autograd.grad(wanted, weights)
        slopes = weights.grad.clone()
        adam.step()
        losses = torch.stack([regression(params[0], params[1 + k], train[k]) for k in range(3)])
        grads = torch.autograd.grad((weights.detach() * losses).sum(), params)
        params = free(*(p - 0.3 * g for p, g in zip(params, grads)))
        steps.append({
            "slopes": listed(slopes), "weights": listed(weights), "wanted": listed(wanted)[0],
            "params": listed(*params),
        })
    return steps


def inner_loss(params, shared):
    """Regression to targets that are learned."""
    x, _ = batch(0, 0.3)
    return ((torch.tanh(x @ params) @ wave((2,), 1) - shared) ** 2).mean()


def outer_loss(params, shared, task):
    return regression(params, wave((2,), 1 + task), batch(task, 2.1)) + 0.05 * (task + 1) * (shared**2).mean()


def least(objective, gradient, size, bounds):
    found = optimize.minimize(
        objective, np.full(size, 1 / size), jac=gradient, method="SLSQP", bounds=bounds,
        constraints={"type": "eq", "fun": lambda w: w[:3].sum() - 1},
        options={"ftol": 1e-16, "maxiter": 2000},
    )
    return found.x


def forum():
    """2401.09257: q = f(shared, params) - f(shared, params*), and the shortest direction of descent."""
    params, shared = free(wave((3, 2), 0.1), wave((5,), 0.4))
    here = inner_loss(params, shared)
    here_grads = torch.autograd.grad(here, (params, shared))
    (best,) = free(params)
    for _ in range(4):
        (g,) = torch.autograd.grad(inner_loss(best, shared), best)
        (best,) = free(best - 0.3 * g)
    there = inner_loss(best, shared)
    (there_shared,) = torch.autograd.grad(there, shared)
    rows = [torch.cat([g.flatten() for g in torch.autograd.grad(outer_loss(params, shared, k), (params, shared))])
            for k in range(3)]
    rows.append(torch.cat([here_grads[0].flatten(), here_grads[1] - there_shared]))
    gram = (torch.stack(rows) @ torch.stack(rows).T).numpy()
    linear = np.array([0, 0, 0, 0.05 * gram[3, 3]])
    w = least(
        lambda w: w @ gram @ w / 2 - linear @ w, lambda w: gram @ w - linear, 4,
        [(0, None)] * 4,
    )
    direction = torch.from_numpy(w) @ torch.stack(rows)
    return {"gap": listed(here - there)[0], "weights": listed(torch.from_numpy(w[:3])), "direction": listed(direction)}


def moml():
    """2102.07121, algorithm 1: meta-gradients of all outer losses, combined as in 1810.04650, equation 3."""
    params, shared = free(wave((3, 2), 0.1), wave((5,), 0.4))
    fast = params
    for _ in range(2):
        (g,) = torch.autograd.grad(inner_loss(fast, shared), fast, create_graph=True)
        fast = fast - 0.3 * g
    losses = [outer_loss(fast, shared, k) for k in range(3)]
    rows = torch.stack([
        torch.cat([g.flatten() for g in torch.autograd.grad(loss, (params, shared), retain_graph=True)])
        for loss in losses
    ])
    gram = (rows @ rows.T).numpy()
    w = least(lambda w: w @ gram @ w, lambda w: 2 * gram @ w, 3, [(0, 1)] * 3)
    return {
        "losses": listed(*losses), "weights": listed(torch.from_numpy(w)),
        "direction": listed(torch.from_numpy(w) @ rows), "each": listed(rows),
    }


RESULTS = {"autoLambda": auto_lambda(), "forum": forum(), "moml": moml()}
pathlib.Path(__file__).with_name("bilevel.json").write_text(json.dumps(RESULTS, indent=2) + "\n")
