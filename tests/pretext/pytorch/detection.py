"""Detection of shrunk images on others, after YOLO."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

from draws import integers, split, uniform
from fixtures import BATCH, IMAGES, LABELS, SIZE, encode, perceive


def resize(image, rows, columns):
    """An image of `rows` x `columns` whose pixels are read between pixels, without antialiasing."""
    x = image.permute(2, 0, 1)[None]
    y = F.interpolate(x, (rows, columns), mode="bilinear", align_corners=False)
    return y[0].permute(1, 2, 0)


def overlap(a, b):
    width, height = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
    shared = max(0, float(width)) * max(0, float(height))
    area = lambda box: float((box[2] - box[0]) * (box[3] - box[1]))
    return shared / (area(a) + area(b) - shared)


def compose(key):
    """Up to two next images, of 6 x 4 to 6 pixels, on every image at half contrast."""
    keys, canvas = split(split(key, 2)[0], 4), IMAGES * 0.5 + 0.25
    objects = [[] for _ in range(BATCH)]
    for k in range(2):
        extent, room = integers(keys[2 * k], (BATCH, 2), 3) + 4, uniform(keys[2 * k + 1], (BATCH, 2))
        first = torch.floor(room * (SIZE + 1 - extent)).long()
        for image in range(BATCH):
            (rows, columns), (top, left) = extent[image].tolist(), first[image].tolist()
            box = (left, top, left + columns, top + rows)
            if any(overlap(box, other) > 0 for other, _ in objects[image]):
                continue
            source = (image - k - 1) % BATCH
            canvas[image, top : top + rows, left : left + columns] = resize(IMAGES[source], rows, columns)
            objects[image].append((box, int(LABELS[source])))
    return canvas, objects


def detection(head, key, cells=3):
    """1506.02640, equation 3: cells of two boxes and three classes; weights 5 and 0.5."""
    canvas, objects = compose(key)
    output = perceive(head, encode(canvas), 1)
    boxes = output[:, : cells * cells * 10].reshape(BATCH, cells, cells, 2, 5)
    names = output[:, cells * cells * 10 :].reshape(BATCH, cells, cells, 3)
    total, reached, found = 0, [], []
    for image in range(BATCH):
        wanted = {}
        for box, name in objects[image]:
            box = torch.tensor(box, dtype=torch.float64) / SIZE
            x, y = (box[0] + box[2]) / 2 * cells, (box[1] + box[3]) / 2 * cells
            column, row = int(x), int(y)
            five = boxes[image, row, column]
            size = torch.sqrt(box[2:] - box[:2])
            near = []
            for px, py, rw, rh, _ in five.detach():
                cx, cy = (column + px) / cells, (row + py) / cells
                mine = (cx - rw**2 / 2, cy - rh**2 / 2, cx + rw**2 / 2, cy + rh**2 / 2)
                near.append(overlap(mine, box))
            place = (five[:, 0] - (x - column)) ** 2 + (five[:, 1] - (y - row)) ** 2
            extent = (five[:, 2] - size[0]) ** 2 + (five[:, 3] - size[1]) ** 2
            off = place + extent
            if max(near) == 0:
                one = int(off.argmin())
            else:
                one = int(np.argmax(near))
            wanted[row, column, one] = near[one]
            own = names[image, row, column]
            total = total + 5 * off[one] + ((own - F.one_hot(torch.tensor(name), 3)) ** 2).sum()
            sure = int(five[:, 4].argmax())
            reached.append(near[sure])
            found.append(float(near[sure] >= 0.5 and int(own.argmax()) == name))
        for row, column, one in itertools.product(range(cells), range(cells), range(2)):
            confidence = boxes[image, row, column, one, 4]
            if (row, column, one) in wanted:
                total = total + (confidence - wanted[row, column, one]) ** 2
            else:
                total = total + 0.5 * confidence**2
    metrics = {"overlap": np.mean(reached), "found": np.mean(found)}
    return total / BATCH, {name: torch.tensor(value) for name, value in metrics.items()}
