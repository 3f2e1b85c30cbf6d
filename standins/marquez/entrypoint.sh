#!/bin/sh
# The real image starts its program with a script of this name.
exec python3 -m standins.marquez
