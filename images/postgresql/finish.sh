#!/bin/sh
# After installation: out with just-in-time compilation (LLVM is two thirds of the size and is not
# used by queries this small) and with Perl's library, which only Debian's cluster tools need.
set -eu
tree=$1
rm -rf "$tree"/usr/lib/x86_64-linux-gnu/libLLVM* "$tree"/usr/lib/llvm-*
rm -rf "$tree"/usr/lib/*-linux-gnu/libLLVM* "$tree"/usr/lib/postgresql/15/lib/bitcode
rm -f "$tree"/usr/lib/postgresql/15/lib/llvmjit*
rm -rf "$tree"/usr/share/perl "$tree"/usr/lib/*-linux-gnu/perl
mkdir -p "$tree"/docker-entrypoint-initdb.d
rm -rf "$tree"/var/lib/postgresql
install -d -o 999 -g 999 -m 0700 "$tree"/var/lib/postgresql "$tree"/var/lib/postgresql/data
install -d -o 999 -g 999 -m 3777 "$tree"/var/run/postgresql
