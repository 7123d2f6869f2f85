"""Runs networks of src/nn in PyTorch.

  python3 compare.py golden       writes golden.json: small networks in float64, weights by formula
  python3 compare.py run FOLDER   for each NAME.safetensors of FOLDER (params.*, state.*, images)
                                  writes NAME.there.safetensors: the output with these weights, own
                                  weights in our layout, and the output with those
"""

import json
import math
import pathlib
import sys

import torch

from layers import load, read, save, write
from networks import classifier, conv4, decoder, encoder, res_net, vit

# Small enough for float64 on one core; names and sizes are those of golden_test.ts.
SMALL = {
    "conv4": (lambda: conv4(3, 4, 1), (3, 16, 16, 3)),
    "encoder": (lambda: encoder([3, 4], 5, 12), (3, 12, 12, 3)),
    "decoder": (lambda: decoder(5, 8, 2, [4, 3]), (3, 5)),
    "classifier": (lambda: classifier(5, 3, 4), (4, 5)),
    "resnet-18": (lambda: res_net(18, 2), (3, 9, 9, 3)),
    "resnet-18 group": (lambda: res_net(18, 4, "group"), (2, 8, 8, 3)),
    "resnet-18 layer": (lambda: res_net(18, 2, "layer"), (2, 8, 8, 3)),
    "resnet-50": (lambda: res_net(50, 2), (2, 16, 16, 3)),
    "resnet-18 imagenet": (lambda: res_net(18, 2, stem="imagenet"), (2, 33, 33, 3)),
    "vit": (lambda: vit(8, 4, 6, 2, 2), (2, 8, 8, 3)),
}

LARGE = {"conv4": lambda: conv4(5), "resnet-18": lambda: res_net(18), "vit": lambda: vit(16)}


def wave(shape, phase, centre=0.0, height=0.3):
    """Element k in row-major order is centre + height * sin(0.7 k + phase)."""
    count = math.prod(shape)
    values = [centre + height * math.sin(0.7 * k + phase) for k in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def channels_first(x):
    return x.permute(0, 3, 1, 2) if x.dim() == 4 else x


def golden():
    torch.set_default_dtype(torch.float64)
    results = {}
    for name, (build, shape) in SMALL.items():
        model = build()
        tensors = {}
        for phase, (path, ours) in enumerate(sorted(save(model).items())):
            centre = 1.0 if path.endswith((".gamma", ".variance")) else 0.0
            tensors[path] = wave(list(ours.shape), phase, centre)
        load(model, tensors)
        images = channels_first(wave(shape, 0.5, 0.5, 0.5))
        with torch.no_grad():
            before = model.eval()(images)
            trained = model.train()(images)
            after = model.eval()(images)
        results[name] = {
            key: [float(f"{value:.12g}") for value in output.flatten().tolist()]
            for key, output in (("before", before), ("trained", trained), ("after", after))
        }
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(results, indent=2) + "\n")


def run(folder):
    for name, build in LARGE.items():
        torch.manual_seed(7)
        tensors = read(folder / f"{name}.safetensors")
        images = channels_first(tensors["images"])
        model = build()
        own = build()
        load(model, tensors)
        with torch.no_grad():
            # One batch in training, so that running statistics are no longer those of the start.
            own.train()(2 * images + 1)
            results = {
                "output": model.eval()(images),
                "own.output": own.eval()(images),
                **{f"own.{path}": tensor for path, tensor in save(own).items()},
            }
        write(folder / f"{name}.there.safetensors", results)


if __name__ == "__main__":
    torch.backends.nnpack.set_flags(False)
    if sys.argv[1:] == ["golden"]:
        golden()
    elif len(sys.argv) == 3 and sys.argv[1] == "run":
        run(pathlib.Path(sys.argv[2]))
    else:
        sys.exit(__doc__)
