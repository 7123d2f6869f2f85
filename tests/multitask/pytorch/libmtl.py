"""Two tasks with a shared layer and heads, trained by LibMTL's own weightings.

  PYTHONPATH=LIBMTL python3 libmtl.py        writes libmtl.json: all parameters after four steps

LIBMTL is a checkout of github.com/median-research-group/LibMTL (numbers of commit 4336804). Only its classes of
weightings are used; network, losses and gradient descent are here, and the same in ../libmtl_test.ts.
"""

import importlib
import json
import math
import pathlib
import sys
import types

import torch

torch.set_default_dtype(torch.float64)
# Gone from PyTorch, used by Aligned-MTL.
torch.symeig = lambda matrix, eigenvectors: torch.linalg.eigh(matrix)

LIBRARY = next(pathlib.Path(path) / "LibMTL" for path in sys.path if (pathlib.Path(path) / "LibMTL/weighting").is_dir())
TASKS = ["far", "near"]
METHODS = {
    "EW": {},
    "UW": {},
    "GLS": {},
    "FAMO": {"FAMO_w_lr": 0.025, "FAMO_w_gamma": 1e-3},
    "MGDA": {"mgda_gn": "none"},
    "PCGrad": {},
    "GradVac": {"GradVac_beta": 0.3, "GradVac_group_type": 0},
    "CAGrad": {"calpha": 0.4, "rescale": 0},
    "IMTL": {},
    "Aligned_MTL": {},
    "FairGrad": {"FairGrad_alpha": 2.0},
    "ExcessMTL": {"robust_step_size": 0.3},
    "DB_MTL": {"DB_beta": 0.0, "DB_beta_sigma": 0.5},
}


def package(name, path):
    """The package without what its __init__ imports: trainers, data sets, solvers of other methods."""
    module = types.ModuleType(name)
    module.__path__ = [str(path)]
    sys.modules[name] = module


def wave(shape, phase, height=0.5):
    """Element k in row-major order is height * sin(0.7 k + 0.01 k^2 + phase)."""
    k = torch.arange(math.prod(shape), dtype=torch.float64)
    return (height * torch.sin(0.7 * k + 0.01 * k * k + phase)).reshape(shape)


def train(name, options):
    method = getattr(importlib.import_module(f"LibMTL.weighting.{name}"), name)

    class Model(method):
        def __init__(self):
            torch.nn.Module.__init__(self)
            self.task_num, self.task_name = len(TASKS), TASKS
            self.rep_grad, self.device, self.epoch = False, "cpu", 0
            self.encoder = torch.nn.Linear(3, 2, bias=False)
            self.encoder.weight.data = wave((3, 2), 0.1).T.contiguous()
            self.decoders = torch.nn.ModuleDict()
            for k, task in enumerate(TASKS):
                self.decoders[task] = torch.nn.Linear(2, 1, bias=False)
                self.decoders[task].weight.data = wave((2, 1), 1 + 5 * k).T.contiguous()

        def get_share_params(self):
            return self.encoder.parameters()

        def zero_grad_share_params(self):
            self.encoder.zero_grad(set_to_none=False)

        def losses(self, step):
            z = torch.tanh(self.encoder(wave((4, 3), 0.3 + step, 1.0)))
            errors = [self.decoders[task](z) - wave((4, 1), 2 + k, 1.5) for k, task in enumerate(TASKS)]
            return torch.stack([5 * (errors[0] ** 2).mean(), (errors[1] ** 2).mean()])

    model = Model()
    if hasattr(model, "init_param"):
        model.init_param()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    for step in range(4):
        optimizer.zero_grad(set_to_none=False)
        model.backward(model.losses(step), **options)
        optimizer.step()
        if hasattr(model, "update_w"):
            with torch.no_grad():
                model.update_w(model.losses(step))
    weights = [model.encoder.weight.T, *(model.decoders[task].weight for task in TASKS)]
    return [float(f"{x:.12g}") for w in weights for x in w.flatten().tolist()]


package("LibMTL", LIBRARY)
package("LibMTL.weighting", LIBRARY / "weighting")
RESULTS = {name: train(name, options) for name, options in METHODS.items()}
pathlib.Path(__file__).with_name("libmtl.json").write_text(json.dumps(RESULTS, indent=2) + "\n")
