#!/bin/sh
# Layer 2: the additions as an installed package, from this checkout alone (no index is asked).
set -eu
python -m pip install --quiet --no-index --no-deps --no-build-isolation --no-cache-dir \
    --disable-pip-version-check /opt/floe/build/additions
python -m compileall -q --invalidation-mode unchecked-hash \
    "$(python -c 'import floe_additions, pathlib; print(pathlib.Path(floe_additions.__file__).parent)')" \
    "$(python -c 'import floe_platform_setup, pathlib; print(pathlib.Path(floe_platform_setup.__file__).parent)')"
rm -rf /opt/floe/build/additions/build /opt/floe/build/additions/src/*.egg-info
