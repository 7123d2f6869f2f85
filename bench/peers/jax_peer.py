"""JAX, all tasks at once by `vmap` in one `jit`, or a `jit` of one task that is called for each:

`jax_peer.py <folder> <order> <repeat> [--device cpu|cuda] [--tasks vmap|loop] [--tf32]`

Products and convolutions are in full float32 unless `--tf32` is given. XLA's CPU compiler (0.10.2) gets
`vmap` wrong here, 1e-2 off, where the same without `jit` and with `loop` are right: see the error column.
"""

import argparse
import os

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("order", choices=["exact", "first"])
parser.add_argument("repeat", type=int)
parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
parser.add_argument("--tasks", choices=["vmap", "loop"], default="vmap")
parser.add_argument("--tf32", action="store_true")
flags = parser.parse_args()

# Memory as it is needed, so that its peak says something.
os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
os.environ["JAX_PLATFORMS"] = flags.device

import jax
import jax.numpy as jnp

from peer_process import RATE, impossible, read_inputs, report, sample, timer_of

jax.config.update("jax_default_matmul_precision", "tensorfloat32" if flags.tf32 else "highest")
try:
    device = jax.devices()[0]
except (RuntimeError, AssertionError) as error:  # the latter where there is no plug-in for CUDA
    said = (str(error).splitlines() or [type(error).__name__])[0]
    impossible(f"no {flags.device} device for JAX {jax.__version__}: {said}")

manifest, arrays, data = read_inputs(flags.folder)
names, size = manifest["names"], manifest["size"]
params = {name: jnp.asarray(array) for name, array in arrays.items()}
query_x, query_y, support_x, support_y = (jnp.asarray(array) for array in data)
tasks = (support_x, support_y, query_x, query_y)


def loss_of(p, x, y):
    for layer in range(1, 5):
        x = jax.lax.conv_general_dilated(
            x, p[f"conv{layer}.w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        mean = x.mean((0, 1, 2))
        variance = jnp.square(x - mean).mean((0, 1, 2))
        x = (x - mean) * jax.lax.rsqrt(variance + 1e-5) * p[f"bn{layer}.gamma"] + p[f"bn{layer}.beta"]
        n, height, width, channels = x.shape
        x = jax.nn.relu(x).reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
    features = x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
    logits = features @ p["lin.w"] + p["lin.b"]
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


def adapt(p, sx, sy):
    for _ in range(size["innerSteps"]):
        grads = jax.grad(loss_of)(p, sx, sy)
        p = {name: p[name] - RATE * grads[name] for name in names}
    return p


def of_task(p, sx, sy, qx, qy):
    """Loss and gradients of one task."""
    if flags.order == "exact":
        return jax.value_and_grad(lambda start: loss_of(adapt(start, sx, sy), qx, qy))(p)
    return jax.value_and_grad(loss_of)(adapt(p, sx, sy), qx, qy)


@jax.jit
def of_all(p, data):
    found = jax.vmap(of_task, (None, 0, 0, 0, 0))(p, *data)
    return jax.tree.map(lambda leaf: leaf.mean(0), found)


one = jax.jit(of_task)
add = jax.jit(lambda a, b: jax.tree.map(jnp.add, a, b))
mean = jax.jit(lambda sums: jax.tree.map(lambda leaf: leaf / size["tasks"], sums))


def each_in_turn():
    sums = None
    for task in each:
        found = one(params, *task)
        sums = found if sums is None else add(sums, found)
    return mean(sums)


each = [tuple(part[task] for part in tasks) for task in range(size["tasks"])]
last = None


def run(count):
    """So many meta-gradients, then waits for the last loss."""
    global last
    for _ in range(count):
        last = of_all(params, tasks) if flags.tasks == "vmap" else each_in_turn()
    float(last[0])
    jax.block_until_ready(last)


timed = timer_of(run)
first = timed(1)
samples = sample(timed, first, timed(1), flags.repeat)
on_gpu = flags.device == "cuda"
where = f"CPU, {os.cpu_count()} cores"
if on_gpu:
    where = f"{device.device_kind}, {'TF32' if flags.tf32 else 'float32'}"
loss, grads = last
memory = device.memory_stats() if on_gpu else None
report(
    jax.__version__,
    where,
    samples,
    ([grads[name] for name in names], loss),
    memory.get("peak_bytes_in_use") if memory else None,
)
