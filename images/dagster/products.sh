#!/bin/sh
# Layer 3: every product complete in its folder, so that pods need no write access to it.
set -eu
build=/opt/floe/build
mkdir -p /opt/floe/products
mv "$build/demo/manifest.yaml" /opt/floe/products/
for spec in "$build"/demo/*/floe.yaml; do
    mv "$(dirname "$spec")" /opt/floe/products/
done
if [ "$FLOE_ADDITIONS" = off ]; then
    (cd "$build" && python -m demo.bare /opt/floe/products/manifest.yaml)
fi
for folder in /opt/floe/products/*/; do
    product=$(basename "$folder")
    (cd "$build" && FLOE_DEMO_SEED_SCALE="$FLOE_DEMO_SEED_SCALE" python -m demo.seeds "$product" --out "$folder/seeds")
    if [ "$FLOE_ADDITIONS" = off ]; then
        HOME=$(mktemp -d) sh "$build/bare.sh" "$folder"
    else
        HOME=$(mktemp -d) floe-complete compile "${folder%/}"
    fi
done
rm -rf /tmp/* "$build/demo" "$build/foundation"
