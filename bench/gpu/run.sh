#!/usr/bin/env bash
# Everything that a machine with a GPU can tell, in one call of less than 8 minutes, without a network:
#   bash bench/gpu/run.sh OUT [--stages doctor,workloads] [--budget 450] [--python python3] [--device cuda]
# OUT gets summary.json, README.md and log.txt, written after every job; jobs that are done in
# OUT/summary.json are not run again. `--list` prints the jobs. See bench/gpu/main.ts.
set -u
cd "$(dirname "$0")/../.." || exit 1
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}" NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
export MUTASESUMELE_REQUIRE_WEBGPU=1 PYTHONUNBUFFERED=1 XLA_PYTHON_CLIENT_PREALLOCATE=false
# What peers-warm compiles is found again by peers.
export JAX_COMPILATION_CACHE_DIR="${JAX_COMPILATION_CACHE_DIR:-/tmp/gpu-run-jax}"
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0
deno="${DENO:-deno}"
command -v "$deno" >/dev/null || { echo "Cannot run: found no $deno on the PATH, expected 2.9 or newer." >&2; exit 1; }
exec "$deno" run -A --cached-only bench/gpu/main.ts "$@"
