"""Tasks that ask what was done to an image: labels, turns, tiles, colours, holes, hidden patches."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

import augment
from draws import integers, split, uniform
from fixtures import (
    BATCH, IMAGES, LABELS, SIZE, classify, decode, encode,
)

def told(logits, labels):
    right = (logits.argmax(1) == labels).double().mean()
    return F.cross_entropy(logits, labels), {"accuracy": right}


def classification(head, key):
    return told(classify(head, encode(augment.supervised(IMAGES, split(key, 2)[0]))), LABELS)


def rotation(head, key):
    """1803.07728; the first images by no turn, then all by one, counter-clockwise."""
    turns = torch.arange(4).repeat_interleave(BATCH)
    views = [torch.rot90(image, k, (0, 1)) for k in range(4) for image in IMAGES]
    return told(classify(head, encode(torch.stack(views))), turns)


def cut(images, cells, key, grid, gap, side):
    """Tiles of cells (row, column) at random whole places, scaled to `side`."""
    cell = SIZE // grid
    tile = cell - gap
    at = (cells * cell + integers(key, (len(images), 2), gap + 1)).double() / SIZE
    extent = torch.full((len(images),), tile / SIZE)
    return augment.window(images, at[:, 0], at[:, 1], extent, extent, side, side)


def standardized(tiles):
    """1603.09246, section 4.2: every channel of a tile, here around 0.5 and cut to [0, 1]."""
    mean = tiles.mean((1, 2), keepdim=True)
    deviation = torch.sqrt(tiles.var((1, 2), keepdim=True, correction=0) + 1e-5)
    return ((tiles - mean) / deviation / 6 + 0.5).clamp(0, 1)


def distant(items, count):
    """Greedily the permutation whose least Hamming distance from those before is greatest."""
    every = np.array(list(itertools.permutations(range(items))))
    chosen = [0]
    nearest = np.full(len(every), items + 1)
    while len(chosen) < count:
        nearest = np.minimum(nearest, (every != every[chosen[-1]]).sum(1))
        chosen.append(int(nearest.argmax()))
    return torch.from_numpy(every[chosen])


def all_tiles(key, grid, gap, side):
    """Grey images first, then all tiles of all images by cell: [BATCH, tiles, side, side, 3]."""
    keys, count = split(key, 4), grid * grid
    images = augment.grayscale(IMAGES, keys[2], 0.3)
    cells = torch.tensor([[k // grid, k % grid] for k in range(count)]).repeat_interleave(BATCH, 0)
    tiles = cut(images.repeat(count, 1, 1, 1), cells, keys[1], grid, gap, side)
    return standardized(tiles).reshape(count, BATCH, side, side, 3).transpose(0, 1), keys[0]


def jigsaw(head, key):
    """1603.09246 with one network: 2 x 2 tiles of 5 pixels in cells of 6, on grey."""
    tiles, order_key = all_tiles(key, 2, 1, 5)
    order = integers(order_key, (BATCH,), 24)
    table = distant(4, 24)
    pictures = torch.full((BATCH, SIZE, SIZE, 3), 0.5)
    for image in range(BATCH):
        for place, source in enumerate(table[order[image]].tolist()):
            y, x = place // 2 * 6, place % 2 * 6
            pictures[image, y : y + 5, x : x + 5] = tiles[image, source]
    return told(classify(head, encode(pictures)), order)


def jigsaw_tiles(head, key):
    """1603.09246, figure 3: every tile through the network, 12 orders of 3 x 3 tiles."""
    tiles, order_key = all_tiles(key, 3, 1, SIZE)
    order = integers(order_key, (BATCH,), 12)
    table = distant(9, 12)
    rows = [torch.cat([encode(tiles[k, table[order[k]][place]][None])[0] for place in range(9)])
            for k in range(BATCH)]
    return told(classify(head, torch.stack(rows)), order)


def relative_position(head, key):
    """1505.05192, section 3, all images grey."""
    keys = split(key, 4)
    choice = integers(keys[0], (BATCH,), 8)
    images = augment.grayscale(IMAGES, keys[2], 1)
    around = torch.tensor([[k // 3, k % 3] for k in range(9) if k != 4])[choice]
    cells = torch.cat([torch.ones_like(around), around])
    z = encode(standardized(cut(images.repeat(2, 1, 1, 1), cells, keys[1], 3, 1, SIZE)))
    return told(classify(head, torch.cat([z[:BATCH], z[BATCH:]], 1)), choice)


def lab(rgb):
    """CIE L*a*b* (D65) of sRGB, IEC 61966-2-1."""
    linear_rgb = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    matrix = torch.tensor([
        [0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ])
    xyz = linear_rgb @ matrix.T / torch.tensor([0.95047, 1.0, 1.08883])
    f = torch.where(xyz > (6 / 29) ** 3, xyz ** (1 / 3), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def colour_classes(step):
    """Cells of the plane of a and b that hold a colour of sRGB."""
    level = torch.linspace(0, 1, 65)
    cube = torch.stack(torch.meshgrid(level, level, level, indexing="ij"), -1).reshape(-1, 3)
    cells = torch.floor(lab(cube)[:, 1:] / step + 0.5).long()
    return torch.unique(cells, dim=0).double() * step


CENTRES = colour_classes(20)
MAP = 6


def colorization(head, key):
    """1603.08511, equations 2, 4 and 5; soft targets over all classes, frequencies of the batch."""
    colours = lab(IMAGES)
    z = encode((colours[..., :1] / 100).expand_as(IMAGES))
    logits = decode(head, z, MAP).reshape(-1, len(CENTRES))
    ab = F.avg_pool2d(colours[..., 1:].permute(0, 3, 1, 2), SIZE // MAP).permute(0, 2, 3, 1)
    own = ab.reshape(-1, 2)
    distance = torch.cdist(own, CENTRES)
    nearest = distance.argmin(1)
    density = torch.exp(-0.5 * (distance / 10) ** 2)
    target = density / density.sum(1, keepdim=True)
    prior = target.mean(0)
    weights = 1 / (0.5 * prior + 0.5 / len(CENTRES))
    weights = weights / (weights * prior).sum()
    terms = weights[nearest] * -(target * F.log_softmax(logits, 1)).sum(1)
    annealed = F.softmax(logits / 0.38, 1) @ CENTRES
    middle = ab.mean((1, 2), keepdim=True)
    left = ((annealed - own) ** 2).mean() / ((ab - middle) ** 2).mean()
    right = (logits.argmax(1) == nearest).double().mean()
    return terms.mean(), {"accuracy": right, "explained": 1 - left}


def inpainting(head, key, drawn=False):
    """1604.07379, equation 1, around the mean colour of what is visible; a hole of half the side."""
    hole = SIZE // 2
    at = integers(split(key, 2)[0], (BATCH, 2), SIZE - hole + 1) if drawn else torch.full((BATCH, 2), 3)
    hidden = torch.zeros(BATCH, SIZE, SIZE, 1, dtype=torch.bool)
    for k, (y, x) in enumerate(at.tolist()):
        hidden[k, y : y + hole, x : x + hole] = True
    mean = torch.stack([image[~gone[..., 0]].mean(0) for image, gone in zip(IMAGES, hidden)])
    mean = mean[:, None, None]
    output = decode(head, encode(torch.where(hidden, mean, IMAGES)), SIZE)
    inside = hidden.expand_as(IMAGES)
    wanted = (IMAGES - mean)[inside]
    loss = F.mse_loss(output[inside], wanted)
    return loss, {"explained": 1 - loss / (wanted**2).mean()}


def masked(head, key, shown):
    """2111.06377, section 3: 27 of 36 patches of 2 x 2 hidden, those of least random score."""
    scores = uniform(split(key, 2)[0], (BATCH, 36))
    hidden = torch.zeros(BATCH, 36, dtype=torch.bool)
    hidden.scatter_(1, scores.argsort(1)[:, :27], True)
    away = hidden.reshape(BATCH, 6, 6).repeat_interleave(2, 1).repeat_interleave(2, 2)[..., None]
    if shown == "channel":
        both = torch.cat([torch.where(away, 0.0, IMAGES), away.double()], 3)
        seen = both @ head["join"][0, 0]
    else:
        token = torch.sigmoid(head["token"]).repeat(6, 6, 1) if shown == "token" else 0.5
        seen = torch.where(away, token, IMAGES)
    cut_up = lambda x: x.reshape(BATCH, 6, 2, 6, 2, 3).transpose(2, 3).reshape(BATCH, 36, 12)
    target = cut_up(IMAGES)
    deviation = torch.sqrt(target.var(2, keepdim=True, correction=0) + 1e-6)
    target = (target - target.mean(2, keepdim=True)) / deviation
    loss = F.mse_loss(cut_up(decode(head, encode(seen), SIZE))[hidden], target[hidden])
    return loss, {"explained": 1 - loss / (target[hidden] ** 2).mean()}
