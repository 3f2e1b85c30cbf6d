"""Is the Dagster daemon of this container at work? Its heartbeats in the database say so.

Dagster's own check (`dagster-daemon liveness-check`) loads the whole of Dagster, several seconds of
a core each time; this asks the same table directly.

    heartbeat.py ready        every daemon has beaten since this container began, and lately
    heartbeat.py alive        none has been silent for ten minutes; a database that cannot be
                              asked is no reason to restart the daemon
"""

import os
import sys
import time

import psycopg2

DAEMONS = {"SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "MONITORING", "BACKFILL"}
BEGUN = os.stat("/proc/1").st_ctime
# Daemons beat every 30 s.
LATELY = 100.0
SILENT = 600.0


def last_beats():
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


def late(question):
    """The daemons that fail the question."""
    beats = last_beats()
    now = time.time()
    since = max(BEGUN, now - LATELY) if question == "ready" else now - SILENT
    if question == "alive" and now - BEGUN < SILENT:
        return []
    return sorted(name for name in DAEMONS if beats.get(name, 0.0) < since)


def main():
    question = sys.argv[1]
    try:
        silent = late(question)
    except psycopg2.Error as error:
        print(f"the database cannot be asked: {str(error).strip()}")
        return 0 if question == "alive" else 1
    if silent:
        print(f"no heartbeat of {', '.join(silent)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
