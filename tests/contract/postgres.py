"""The names that tests know PostgreSQL by; they are standins/loopback's."""

from standins.loopback.postgres import Postgres, libraries, programs, user

__all__ = ["Postgres", "libraries", "programs", "user"]
