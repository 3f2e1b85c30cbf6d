#!/bin/sh
# After installation: out with Perl's library, which only the tools of packages that are installed need, and with the
# settings of a service of the machine: the pod brings its own.
set -eu
: "${NEW_ROOT_FILE_SYSTEM:?removes files, and is only for the inside of a new root file system}"
rm -rf /usr/share/perl /usr/lib/*-linux-gnu/perl
rm -rf /etc/prometheus /var/lib/prometheus
