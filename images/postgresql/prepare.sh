#!/bin/sh
# Before PostgreSQL is installed: no cluster at installation, and the user ids of the official image.
set -eu
tree=$1
mkdir -p "$tree"/etc/postgresql-common
echo 'create_main_cluster = false' > "$tree"/etc/postgresql-common/createcluster.conf
# Written by hand: the tools for it are not installed yet at this point.
echo 'postgres:x:999:' >> "$tree"/etc/group
echo 'postgres:x:999:999:PostgreSQL:/var/lib/postgresql:/bin/bash' >> "$tree"/etc/passwd
echo 'postgres:*:20454:0:99999:7:::' >> "$tree"/etc/shadow
