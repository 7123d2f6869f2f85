"""What the tasks of tasks.py share: images, the backbone, and heads by the paths of our parameters."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from draws import key_of, uniform

torch.set_default_dtype(torch.float64)

SIZE, BATCH, EMBEDDING, HIDDEN = 12, 4, 6, 5
LABELS = torch.tensor([2, 0, 1, 0])
IMAGES = uniform(key_of(1), (BATCH, SIZE, SIZE, 3))


def wave(shape, phase, centre=0.0, height=0.3):
    """Element k in row-major order is centre + height * sin(0.7 k + 0.01 k^2 + phase)."""
    k = np.arange(math.prod(shape))
    values = centre + height * np.sin(0.7 * k + 0.01 * k**2 + phase)
    return torch.from_numpy(values).reshape(shape)


BACKBONE = wave((SIZE * SIZE * 3, EMBEDDING), 0.2).requires_grad_(True)


def encode(images):
    return torch.tanh((images - 0.5).flatten(1) @ BACKBONE)


# Heads: shapes by path, and what they compute.


def classifier(inputs, classes):
    return {
        "hidden.weight": (inputs, HIDDEN), "hidden.bias": (HIDDEN,), "norm.gamma": (HIDDEN,),
        "norm.beta": (HIDDEN,), "output.weight": (HIDDEN, classes), "output.bias": (classes,),
    }


def batch_norm(x, head, name):
    axes = x.dim() - 1
    moved = x.movedim(axes, 1)
    y = F.batch_norm(moved, None, None, head[f"{name}.gamma"], head[f"{name}.beta"], training=True)
    return y.movedim(1, axes)


def linear(x, head, name):
    y = x @ head[f"{name}.weight"]
    return y + head[f"{name}.bias"] if f"{name}.bias" in head else y


def classify(head, x):
    return linear(batch_norm(F.relu(linear(x, head, "hidden")), head, "norm"), head, "output")


def projection(outputs):
    return {
        "hidden.weight": (EMBEDDING, HIDDEN), "hidden.bias": (HIDDEN,),
        "output.weight": (HIDDEN, outputs), "output.bias": (outputs,),
    }


def project(head, x):
    return linear(F.relu(linear(x, head, "hidden")), head, "output")


def mlp(inputs, hidden, outputs, bias=False, prefix=""):
    shapes = {}
    for k, width in enumerate(hidden):
        shapes[f"{prefix}hidden{k + 1}.weight"] = (inputs, width)
        shapes[f"{prefix}norm{k + 1}.gamma"] = shapes[f"{prefix}norm{k + 1}.beta"] = (width,)
        inputs = width
    shapes[f"{prefix}output.weight"] = (inputs, outputs)
    if bias:
        shapes[f"{prefix}output.bias"] = (outputs,)
    return shapes


def perceive(head, x, layers, prefix=""):
    for k in range(layers):
        x = linear(x, head, f"{prefix}hidden{k + 1}")
        x = F.relu(batch_norm(x, head, f"{prefix}norm{k + 1}"))
    return linear(x, head, f"{prefix}output")


def decoder(size, outputs, width=4):
    side = size // 2
    return {
        "start.weight": (EMBEDDING, side * side * width), "stage1.norm.gamma": (width,),
        "stage1.norm.beta": (width,), "stage1.up.weight": (4, 4, width, width),
        "stage1.up.bias": (width,), "output.weight": (3, 3, width, outputs), "output.bias": (outputs,),
    }


def decode(head, x, size, width=4):
    side = size // 2
    x = (x @ head["start.weight"]).reshape(-1, side, side, width)
    x = F.relu(batch_norm(x, head, "stage1.norm")).permute(0, 3, 1, 2)
    up = head["stage1.up.weight"].permute(3, 2, 0, 1)
    x = F.relu(F.conv_transpose2d(x, up, head["stage1.up.bias"], stride=2, padding=1))
    x = F.conv2d(x, head["output.weight"].permute(3, 2, 0, 1), head["output.bias"], padding=1)
    return x.permute(0, 2, 3, 1)
