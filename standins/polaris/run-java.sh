#!/bin/sh
# The real images start their program with a script at a certain path; pods call the admin tool by it.
exec python3 -m standins.polaris "$@"
