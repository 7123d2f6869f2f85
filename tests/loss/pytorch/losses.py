"""Losses by PyTorch in float64: value, gradient, and product of the Hessian with a vector.

  python3 losses.py        writes golden.json

Operands by formula (wave; the same in ../pytorch_test.ts). Losses that PyTorch has are PyTorch's own; the
others are written from their papers with its softmax cross-entropy, batch normalization and covariance.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def wave(shape, phase, centre=0.0, height=1.0):
    """Element k in row-major order is centre + height sin(0.7 k + phase)."""
    count = math.prod(shape)
    values = [centre + height * math.sin(0.7 * k + phase) for k in range(count)]
    return torch.tensor(values).reshape(shape)


LABELS = torch.tensor([2, 0, 1, 2, 1])
CLASSES = torch.tensor([0, 1, 0, 2, 0, 1])
OTHER = wave((5, 3), 2.0)


def nt_xent(x, temperature):
    """2002.05709, equation 1: the partner among all others, as a classification."""
    n = len(x)
    similarity = F.cosine_similarity(x[:, None], x[None], dim=-1) / temperature
    similarity = similarity.masked_fill(torch.eye(n, dtype=torch.bool), -math.inf)
    partner = torch.tensor([(i + n // 2) % n for i in range(n)])
    return F.cross_entropy(similarity, partner)


def supervised(x, temperature):
    """2004.11362, equation 2: outside of the logarithm."""
    n, total = len(x), 0
    u = F.normalize(x)
    for i in range(n):
        others = [a for a in range(n) if a != i]
        positive = [p for p in others if CLASSES[p] == CLASSES[i]]
        norm = torch.logsumexp(torch.stack([u[i] @ u[a] / temperature for a in others]), 0)
        for p in positive:
            total = total - (u[i] @ u[p] / temperature - norm) / len(positive)
    return total / n


def barlow_twins(x, redundancy):
    """2103.03230, listing 1: batch normalization, then the matrix over the batch."""
    a, b = (F.batch_norm(z, None, None, training=True, eps=1e-5) for z in (x, OTHER))
    c = a.T @ b / len(x)
    on = ((torch.diagonal(c) - 1) ** 2).sum()
    off = (c**2).sum() - (torch.diagonal(c) ** 2).sum()
    return on + redundancy * off


def vic_reg(x):
    """2105.04906, listing 1, with the weights 25, 25, 1."""
    total = 25 * F.mse_loss(x, OTHER)
    for z in (x, OTHER):
        total = total + 25 * F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean() / 2
        c = torch.cov(z.T)
        total = total + ((c**2).sum() - (torch.diagonal(c) ** 2).sum()) / z.shape[1]
    return total


LOSSES = {
    "cross-entropy": ((5, 3), lambda x: F.cross_entropy(3 * x, LABELS)),
    "label smoothing": ((5, 3), lambda x: F.cross_entropy(3 * x, LABELS, label_smoothing=0.1)),
    "binary cross-entropy": ((7,), lambda x: F.binary_cross_entropy_with_logits(3 * x, wave((7,), 1, 0.5, 0.5))),
    "mean squared error": ((4, 3), lambda x: F.mse_loss(x, wave((4, 3), 1))),
    "nt-xent": ((6, 4), lambda x: nt_xent(x, 0.1)),
    "nt-xent at 0.5": ((6, 4), lambda x: nt_xent(x, 0.5)),
    "supervised contrastive": ((6, 4), lambda x: supervised(x, 0.1)),
    "barlow twins": ((5, 3), lambda x: barlow_twins(x, 0.005)),
    "vicreg": ((5, 3), vic_reg),
}


def main():
    results = {}
    for name, (shape, loss) in LOSSES.items():
        x = wave(shape, 0.3).requires_grad_(True)
        value = loss(x)
        (gradient,) = torch.autograd.grad(value, x, create_graph=True)
        (product,) = torch.autograd.grad((gradient * wave(shape, 1.1)).sum(), x)
        listed = lambda y: [float(f"{number:.13g}") for number in y.flatten().tolist()]
        results[name] = {
            "shape": list(shape),
            "value": listed(value)[0],
            "gradient": listed(gradient),
            "hessianProduct": listed(product),
        }
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(results, indent=2) + "\n")


main()
