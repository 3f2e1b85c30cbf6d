#!/bin/bash
# Starts PostgreSQL; on an empty data folder it first makes the cluster and runs what lies in
# /docker-entrypoint-initdb.d. Takes the variables that the official image takes.
set -euo pipefail

# A new cluster is made in this folder of PGDATA and moved up at the end, PG_VERSION last: a pod
# killed while making it starts anew, and nothing that is not ours is ever deleted.
readonly draft=.new

# Sets NAME from NAME, from the file named by NAME_FILE, or to a default; both at once is an error.
setting() {
    local name=$1 file="${1}_FILE"
    if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then
        echo "error: $name and $file are both set" >&2
        exit 1
    fi
    if [ -n "${!file:-}" ]; then
        printf -v "$name" %s "$(<"${!file}")"
    else
        printf -v "$name" %s "${!name:-${2:-}}"
    fi
    export "${name?}"
    unset "$file"
}

make_cluster() {
    setting POSTGRES_PASSWORD
    setting POSTGRES_USER postgres
    setting POSTGRES_DB "$POSTGRES_USER"
    setting POSTGRES_INITDB_ARGS
    local hosts=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$hosts" != trust ]; then
        echo "error: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must name a password for $POSTGRES_USER" >&2
        exit 1
    fi

    local arguments=()
    read -r -a arguments <<<"$POSTGRES_INITDB_ARGS"
    arguments+=(--username="$POSTGRES_USER" --encoding=UTF8 --auth-local=trust --auth-host="$hosts")
    local final=$PGDATA
    export PGDATA=$final/$draft
    if [ -n "$POSTGRES_PASSWORD" ]; then
        initdb "${arguments[@]}" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD")
    else
        initdb "${arguments[@]}"
    fi
    printf '\nhost all all all %s\n' "$hosts" >>"$PGDATA/pg_hba.conf"

    pg_ctl --wait start --options="$* -c listen_addresses=''"
    export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
    local sql=(psql --no-psqlrc --no-password --set ON_ERROR_STOP=1 --username "$POSTGRES_USER")
    if [ "$POSTGRES_DB" != postgres ]; then
        echo 'create database :"name";' | PGHOST='' "${sql[@]}" --dbname postgres --set name="$POSTGRES_DB"
    fi
    local script
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh)
                if [ -x "$script" ]; then
                    "$script"
                else
                    # shellcheck disable=SC1090
                    . "$script"
                fi
                ;;
            *.sql) PGHOST='' "${sql[@]}" --dbname "$POSTGRES_DB" --file "$script" ;;
            *.sql.gz) gunzip --stdout "$script" | PGHOST='' "${sql[@]}" --dbname "$POSTGRES_DB" ;;
        esac
    done
    unset PGPASSWORD
    pg_ctl --wait --mode=fast stop
    find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$final" {} +
    sync "$final"
    mv "$PGDATA/PG_VERSION" "$final"
    export PGDATA=$final
}

if [ "${1:0:1}" = - ]; then
    set -- postgres "$@"
fi
if [ "$1" = postgres ]; then
    if [ "$(id -u)" = 0 ]; then
        echo "error: PostgreSQL does not run as root; run this image as user 999" >&2
        exit 1
    fi
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA" 2>/dev/null || true
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        if [ -d "$PGDATA/$draft" ]; then
            find "$PGDATA" -mindepth 1 -delete
        fi
        make_cluster "${@:2}"
    fi
    rm -rf "${PGDATA:?}/$draft"
fi
exec "$@"
