"""The networks of src/nn, built from PyTorch's own layers under our names for the parts."""

from collections import OrderedDict

import torch
from torch import nn

from layers import Patches, Positions


def named(**parts):
    return nn.Sequential(OrderedDict(parts))


class Flat(nn.Module):
    """Images as vectors by height, width, channel; PyTorch's own order is channel, height, width."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class Apply(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return self.fn(x)


def norm_of(kind, features):
    """The normalization of a convolutional network, by our name."""
    if kind == "batch":
        return nn.BatchNorm2d(features)
    if kind == "batch-own":
        return nn.BatchNorm2d(features, track_running_stats=False)
    if kind == "layer":
        return nn.GroupNorm(1, features)
    groups = min(32, features)
    while features % groups != 0:
        groups -= 1
    return nn.GroupNorm(groups, features)


def conv4(ways, channels=32, side=2, inputs=3):
    def block(inputs):
        return named(
            conv=nn.Conv2d(inputs, channels, 3, padding=1, bias=False),
            norm=norm_of("batch-own", channels),
            relu=nn.ReLU(),
            pool=nn.MaxPool2d(2),
        )

    return named(
        block1=block(inputs),
        block2=block(channels),
        block3=block(channels),
        block4=block(channels),
        flatten=nn.Flatten(),
        output=nn.Linear(side * side * channels, ways),
    )


def encoder(widths, embedding, side, inputs=3):
    stages = {}
    for k, width in enumerate(widths):
        stages[f"stage{k + 1}"] = named(
            conv1=nn.Conv2d(inputs, width, 3, padding=1),
            relu1=nn.ReLU(),
            norm1=nn.BatchNorm2d(width),
            conv2=nn.Conv2d(width, width, 3),
            relu2=nn.ReLU(),
            norm2=nn.BatchNorm2d(width),
            pool=nn.MaxPool2d(2),
        )
        inputs, side = width, (side - 2) // 2
    return named(
        **stages,
        flatten=Flat(),
        embedding=nn.Linear(side * side * inputs, embedding),
        norm=nn.BatchNorm1d(embedding),
    )


def decoder(inputs, side, outputs, widths):
    side //= 2 ** len(widths)
    stages = {}
    for k, width in enumerate(widths):
        last = k == len(widths) - 1
        stages[f"stage{k + 1}"] = named(
            norm=norm_of("batch-own", width),
            relu=nn.ReLU(),
            up=nn.ConvTranspose2d(width, width if last else widths[k + 1], 4, 2, 1, bias=last),
        )
    return named(
        start=nn.Linear(inputs, side * side * widths[0], bias=False),
        map=Apply(lambda x: x.reshape(-1, side, side, widths[0]).permute(0, 3, 1, 2)),
        **stages,
        relu=nn.ReLU(),
        output=nn.Conv2d(widths[-1], outputs, 3, padding=1),
        last=Apply(lambda x: x.permute(0, 2, 3, 1)),
    )


class Residual(nn.Module):
    """Parts of the body under their own names, and beside them `shortcut`."""

    def __init__(self, body, shortcut):
        super().__init__()
        for name, part in body.items():
            self.add_module(name, part)
        self.names = list(body)
        self.shortcut = shortcut

    def forward(self, x):
        y = x
        for name in self.names:
            y = getattr(self, name)(y)
        return torch.relu(y + (x if self.shortcut is None else self.shortcut(x)))


def res_net(depth, width=64, kind="batch", stem="small"):
    expansion, counts = (1, [2, 2, 2, 2]) if depth == 18 else (4, [3, 4, 6, 3])

    def conv(inputs, outputs, kernel, stride=1):
        return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)

    def block(inputs, features, stride):
        outputs = features * expansion
        if depth == 18:
            sizes = [(inputs, features, 3, stride), (features, features, 3, 1)]
        else:
            sizes = [(inputs, features, 1, 1), (features, features, 3, stride), (features, outputs, 1, 1)]
        body = {}
        for k, size in enumerate(sizes):
            body[f"conv{k + 1}"] = conv(*size)
            body[f"norm{k + 1}"] = norm_of(kind, size[1])
            if k < len(sizes) - 1:
                body[f"relu{k + 1}"] = nn.ReLU()
        if stride == 1 and inputs == outputs:
            return Residual(body, None)
        shortcut = named(conv=conv(inputs, outputs, 1, stride), norm=norm_of(kind, outputs))
        return Residual(body, shortcut)

    stages, inputs = {}, width
    for stage, count in enumerate(counts):
        blocks = {}
        for k in range(count):
            stride = 2 if k == 0 and stage > 0 else 1
            blocks[f"block{k + 1}"] = block(inputs, width * 2**stage, stride)
            inputs = width * 2**stage * expansion
        stages[f"stage{stage + 1}"] = named(**blocks)
    first = {"conv": conv(3, width, 3)}
    if stem == "imagenet":
        first = {"conv": conv(3, width, 7, 2)}
    first["norm"] = norm_of(kind, width)
    first["relu"] = nn.ReLU()
    if stem == "imagenet":
        first["pool"] = nn.MaxPool2d(3, 2, 1)
    return named(stem=named(**first), **stages, pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())


class Attention(nn.Module):
    def __init__(self, features, heads):
        super().__init__()
        self.norm = nn.LayerNorm(features, eps=1e-6)
        self.mix = nn.MultiheadAttention(features, heads, batch_first=True)

    def forward(self, x):
        y = self.norm(x)
        return x + self.mix(y, y, y, need_weights=False)[0]


class Perceptron(nn.Module):
    def __init__(self, features, expansion=4):
        super().__init__()
        self.norm = nn.LayerNorm(features, eps=1e-6)
        self.hidden = nn.Linear(features, expansion * features)
        self.output = nn.Linear(expansion * features, features)

    def forward(self, x):
        return x + self.output(nn.functional.gelu(self.hidden(self.norm(x))))


def vit(side, patch=4, features=192, depth=12, heads=3):
    def block():
        return named(attention=Attention(features, heads), perceptron=Perceptron(features))

    return named(
        patches=Patches(3, features, patch, patch),
        rows=Apply(lambda x: x.flatten(2).transpose(1, 2)),
        positions=Positions((side // patch) ** 2, features),
        **{f"block{k + 1}": block() for k in range(depth)},
        norm=nn.LayerNorm(features, eps=1e-6),
        mean=Apply(lambda x: x.mean(1)),
    )


def classifier(inputs, classes, hidden):
    return named(
        hidden=nn.Linear(inputs, hidden),
        relu=nn.ReLU(),
        norm=nn.BatchNorm1d(hidden),
        output=nn.Linear(hidden, classes),
    )
