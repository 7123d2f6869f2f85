#!/usr/bin/env bash
# What the machine has, for the first look at a GPU nobody here has seen.
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,clocks.max.sm,power.limit --format=csv 2>&1
uname -srm
nproc
free -g 2>/dev/null | sed -n 2p
ldconfig -p | grep -iE 'libvulkan|libEGL|libnvidia-(glcore|vulkan|gpucomp)|libGLX_nvidia' | sed 's/^\s*//'
ls /usr/share/vulkan/icd.d /etc/vulkan/icd.d /usr/local/nvidia/share/vulkan/icd.d 2>/dev/null
env | grep -E '^(VK_|DENO_|XLA_|CUDA|__EGL|LD_LIBRARY)' | sort
python3 -c 'import sys
from importlib.metadata import version
print(sys.version.split()[0], *(f"{name} {version(name)}" for name in ("torch", "jax", "jaxlib", "triton", "numpy")))' 2>&1 | tail -1
exit 0
