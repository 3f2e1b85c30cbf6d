"""Is the Dagster daemon of this container at work? Its heartbeats in the database say so.

Dagster's own check (`dagster-daemon liveness-check`) loads the whole of Dagster, several seconds of
a core each time; this asks the same table directly.

    heartbeat.py first        waits until a daemon has ever beaten: Dagster's tables are there then
    heartbeat.py ready        every daemon has beaten since this container began, and lately
    heartbeat.py alive        none has been silent for ten minutes; a database that cannot be
                              asked is no reason to restart the daemon
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psycopg2

DAEMONS = (
    "ASSET",
    "BACKFILL",
    "FRESHNESS_DAEMON",
    "MONITORING",
    "QUEUED_RUN_COORDINATOR",
    "SCHEDULER",
    "SENSOR",
)
LATELY = 100.0  # they beat every 30 s
SILENT = 600.0
PATIENCE = 300.0
EVERY = 0.3


def last_beats() -> dict[str, float]:
    """Seconds since the epoch of each daemon's last heartbeat."""
    connection = psycopg2.connect(
        host="postgresql",
        dbname="dagster",
        user="dagster",
        password=os.environ["DAGSTER_PG_PASSWORD"],
        connect_timeout=3,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "select daemon_type, extract(epoch from timestamp at time zone 'utc') from daemon_heartbeats"
            )
            return {name: float(when) for name, when in cursor.fetchall()}
    finally:
        connection.close()


def silent_since(moment: float) -> list[str]:
    """The daemons without a heartbeat after that moment."""
    beats = last_beats()
    return [name for name in DAEMONS if beats.get(name, 0.0) < moment]


def first() -> int:
    """0 once a daemon has beaten, 1 when the patience is at its end."""
    print("waiting for the daemon's first heartbeat in the database dagster", flush=True)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if last_beats():
                return 0
            trouble = "it has none"
        except psycopg2.Error as error:
            trouble = str(error).strip()
        if time.monotonic() > deadline:
            print(f"no heartbeat within {PATIENCE:.0f} s: {trouble}", file=sys.stderr)
            return 1
        time.sleep(EVERY)


def main(question: str) -> int:
    """Exit code of the probe; what is wrong goes to standard output, where the kubelet reads it."""
    if question == "first":
        return first()
    now = time.time()
    begun = Path("/proc/1").stat().st_ctime
    if question == "alive" and now - begun < SILENT:
        return 0
    try:
        silent = silent_since(max(begun, now - LATELY) if question == "ready" else now - SILENT)
    except psycopg2.Error as error:
        print(f"the database cannot be asked: {str(error).strip()}")
        return 0 if question == "alive" else 1
    if silent:
        print(f"no heartbeat of {', '.join(silent)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
