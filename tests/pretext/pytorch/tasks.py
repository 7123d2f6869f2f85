"""Pretext tasks of src/pretext from their papers, in PyTorch and float64.

  python3 tasks.py        writes golden.json: loss, metrics, and a product of every gradient with a wave

Images, weights of the backbone (one layer, tanh) and of the heads are given by formula; what is drawn is drawn
by draws.py from the same keys. Nothing else is shared with the program. Sizes: `TASKS` here and in
../pytorch_test.ts.
"""

import json
import pathlib

import torch

import augment
from detection import detection
from draws import key_of, uniform
from fixtures import BACKBONE, EMBEDDING, HIDDEN, SIZE, classifier, decoder, mlp, projection, wave
from masked_patches import SHAPES, TOKENS, masked_patches
from patches import (
    CENTRES, MAP, classification, colorization, inpainting, jigsaw, jigsaw_tiles, masked,
    relative_position, rotation,
)
from views import (
    barlow_twins, contrastive, exemplar, sim_siam, supervised_contrastive, vic_reg,
)

SIAMESE = {
    **mlp(EMBEDDING, [5, 5], 5, prefix="projector."),
    **mlp(5, [3], 5, bias=True, prefix="predictor."),
}
TASKS = {
    "classification": (classification, classifier(EMBEDDING, 3)),
    "rotation": (rotation, classifier(EMBEDDING, 4)),
    "jigsaw": (jigsaw, classifier(EMBEDDING, 24)),
    "jigsaw of single tiles": (jigsaw_tiles, classifier(9 * EMBEDDING, 12)),
    "relative position": (relative_position, classifier(2 * EMBEDDING, 8)),
    "colorization": (colorization, decoder(MAP, len(CENTRES))),
    "inpainting": (inpainting, decoder(SIZE, 3)),
    "inpainting anywhere": (lambda head, key: inpainting(head, key, True), decoder(SIZE, 3)),
    "masked, grey": (lambda head, key: masked(head, key, "grey"), decoder(SIZE, 3)),
    "masked, token": (
        lambda head, key: masked(head, key, "token"), {**decoder(SIZE, 3), "token": (2, 2, 3)}
    ),
    "masked, channel": (
        lambda head, key: masked(head, key, "channel"), {**decoder(SIZE, 3), "join": (1, 1, 4, 3)}
    ),
    "masked patches": (masked_patches, SHAPES, TOKENS),
    "detection": (detection, mlp(EMBEDDING, [HIDDEN], 9 * 13, bias=True)),
    "contrastive": (contrastive, projection(4)),
    "supervised contrastive": (supervised_contrastive, projection(4)),
    "exemplar": (exemplar, projection(4)),
    "barlow twins": (barlow_twins, mlp(EMBEDDING, [5, 5], 4)),
    "vicreg": (vic_reg, mlp(EMBEDDING, [5, 5], 4)),
    "simsiam": (sim_siam, SIAMESE),
}
AUGMENTATIONS = {
    "randomResizedCrop": augment.resized_crop,
    "horizontalFlip": augment.flip,
    "randomGrayscale": lambda x, key: augment.grayscale(x, key, 0.2),
    "colorJitter": augment.color_jitter,
    "gaussianBlur": augment.blur,
    "randomCrop": augment.random_crop,
    "simclrAugment": augment.simclr,
}


def centre(name, path):
    """Boxes of a size that overlaps objects; scales around 1."""
    large = name == "detection" and path == "output.bias"
    return 1.0 if path.endswith("gamma") else 0.5 if large else 0.0


def number(x):
    return float(f"{x.item():.12g}")


def main():
    results = {"tasks": {}, "augmentations": {}}
    for name, (task, shapes, *own) in TASKS.items():
        rows = []
        for seed in (3, 4, 5):
            head = {
                path: wave(shapes[path], phase, centre(name, path)).requires_grad_(True)
                for phase, path in enumerate(sorted(shapes))
            }
            loss, metrics = task(head, key_of(seed))
            leaves = {"backbone": own[0] if own else BACKBONE, **head}
            grads = torch.autograd.grad(loss, list(leaves.values()))
            rows.append({
                "loss": number(loss),
                "metrics": {key: number(value) for key, value in sorted(metrics.items())},
                "gradients": {
                    path: number((g * wave(g.shape, 1.1)).sum()) for path, g in zip(leaves, grads)
                },
            })
        results["tasks"][name] = rows
    images = uniform(key_of(2), (12, 8, 8, 3))
    for name, change in AUGMENTATIONS.items():
        changed = change(images, key_of(9))
        # What every image makes with a wave.
        results["augmentations"][name] = [number((x * wave(x.shape, 0.4)).sum()) for x in changed]
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(results, indent=2) + "\n")


main()
