"""Weights of src/nn in PyTorch: the safetensors format, and where each parameter belongs.

A module tree whose parts bear the names of ours is filled from a file of ours, and written to one;
PLACES is the table of src/nn/README.md as code.
"""

import json
import struct

import numpy
import torch
from torch import nn

TYPES = {"F64": numpy.float64, "F32": numpy.float32, "I32": numpy.int32, "U32": numpy.uint32}


def read(path):
    """Tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = numpy.frombuffer(data[begin:end], TYPES[entry["dtype"]]).copy()
        tensors[name] = torch.from_numpy(flat.reshape(entry["shape"]))
    return tensors


def write(path, tensors):
    """Writes float32 tensors as a safetensors file."""
    header, pieces, offset = {}, [], 0
    for name, tensor in tensors.items():
        piece = tensor.detach().float().contiguous().numpy().tobytes()
        end = offset + len(piece)
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        pieces.append(piece)
        offset = end
    head = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head + b"".join(pieces))


class Patches(nn.Conv2d):
    """Patches to tokens: a convolution whose filters do not overlap."""


class Positions(nn.Module):
    """A learned vector for every token."""

    def __init__(self, tokens, features):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(tokens, features) * 0.02)

    def forward(self, x):
        return x + self.embedding


FILTERS = ("weight", "params", "weight", (3, 2, 0, 1))
BIAS = ("bias", "params", "bias", None)
SCALES = [("weight", "params", "gamma", None), ("bias", "params", "beta", None)]
RUNNING = [("running_mean", "state", "mean", None), ("running_var", "state", "variance", None)]

# For each kind of module: name there, part and name here, the order of our axes there.
PLACES = {
    nn.Conv2d: [FILTERS, BIAS],
    nn.ConvTranspose2d: [FILTERS, BIAS],
    nn.Linear: [("weight", "params", "weight", (1, 0)), BIAS],
    nn.BatchNorm1d: SCALES + RUNNING,
    nn.BatchNorm2d: SCALES + RUNNING,
    nn.GroupNorm: SCALES,
    nn.LayerNorm: SCALES,
    Patches: [FILTERS, BIAS],
    Positions: [("embedding", "params", "embedding", None)],
    nn.MultiheadAttention: [
        ("in_proj_weight", "params", "input.weight", (1, 0)),
        ("in_proj_bias", "params", "input.bias", None),
        ("out_proj.weight", "params", "output.weight", (1, 0)),
        ("out_proj.bias", "params", "output.bias", None),
    ],
}


def places(module):
    """Our name, the tensor there, and the order of our axes there, for every tensor of a module."""
    for path, part in module.named_modules():
        if ".out_proj" in path or type(part) not in PLACES:
            continue
        for there, kind, here, order in PLACES[type(part)]:
            tensor = part
            for name in there.split("."):
                tensor = getattr(tensor, name)
            if tensor is not None:
                yield f"{kind}.{path}.{here}", tensor, order, part


def load(module, tensors):
    """Fills a module with tensors of ours; every one must find its place."""
    left = {name for name in tensors if name.startswith(("params.", "state."))}
    with torch.no_grad():
        for name, tensor, order, part in places(module):
            ours = tensors[name]
            left.remove(name)
            if isinstance(part, Patches) and tensor.dim() == 4:
                side, channels = part.kernel_size[0], part.in_channels
                ours = ours.reshape(side, side, channels, -1)
            tensor.copy_(ours if order is None else ours.permute(order))
    assert not left, f"tensors without a place: {sorted(left)}"


def save(module):
    """The tensors of a module as ours."""
    tensors = {}
    for name, tensor, order, part in places(module):
        ours = tensor if order is None else tensor.permute([order.index(k) for k in range(len(order))])
        if isinstance(part, Patches) and tensor.dim() == 4:
            ours = ours.reshape(-1, part.out_channels)
        tensors[name] = ours.detach().clone()
    return tensors
