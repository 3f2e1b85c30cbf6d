#!/usr/bin/env bash
# Renew the lock files: hashes, no addresses of any registry.
set -euo pipefail
uv=$1/bin/uv
compile() { "$uv" pip compile -q --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url "$@"; }
compile requirements-uv.in -o requirements-uv.lock
compile --prerelease=allow -c images/dagster/constraints.txt requirements.in -o requirements.lock
compile -c images/dagster/constraints.txt --python-platform x86_64-manylinux_2_36 --only-binary :all: \
    images/dagster/requirements.in -o images/dagster/requirements.lock
