"""Dagster's records in PostgreSQL by connections that are kept.

Dagster's own storage opens a connection for each question and looks up the columns of a table before many of
them. With a queue that is looked at every second the daemon alone came to 12 connections a second, each a
process of the server and a handshake meant to be slow: a fifth of all that a busy platform computed, with
what the server did for it (docs/facts.md). Here a process keeps a few, and asks once what its tables have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.utils import create_pg_engine, get_token_provider_from_config, pg_url_from_config

if TYPE_CHECKING:
    from dagster._serdes import ConfigurableClassData
    from sqlalchemy.engine import Engine

KEPT: Final = 2
"""Connections that a process keeps; the daemon's loops rarely ask at the same moment."""

Storage = TypeVar("Storage", bound=PostgresRunStorage | PostgresEventLogStorage | PostgresScheduleStorage)


def _once(check: Callable[..., bool]) -> Callable[..., bool]:
    """A check of the schema whose yes is remembered: Dagster never takes a column or a table back."""

    @wraps(check)
    def remembered(storage: Any, *asked: str) -> bool:
        known = storage.__dict__.setdefault("_known_of_the_schema", set())
        key = (check.__name__, *asked)
        if key not in known and check(storage, *asked):
            known.add(key)
        return key in known

    return remembered


class _Runs(PostgresRunStorage):
    has_run_stats_index_cols = _once(PostgresRunStorage.has_run_stats_index_cols)
    has_built_index = _once(PostgresRunStorage.has_built_index)
    has_backfill_id_column = _once(PostgresRunStorage.has_backfill_id_column)
    has_bulk_actions_selector_cols = _once(PostgresRunStorage.has_bulk_actions_selector_cols)
    has_bulk_action_job_name_column = _once(PostgresRunStorage.has_bulk_action_job_name_column)
    has_backfill_tags_table = _once(PostgresRunStorage.has_backfill_tags_table)

    def dispose(self) -> None:
        self._engine.dispose()
        super().dispose()


class _Events(PostgresEventLogStorage):
    has_table = _once(PostgresEventLogStorage.has_table)
    has_asset_key_col = _once(PostgresEventLogStorage.has_asset_key_col)


class _Schedules(PostgresScheduleStorage):
    has_instigators_table = _once(PostgresScheduleStorage.has_instigators_table)
    has_secondary_index_table = _once(PostgresScheduleStorage.has_secondary_index_table)
    has_built_index = _once(PostgresScheduleStorage.has_built_index)


class PooledPostgresStorage(DagsterPostgresStorage):
    """What Dagster keeps of runs, events and schedules, by a few connections of each process.

    A connection that broke, as when the server was started anew, is noticed before it is used and replaced.
    The web server keeps connections of its own: Dagster sees to that.
    """

    def __init__(self, postgres_url: str, **given: Any) -> None:
        super().__init__(postgres_url, **given)
        provider = given.get("token_provider")
        engine = create_pg_engine(
            postgres_url,
            provider,
            isolation_level="AUTOCOMMIT",
            pool_size=KEPT,
            max_overflow=-1,
            pool_pre_ping=True,
            pool_use_lifo=True,
        )
        # The tables are there: whoever of these came first has made them.
        of: dict[str, Any] = {
            "postgres_url": postgres_url,
            "should_autocreate_tables": False,
            "token_provider": provider,
        }
        self._run_storage = _by(engine, _Runs(**of))
        self._event_log_storage = _by(engine, _Events(**of))
        self._schedule_storage = _by(engine, _Schedules(**of))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PooledPostgresStorage:
        """The storage of an instance, by the same settings as Dagster's own."""
        return cls(
            pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
            token_provider=get_token_provider_from_config(config_value),
        )


def _by(engine: Engine, storage: Storage) -> Storage:
    """The storage, which asks by these connections from now on."""
    storage._engine = engine  # it takes none, and that which it has made holds no connection
    return storage
