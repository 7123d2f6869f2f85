"""Masked autoencoding as in its paper (2111.06377, section 3): visible patches, tokens, a small transformer."""

import torch
import torch.nn.functional as F

from draws import split, uniform
from fixtures import BATCH, EMBEDDING, IMAGES, SIZE, linear, wave

FEATURES, HEADS, PATCH = 4, 2, 2
SIDE = SIZE // PATCH
PATCHES, VALUES = SIDE * SIDE, PATCH * PATCH * 3
VISIBLE = PATCHES - round(0.75 * PATCHES)

TOKENS = wave((VALUES, EMBEDDING), 0.2).requires_grad_(True)


def affine(name, inputs, outputs):
    return {f"{name}.weight": (inputs, outputs), f"{name}.bias": (outputs,)}


def scales(name):
    return {f"{name}.gamma": (FEATURES,), f"{name}.beta": (FEATURES,)}


SHAPES = {
    **affine("join", EMBEDDING, FEATURES), "token": (FEATURES,), "places": (PATCHES, FEATURES),
    **scales("block1.attention.norm"),
    **affine("block1.attention.mix.input", FEATURES, 3 * FEATURES),
    **affine("block1.attention.mix.output", FEATURES, FEATURES),
    **scales("block1.perceptron.norm"),
    **affine("block1.perceptron.hidden", FEATURES, 4 * FEATURES),
    **affine("block1.perceptron.output", 4 * FEATURES, FEATURES),
    **scales("norm"),
    **affine("output", FEATURES, VALUES),
}


def norm(x, head, name):
    return F.layer_norm(x, (FEATURES,), head[f"{name}.gamma"], head[f"{name}.beta"], eps=1e-6)


def decode(x, head):
    y = norm(x, head, "block1.attention.norm")
    q, k, v = linear(y, head, "block1.attention.mix.input").split(FEATURES, -1)
    apart = lambda z: z.unflatten(-1, (HEADS, -1)).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(apart(q), apart(k), apart(v)).transpose(1, 2).flatten(2)
    x = x + linear(mixed, head, "block1.attention.mix.output")
    y = F.gelu(linear(norm(x, head, "block1.perceptron.norm"), head, "block1.perceptron.hidden"))
    x = x + linear(y, head, "block1.perceptron.output")
    return linear(norm(x, head, "norm"), head, "output")


def masked_patches(head, key):
    """The patches of least random score are visible; the squared error of the others, each normalised."""
    scores = uniform(split(key, 2)[0], (BATCH, PATCHES))
    pixels = IMAGES.unflatten(1, (SIDE, PATCH)).unflatten(3, (SIDE, PATCH)).transpose(2, 3)
    pixels = pixels.reshape(BATCH, PATCHES, VALUES)
    losses, trivial = [], []
    for image in range(BATCH):
        seen = scores[image].argsort()[:VISIBLE]
        tokens = torch.tanh((pixels[image, seen] - 0.5) @ TOKENS)
        whole = head["token"].expand(PATCHES, FEATURES).index_put((seen,), linear(tokens, head, "join"))
        predicted = decode((whole + head["places"])[None], head)[0]
        for patch in sorted(set(range(PATCHES)) - set(seen.tolist())):
            target = pixels[image, patch]
            target = (target - target.mean()) / torch.sqrt(target.var(correction=0) + 1e-6)
            losses.append(((predicted[patch] - target) ** 2).mean())
            trivial.append((target**2).mean())
    loss = torch.stack(losses).mean()
    return loss, {"explained": 1 - loss / torch.stack(trivial).mean()}
