#!/bin/sh
# Runs last inside a new root file system: leaves nothing in it of the host (name, resolver, package
# mirror) and nothing that only building needs.
set -eu
: "${NEW_ROOT_FILE_SYSTEM:?removes files, and is only for the inside of a new root file system}"
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/99mmdebstrap
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old
rm -rf /var/log/* /tmp/* /var/lib/dpkg/*-old /etc/machine-id
rm -f /etc/hostname /etc/resolv.conf
