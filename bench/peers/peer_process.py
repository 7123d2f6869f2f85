"""What the Python peers share: the inputs, the timing rule of sampling.ts, the line of JSON.

A peer is called as `<script> <folder> <order> <repeat> [flags]`: the folder, written by run_peer.ts,
holds manifest.json and one raw file for each input, in the layout of this library (images NHWC,
filters HWIO, linear weights [in, out]).
"""

import json
import math
import os
import resource
import sys
import time

import numpy

RATE = 0.01
SAMPLE_MS, MOST, ENOUGH, BUDGET_MS = 400.0, 1000, 0.75, 15_000.0
KINDS = {"f32": "<f4", "i32": "<i4", "u32": "<u4"}


def impossible(reason):
    """Ends the process of a peer that this machine cannot run; run_peer.ts tells the reason."""
    print(reason, file=sys.stderr)
    raise SystemExit(3)


def read_inputs(folder):
    """The manifest, the parameters by name, and query images, query labels, support images, labels."""
    with open(os.path.join(folder, "manifest.json")) as file:
        manifest = json.load(file)

    def read(k):
        raw = numpy.fromfile(os.path.join(folder, f"{k}.bin"), KINDS[manifest["inputs"][k]["dtype"]])
        return raw.reshape(manifest["inputs"][k]["shape"])

    names = manifest["names"]
    params = {name: read(k) for k, name in enumerate(names)}
    return manifest, params, [read(len(names) + k) for k in range(4)]


def timer_of(run):
    """Milliseconds of one of `count` meta-gradients; `run(count)` waits for the last."""

    def timed(count):
        start = time.perf_counter()
        run(count)
        return 1e3 * (time.perf_counter() - start) / count

    return timed


def sample(timed, first, second, repeat):
    """Samples after the first call and one more, as in sampling.ts; all in milliseconds."""
    per_sample, each, spent = 1, second, second
    while per_sample < MOST and each * per_sample < ENOUGH * SAMPLE_MS:
        per_sample = min(MOST, math.ceil(SAMPLE_MS / each))
        each = timed(per_sample)
        spent += each * per_sample
    samples = [each]
    while len(samples) < repeat and spent < BUDGET_MS:
        samples.append(timed(per_sample))
        spent += samples[-1] * per_sample
    return {"firstCall": first, "samples": samples, "perSample": per_sample}


def report(version, adapter, samples, results, device_bytes=None):
    """Prints the measurement: `results` are gradients by name in this library's layout, and the loss."""
    grads, loss = results
    unit = 1 if sys.platform == "darwin" else 1024
    measurement = {
        "version": version,
        "adapter": adapter,
        **samples,
        "peakRss": unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "results": [numpy.asarray(grad).reshape(-1).tolist() for grad in grads] + [[float(loss)]],
    }
    if device_bytes is not None:
        measurement["deviceBytes"] = int(device_bytes)
    print(json.dumps(measurement))
