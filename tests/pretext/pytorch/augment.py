"""Random changes of images [n, height, width, channels] in PyTorch, from the papers and torchvision's formulas.

Windows are cut by torch.nn.functional.grid_sample; hue is turned through HSV and back (Smith 1978).
"""

import math

import torch
import torch.nn.functional as F

from draws import integers, split, uniform


def window(images, top, left, down, across, height, width):
    """Windows of images at fractions of their height and width, [n] each, scaled bilinearly."""
    y = top[:, None] + down[:, None] * (torch.arange(height) + 0.5) / height
    x = left[:, None] + across[:, None] * (torch.arange(width) + 0.5) / width
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), -1) * 2 - 1
    moved = images.permute(0, 3, 1, 2)
    cut = F.grid_sample(moved, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return cut.permute(0, 2, 3, 1)


def resized_crop(images, key):
    """1409.4842, section 6: area 0.08 to 1, ratio 3/4 to 4/3, any place; sides cut to the image."""
    n, height, width, _ = images.shape
    d = uniform(key, (n, 4))
    area = 0.08 + 0.92 * d[:, 0]
    ratio = torch.exp(math.log(3 / 4) + d[:, 1] * math.log(16 / 9))
    across = torch.clamp(torch.sqrt(area * height * width * ratio), max=width) / width
    down = torch.clamp(torch.sqrt(area * height * width / ratio), max=height) / height
    return window(images, d[:, 2] * (1 - down), d[:, 3] * (1 - across), down, across, height, width)


def flip(images, key):
    chosen = uniform(key, (len(images), 1, 1, 1)) < 0.5
    return torch.where(chosen, images.flip(2), images)


def grey(images):
    """ITU-R BT.601."""
    return (images * torch.tensor([0.299, 0.587, 0.114])).sum(-1, keepdim=True)


def grayscale(images, key, probability):
    chosen = uniform(key, (len(images), 1, 1, 1)) < probability
    return torch.where(chosen, grey(images).expand_as(images), images)


def blend(images, other, factor):
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def turn_hue(images, turn):
    """RGB to HSV, the hue plus `turn`, and back by the sixth that it falls into."""
    r, g, b = images.unbind(-1)
    value, least = images.max(-1).values, images.min(-1).values
    chroma = value - least
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    saturation = chroma / torch.where(value == 0, torch.ones_like(value), value)
    hue = torch.where(
        value == r, ((g - b) / safe) % 6, torch.where(value == g, (b - r) / safe + 2, (r - g) / safe + 4)
    )
    hue = (hue / 6 + turn) % 1
    sixth = torch.floor(hue * 6)
    f = hue * 6 - sixth
    p, q, t = (value * (1 - saturation * x) for x in (torch.ones_like(f), f, 1 - f))
    v = value
    sixths = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)]
    out = torch.zeros_like(images)
    for k, rgb in enumerate(sixths):
        out = torch.where((sixth % 6 == k)[..., None], torch.stack(rgb, -1), out)
    return out


def color_jitter(images, key):
    """2002.05709, appendix A at strength 0.5; each change as torchvision.transforms.functional does it."""
    n = len(images)
    d = uniform(key, (n, 6))[:, :, None, None, None]
    factor = [0.6 + 0.8 * d[:, k] for k in range(3)]
    x = blend(images, torch.zeros_like(images), factor[0])
    x = blend(x, grey(x).mean((1, 2, 3), keepdim=True), factor[1])
    x = blend(x, grey(x), factor[2])
    x = turn_hue(x, (d[:, 3, 0] * 2 - 1) * 0.1)
    return torch.where(d[:, 4] < 0.8, x, images)


def simclr(images, key):
    keys = split(key, 5)
    x = flip(resized_crop(images, keys[0]), keys[1])
    return grayscale(color_jitter(x, keys[2]), keys[3], 0.2)


def random_crop(images, key, padding=4):
    n, height, width, _ = images.shape
    padded = F.pad(images, (0, 0, padding, padding, padding, padding))
    at = integers(key, (n, 2), 2 * padding + 1)
    cut = [padded[k, y : y + height, x : x + width] for k, (y, x) in enumerate(at.tolist())]
    return torch.stack(cut)


def supervised(images, key):
    """1512.03385, section 4.2."""
    keys = split(key, 2)
    return flip(random_crop(images, keys[0]), keys[1])


def blur(images, key, radius=2):
    """2002.05709, appendix A: deviation 0.1 to 2, half of the images; inside of the image's edges."""
    n, height, width, _ = images.shape
    d = uniform(key, (n, 2))
    results = []
    for k in range(n):
        deviation = 0.1 + 1.9 * d[k, 0]
        kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / deviation) ** 2)
        whole = torch.outer(kernel, kernel)[None, None]
        x = images[k].permute(2, 0, 1)[:, None]
        weight = F.conv2d(torch.ones(1, 1, height, width), whole, padding=radius)
        spread = F.conv2d(x, whole, padding=radius) / weight
        results.append(spread[:, 0].permute(1, 2, 0) if d[k, 1] < 0.5 else images[k])
    return torch.stack(results)
