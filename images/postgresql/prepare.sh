#!/bin/sh
# Before PostgreSQL is installed: no cluster at installation, and the user ids of the official image.
set -eu
: "${NEW_ROOT_FILE_SYSTEM:?removes files, and is only for the inside of a new root file system}"
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
# Written by hand: the tools for it are not installed yet at this point.
echo 'postgres:x:999:' >> /etc/group
echo 'postgres:x:999:999:PostgreSQL:/var/lib/postgresql:/bin/bash' >> /etc/passwd
echo 'postgres:*:20454:0:99999:7:::' >> /etc/shadow
