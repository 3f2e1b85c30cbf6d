#!/bin/sh
# After installation: out with just-in-time compilation (LLVM is two thirds of the size and is not
# used by queries this small) and with Perl's library, which only Debian's cluster tools need.
set -eu
: "${NEW_ROOT_FILE_SYSTEM:?removes files, and is only for the inside of a new root file system}"
rm -rf /usr/lib/x86_64-linux-gnu/libLLVM* /usr/lib/llvm-*
rm -rf /usr/lib/*-linux-gnu/libLLVM* /usr/lib/postgresql/15/lib/bitcode
rm -f /usr/lib/postgresql/15/lib/llvmjit*
rm -rf /usr/share/perl /usr/lib/*-linux-gnu/perl
mkdir -p /docker-entrypoint-initdb.d
rm -rf /var/lib/postgresql
install -d -o 999 -g 999 -m 0700 /var/lib/postgresql /var/lib/postgresql/data
install -d -o 999 -g 999 -m 3777 /var/run/postgresql
# As in the official image: a server in a container listens on the container's addresses.
sed -i "s/^#listen_addresses = 'localhost'/listen_addresses = '*'/" /usr/share/postgresql/15/postgresql.conf.sample
grep -q "^listen_addresses = '\*'" /usr/share/postgresql/15/postgresql.conf.sample
