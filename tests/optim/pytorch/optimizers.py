"""Optimizers and schedules of torch.optim in float64.

  python3 optimizers.py        writes golden.json: parameters after every step, rates of every step

Two tensors, [1, -2, 0.5] and [[0.3], [-0.7]]; gradients are cos(step + 0.9 k) of the element k of both, plus
half of the parameter, so that steps depend on those before.
"""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)

STEPS, RATE = 12, 0.05
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, RATE),
    "sgd with weight decay": lambda p: torch.optim.SGD(p, RATE, weight_decay=0.2),
    "momentum": lambda p: torch.optim.SGD(p, RATE, momentum=0.9),
    "momentum with weight decay": lambda p: torch.optim.SGD(p, RATE, momentum=0.8, weight_decay=0.2),
    "nesterov": lambda p: torch.optim.SGD(p, RATE, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, RATE),
    "adam with other decays": lambda p: torch.optim.Adam(p, RATE, betas=(0.8, 0.95), eps=1e-3),
    "adam with weight decay": lambda p: torch.optim.Adam(p, RATE, weight_decay=0.2),
    "adamw": lambda p: torch.optim.AdamW(p, RATE),
    "adamw with weight decay": lambda p: torch.optim.AdamW(p, RATE, weight_decay=0.3),
    "rmsprop": lambda p: torch.optim.RMSprop(p, RATE),
    "rmsprop with all": lambda p: torch.optim.RMSprop(p, RATE, 0.8, 1e-3, 0.1, 0.5, True),
}


def main():
    results = {"optimizers": {}, "clipped": [], "schedules": {}}
    for name, make in OPTIMIZERS.items():
        params = start()
        optimizer, steps = make(params), []
        for step in range(STEPS):
            slopes(params, step)
            optimizer.step()
            steps.append(listed(params))
        results["optimizers"][name] = steps
    # Gradients of a norm of about 1.7, cut to a norm of 1, then momentum.
    params = start()
    optimizer = torch.optim.SGD(params, RATE, momentum=0.9)
    for step in range(STEPS):
        slopes(params, step)
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        results["clipped"].append(listed(params))
    results["schedules"]["cosine"] = rates(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=STEPS - 1, eta_min=0.001)
    )
    results["schedules"]["steps"] = rates(
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[3, 7], gamma=0.3)
    )
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(results, indent=2) + "\n")


def start():
    return [torch.tensor(x, requires_grad=True) for x in ([1, -2, 0.5], [[0.3], [-0.7]])]


def slopes(params, step):
    at = 0
    for p in params:
        k = torch.arange(at, at + p.numel()).reshape(p.shape)
        p.grad = torch.cos(step + 0.9 * k) + 0.5 * p.detach()
        at += p.numel()


def listed(params):
    return [float(f"{x:.13g}") for p in params for x in p.flatten().tolist()]


def rates(schedule):
    optimizer = torch.optim.SGD(start(), RATE)
    scheduler, found = schedule(optimizer), []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


main()
