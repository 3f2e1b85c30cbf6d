#!/usr/bin/env bash
# Make the suite's virtual environment from the lock files: exact versions, every hash checked.
set -euo pipefail
python=$1 venv=$2

command -v "$python" >/dev/null || { echo "error: $python is not installed
  remedy: apt-get install python3 python3-venv" >&2; exit 2; }
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "error: $($python --version) is not Python 3.11
  remedy: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    [ "$(id -u)" = 0 ] || { echo "error: $python has no ensurepip, so no virtual environment can be made
  remedy: apt-get install python3-venv" >&2; exit 2; }
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv
fi

echo "... $venv from requirements.lock" >&2
"$python" -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
"$venv/bin/uv" pip sync -q --compile-bytecode --require-hashes --python "$venv/bin/python" requirements.lock
"$venv/bin/uv" pip install -q --no-deps --no-build-isolation --python "$venv/bin/python" -e additions
touch "$venv/.ready"
