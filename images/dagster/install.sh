#!/bin/sh
# Layer 1: a virtual environment of exactly what requirements.lock names, every hash checked.
set -eu
build=/opt/floe/build
venv=/opt/floe/venv

# A host behind its own certificates or package index lends them for the time of this step.
if [ -s /run/secrets/certificates ]; then
    export SSL_CERT_FILE=/run/secrets/certificates PIP_CERT=/run/secrets/certificates
fi
if [ -s /run/secrets/index ]; then
    UV_DEFAULT_INDEX=$(cat /run/secrets/index)
    export UV_DEFAULT_INDEX PIP_INDEX_URL="$UV_DEFAULT_INDEX"
fi

# The lent cache of the host's own uv, when there is one, spares every download.
tools=$(mktemp -d)
if [ -d /var/cache/uv ]; then
    export UV_CACHE_DIR=/var/cache/uv
else
    export UV_CACHE_DIR="$tools/cache"
fi
python3 -m venv "$tools/uv"
"$tools/uv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check --require-hashes \
    -r "$build/requirements-uv.lock"
python3 -m venv --without-pip "$venv"
# Mounted secrets and caches are on other file systems, so files are copied, not linked.
"$tools/uv/bin/uv" pip sync --quiet --link-mode=copy --require-hashes --python "$venv/bin/python" \
    "$build/requirements.lock"
rm -rf "$tools"

mkdir -p /opt/floe/home
HOME=/opt/floe/home "$venv/bin/python" -c '
from duckdb_extensions import import_extension
for name in ("httpfs", "avro", "iceberg"):
    import_extension(name)
'

# What no pod reads: tests and sources of compiled packages, source maps, the second copy of DuckDB's
# extensions. Trimmed before bytecode is made.
site=$(echo "$venv"/lib/python3.*/site-packages)
while read -r pattern; do
    case $pattern in '' | '#'*) continue ;; esac
    # shellcheck disable=SC2086 # patterns are meant to be expanded
    rm -rf $site/$pattern
done <"$build/trim.txt"
find "$site" \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.js.map' -o -name '*.css.map' \
    -o -name '*.a' \) -type f -delete
# Python looks for cyclic garbage after every 700 new objects, again and again through all that an import has
# made: a sixth of what these processes compute in their first seconds, which is all that most of them live.
echo 'import gc; gc.set_threshold(100_000, 50, 100)' >"$site/collector.pth"
# The image never changes after this, so bytecode need not be checked against its source.
"$venv/bin/python" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$site" >/dev/null || true

groupadd --gid 1000 floe
useradd --uid 1000 --gid 1000 --no-create-home --home-dir /opt/floe/home floe
mkdir -p /opt/floe/products /opt/dagster/home /scratch
chown 1000:1000 /scratch /opt/dagster/home
