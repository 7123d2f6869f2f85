"""Tasks on two views of every image."""

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F

import augment
from draws import split
from fixtures import BATCH, IMAGES, LABELS, encode, perceive, project


def two_views(key):
    return encode(augment.simclr(IMAGES.repeat(2, 1, 1, 1), split(key, 2)[0]))


def view_metrics(x):
    """2011.10566, section 4.1: the deviation of unit vectors, times the root of their length."""
    u = F.normalize(x)
    deviation = torch.sqrt(u.var(0, correction=0) + 1e-12)
    return {
        "alignment": (u[:BATCH] * u[BATCH:]).sum(1).mean(),
        "spread": deviation.mean() * math.sqrt(x.shape[1]),
    }


def contrast(x, positive):
    """The mean over i of the mean of its positives' -log softmax among all others, at 0.1."""
    s = F.cosine_similarity(x[:, None], x[None], dim=-1) / 0.1
    s = s.masked_fill(torch.eye(len(x), dtype=torch.bool), -1e9)
    log_softmax = F.log_softmax(s, 1)
    return -torch.stack([log_softmax[i][positive[i]].mean() for i in range(len(x))]).mean()


def contrastive(head, key):
    """2002.05709, equation 1."""
    x = project(head, two_views(key))
    partner = [[(i + BATCH) % (2 * BATCH)] for i in range(2 * BATCH)]
    return contrast(x, partner), view_metrics(x)


def supervised_contrastive(head, key):
    """2004.11362, equation 2."""
    x, labels = project(head, two_views(key)), LABELS.repeat(2)
    same = [[p for p in range(2 * BATCH) if p != i and labels[p] == labels[i]] for i in range(2 * BATCH)]
    return contrast(x, same), view_metrics(x)


def exemplar(head, key):
    """1708.07860, section 2: the triplet loss over all other images, margin 0.5."""
    x = project(head, two_views(key))
    u = F.normalize(x)
    terms, excesses = [], []
    for i, j in itertools.permutations(range(BATCH), 2):
        near, far = 1 - u[i] @ u[BATCH + i], 1 - u[i] @ u[BATCH + j]
        terms.append(F.relu(near - far + 0.5))
        excesses.append(float(near > far))
    return torch.stack(terms).mean(), {"violated": torch.tensor(np.mean(excesses)), **view_metrics(x)}


def barlow_twins(head, key):
    """2103.03230, listing 1."""
    x = perceive(head, two_views(key), 2)
    a, b = (F.batch_norm(z, None, None, training=True) for z in x.split(BATCH))
    c = a.T @ b / BATCH
    on = torch.diagonal(c)
    return ((on - 1) ** 2).sum() + 0.005 * ((c**2).sum() - (on**2).sum()), view_metrics(x)


def vic_reg(head, key):
    """2105.04906, listing 1."""
    x = perceive(head, two_views(key), 2)
    one, other = x.split(BATCH)
    total = 25 * F.mse_loss(one, other)
    for z in (one, other):
        c = torch.cov(z.T)
        off = ((c**2).sum() - (torch.diagonal(c) ** 2).sum()) / z.shape[1]
        total = total + 12.5 * F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean() + off
    return total, view_metrics(x)


def sim_siam(head, key):
    """2011.10566, algorithm 1, plus 1: batch statistics over both views."""
    z = F.batch_norm(perceive(head, two_views(key), 2, "projector."), None, None, training=True)
    p = perceive(head, z, 1, "predictor.")
    d = lambda p, z: -F.cosine_similarity(p, z.detach()).mean()
    return 1 + d(p[:BATCH], z[BATCH:]) / 2 + d(p[BATCH:], z[:BATCH]) / 2, view_metrics(z)
