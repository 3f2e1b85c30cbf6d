#!/bin/sh
# Layer 2: the additions as an installed package, from this checkout alone (no index is asked).
set -eu
source=/opt/floe/build/additions
site=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
if [ "$FLOE_ADDITIONS" = off ]; then
    # floe as released. The chart's Jobs need their set-up programs, which are no part of a product: they
    # come as plain modules, so that no entry point is there for floe to find, and no floe_additions.
    cp -r "$source/src/floe_platform_setup" "$site"
    rm -rf "$source"
    python -m compileall -q --invalidation-mode unchecked-hash "$site/floe_platform_setup"
    exit
fi
python -m pip install --quiet --no-index --no-deps --no-build-isolation --no-cache-dir \
    --disable-pip-version-check "$source"
python -m compileall -q --invalidation-mode unchecked-hash \
    "$site/floe_additions" "$site/floe_complete" "$site/floe_platform_setup"
rm -rf "$source/build" "$source"/src/*.egg-info
