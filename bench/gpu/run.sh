#!/usr/bin/env bash
# Measures our UNets and PyTorch's on this machine's GPU: bash .cache/bench-gpu/run.sh [--quick]; see bench/gpu/README.md.
set -euo pipefail
exec "${PYTHON:-python3}" "$(dirname "${BASH_SOURCE[0]}")/run.py" "$@"
