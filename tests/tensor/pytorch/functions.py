"""Functions of src/tensor and layers of src/nn by PyTorch in float64.

  python3 functions.py        writes golden.json: value, gradient and Hessian product

The operand is wave(shape); of a function `f`, `value` is f(x), `gradient` that of sum(sin(f(x)) wave), and
`hessianProduct` the product of the Hessian of that sum with a wave.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def wave(shape, phase, centre=0.0, height=1.5):
    """Element k in row-major order is centre + height * sin(0.7 k + 0.01 k^2 + phase)."""
    k = torch.arange(math.prod(shape), dtype=torch.float64)
    return (centre + height * torch.sin(0.7 * k + 0.01 * k * k + phase)).reshape(shape)


def first(x):
    return x.permute(0, 3, 1, 2)


def last(x):
    return x.permute(0, 2, 3, 1)


def filters(shape):
    """Ours are [height, width, in, out]."""
    return wave(shape, 2.0).permute(3, 2, 0, 1)


OTHER, SCALES, OFFSETS = wave((2, 3, 4), 2.0), wave((4,), 1.0, 1.0, 0.5), wave((4,), 0.5)


def batch_norm(x):
    """Two batches in training, then evaluation with what they left."""
    layer = torch.nn.BatchNorm1d(4)
    with torch.no_grad():
        layer.weight.copy_(SCALES)
        layer.bias.copy_(OFFSETS)
        layer.train()(x.reshape(6, 4).detach())
        layer.train()(2 * x.reshape(6, 4).detach() + 1)
    return layer.eval()(x.reshape(6, 4)).reshape(2, 3, 4)


VECTORS, IMAGES = (2, 3, 4), (2, 5, 6, 4)
FUNCTIONS = {
    "leakyRelu": (VECTORS, lambda x: F.leaky_relu(x)),
    "elu": (VECTORS, lambda x: F.elu(x, 1.3)),
    "silu": (VECTORS, F.silu),
    "gelu": (VECTORS, F.gelu),
    "gelu, approximate": (VECTORS, lambda x: F.gelu(x, approximate="tanh")),
    "softplus": (VECTORS, F.softplus),
    "sigmoid": (VECTORS, torch.sigmoid),
    "erf": (VECTORS, torch.erf),
    "expm1": (VECTORS, torch.expm1),
    "asinh": (VECTORS, torch.asinh),
    "atan2": (VECTORS, lambda x: torch.atan2(x, OTHER)),
    "logAddExp": (VECTORS, lambda x: torch.logaddexp(x, OTHER)),
    "softmax": (VECTORS, lambda x: F.softmax(x, -1)),
    "softmax of two axes": (VECTORS, lambda x: F.softmax(x.permute(1, 0, 2).flatten(1), 1).reshape(3, 2, 4).permute(1, 0, 2)),
    "logSoftmax": (VECTORS, lambda x: F.log_softmax(x, 1)),
    "logSumExp": (VECTORS, lambda x: torch.logsumexp(x, (0, 2))),
    "variance": (VECTORS, lambda x: x.var((0, 2), correction=0)),
    "variance, unbiased": (VECTORS, lambda x: x.var(1, correction=1)),
    "l2Normalize": (VECTORS, lambda x: F.normalize(x, dim=-1)),
    "prod": (VECTORS, lambda x: torch.prod(x, 1)),
    "cumProd": (VECTORS, lambda x: torch.cumprod(x, 1)),
    "cumSum": (VECTORS, lambda x: torch.cumsum(x, 2)),
    "attention": (VECTORS, lambda x: F.scaled_dot_product_attention(x, OTHER, x * OTHER)),
    "attention, causal": (VECTORS, lambda x: F.scaled_dot_product_attention(x, OTHER, x * OTHER, is_causal=True)),
    "maxPool2d": (IMAGES, lambda x: last(F.max_pool2d(first(x), 3, 2, 1))),
    "avgPool2d": (IMAGES, lambda x: last(F.avg_pool2d(first(x), 3, 2, 1, count_include_pad=False))),
    "avgPool2d, with padding": (IMAGES, lambda x: last(F.avg_pool2d(first(x), 3, 2, 1))),
    "conv2d": (IMAGES, lambda x: last(F.conv2d(first(x), filters((3, 2, 4, 3)), None, (2, 1), (1, 2), (1, 2)))),
    "conv2d in groups": (IMAGES, lambda x: last(F.conv2d(first(x), filters((3, 3, 2, 6)), padding=1, groups=2))),
    "convTranspose2d": (
        IMAGES,
        lambda x: last(F.conv_transpose2d(first(x), filters((3, 3, 2, 4)), None, 2, 1, 1)),
    ),
    "resizeImages, larger": (IMAGES, lambda x: last(F.interpolate(first(x), (8, 9), mode="bilinear"))),
    "resizeImages, smaller": (IMAGES, lambda x: last(F.interpolate(first(x), (3, 4), mode="bilinear"))),
    "resizeImages, smoothed": (
        IMAGES, lambda x: last(F.interpolate(first(x), (3, 4), mode="bilinear", antialias=True))
    ),
    "pad, reflected": (IMAGES, lambda x: last(F.pad(first(x), (2, 1, 1, 3), mode="reflect"))),
    "layerNorm": (VECTORS, lambda x: F.layer_norm(x, (4,), SCALES, OFFSETS)),
    "groupNorm": (IMAGES, lambda x: last(F.group_norm(first(x), 2, SCALES, OFFSETS))),
    "batchNorm, own statistics": (
        IMAGES, lambda x: last(F.batch_norm(first(x), None, None, SCALES, OFFSETS, True))
    ),
    "batchNorm, evaluated": (VECTORS, batch_norm),
}


def main():
    results = {}
    for name, (shape, f) in FUNCTIONS.items():
        x = wave(shape, 0.3).requires_grad_(True)
        y = f(x)
        objective = (torch.sin(y) * wave(y.shape, 1.1)).sum()
        (gradient,) = torch.autograd.grad(objective, x, create_graph=True)
        (product,) = torch.autograd.grad((gradient * wave(shape, 2.3)).sum(), x)
        # Of many numbers sums with waves.
        few = lambda z: [z.reshape(-1)] if z.numel() <= 24 else [
            torch.stack([(z * wave(z.shape, phase)).sum() for phase in range(6)])
        ]
        listed = lambda z: [float(f"{number:.13g}") for part in few(z) for number in part.tolist()]
        results[name] = {
            "shape": list(shape),
            "value": listed(y),
            "gradient": listed(gradient),
            "hessianProduct": listed(product),
        }
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(results, indent=2) + "\n")


main()
