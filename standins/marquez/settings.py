"""Settings, read from the environment under the names that the real server's configuration uses."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field, SecretStr, ValidationError

SCHEMA = "marquez"
"""Where the stand-in's tables lie in its database: never among those of a real server."""


class SettingsError(Exception):
    """The environment lacks something, or says something that is no setting."""


class Settings(BaseModel):
    """All that the server needs to know."""

    postgres_host: str
    postgres_port: int = 5432
    postgres_db: str = "marquez"
    postgres_user: str
    postgres_password: SecretStr
    marquez_host: str = "0.0.0.0"  # noqa: S104 - a pod's own address; MARQUEZ_HOST narrows it
    marquez_port: int = 5000
    marquez_admin_port: int = 5001
    max_body: int = Field(default=10 * 1024 * 1024, description="bytes of a request's body")

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            SettingsError: one is missing or wrong; by the variable's name, never with its value.
        """
        given = {name: env[name.upper()] for name in cls.model_fields if env.get(name.upper())}
        try:
            return cls.model_validate(given)
        except ValidationError as wrong:
            names = [f"{error['loc'][0]}".upper() for error in wrong.errors()]
            raise SettingsError(f"not set, or no setting: {', '.join(names)}") from None

    def connection(self) -> dict[str, str]:
        """The arguments with which psycopg connects."""
        return {
            "host": self.postgres_host,
            "port": str(self.postgres_port),
            "dbname": self.postgres_db,
            "user": self.postgres_user,
            "password": self.postgres_password.get_secret_value(),
            "connect_timeout": "3",
            # A peer that vanished without a word is noticed after this many milliseconds.
            "tcp_user_timeout": "10000",
            "application_name": "marquez-stand-in",
            "options": f"-c search_path={SCHEMA} -c statement_timeout=30000 -c timezone=UTC",
        }
