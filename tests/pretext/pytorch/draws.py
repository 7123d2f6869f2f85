"""Random numbers of src/random: Threefry-2x32-20 (Salmon et al., SC 2011), key by key."""

import numpy as np
import torch

MASK = 0xFFFFFFFF


def threefry(key, counters):
    """First words of the counters (c, 0)."""
    keys = [key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]]
    x = (np.asarray(counters, dtype=np.uint64) + np.uint64(keys[0])) & np.uint64(MASK)
    y = np.full_like(x, keys[1])
    for group in range(5):
        for rotation in (13, 15, 26, 6) if group % 2 == 0 else (17, 29, 16, 24):
            x = (x + y) & np.uint64(MASK)
            y = ((y << np.uint64(rotation)) | (y >> np.uint64(32 - rotation))) & np.uint64(MASK)
            y ^= x
        x = (x + np.uint64(keys[(group + 1) % 3])) & np.uint64(MASK)
        y = (y + np.uint64(keys[(group + 2) % 3] + group + 1)) & np.uint64(MASK)
    return x


assert threefry((0, 0), [0])[0] == 0x6B200159  # Random123's known answer


def key_of(seed):
    return seed >> 32, seed & MASK


def bits(key, shape):
    return threefry(key, np.arange(np.prod(shape, dtype=int))).reshape(shape)


def split(key, count):
    words = bits((key[0] ^ 0x243F6A88, key[1] ^ 0x85A308D3), (count, 2))
    return [(int(a), int(b)) for a, b in words]


def uniform(key, shape):
    return torch.from_numpy((bits(key, shape) >> np.uint64(8)).astype(float) / 2**24)


def integers(key, shape, count):
    return torch.from_numpy((bits(key, shape) % np.uint64(count)).astype(np.int64))
