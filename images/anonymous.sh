#!/bin/sh
# Runs on the host over a finished tree, whose path is given: leaves nothing in it of the host
# (name, resolver, package mirror) and nothing that only building needs.
set -eu
tree=$1
rm -rf "$tree"/etc/apt/sources.list "$tree"/etc/apt/sources.list.d/* "$tree"/etc/apt/apt.conf.d/99mmdebstrap
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/var/cache/debconf/*-old
rm -rf "$tree"/var/log/* "$tree"/tmp/* "$tree"/var/lib/dpkg/*-old "$tree"/etc/machine-id
rm -f "$tree"/etc/hostname "$tree"/etc/resolv.conf
