#!/usr/bin/env bash
# The live simulation over a real engine, many times over: lines that come hours late, kills, restored copies.
#
#   tests/simulation.sh [LOGS [KILLS [COPIES]]]      200, 100 and 100 without an argument, about an hour
#
# Ends with 1 when one ends otherwise than one pass over everything, and says which.
set -euo pipefail
cd "$(dirname "$0")/.."
LOGS=${1:-200} KILLS=${2:-100} COPIES=${3:-100} cargo test --test simulation
