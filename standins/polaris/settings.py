"""Settings, read from the environment under the names that the real server knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, Field, SecretStr

_JDBC_URL = re.compile(r"^jdbc:postgresql://(?P<host>[^/:?]+)(?::(?P<port>\d+))?/(?P<name>[^?]+)")
_DURATION = re.compile(r"^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$")
_SCHEMA = "polaris_schema"


class SettingsError(Exception):
    """The environment asks for something that the stand-in does not do, or not completely."""


class DatabaseSettings(BaseModel):
    """Where the state is kept."""

    jdbc_url: str
    username: str
    password: SecretStr

    @property
    def host_jdbc_url(self) -> str:
        """The address as Iceberg's JDBC catalog gets it: its tables lie beside Polaris' own."""
        separator = "&" if "?" in self.jdbc_url else "?"
        return f"{self.jdbc_url}{separator}currentSchema={_SCHEMA}"

    def connection(self) -> dict[str, str]:
        """The arguments with which psycopg connects."""
        match = _JDBC_URL.match(self.jdbc_url)
        if match is None:
            raise SettingsError(
                f"QUARKUS_DATASOURCE_JDBC_URL is not jdbc:postgresql://HOST:PORT/NAME: {self.jdbc_url}"
            )
        return {
            "host": match["host"],
            "port": match["port"] or "5432",
            "dbname": match["name"],
            "user": self.username,
            "password": self.password.get_secret_value(),
            "connect_timeout": "3",
            # A peer that vanished without a word is noticed after this many milliseconds.
            "tcp_user_timeout": "10000",
            "application_name": "polaris-stand-in",
            "options": f"-c search_path={_SCHEMA} -c statement_timeout=30000",
        }


class Settings(BaseModel):
    """All that the server needs to know."""

    database: DatabaseSettings
    realms: tuple[str, ...] = ("POLARIS",)
    realm_header: str = "Polaris-Realm"
    host: str = "0.0.0.0"  # noqa: S104 - a pod's own address; QUARKUS_HTTP_HOST narrows it
    port: int = 8181
    management_host: str = "0.0.0.0"  # noqa: S104
    management_port: int = 8182
    signing_key: SecretStr | None = None
    token_seconds: int = 3600
    purge_allowed: bool = False
    has_aws_keys: bool = False
    region: str = "us-east-1"
    java: str = "java"
    java_heap: str = "192m"
    max_body: int = Field(default=10 * 1024 * 1024, description="bytes of a request's body")

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings; what would silently be ignored is refused instead."""
        persistence = env.get("POLARIS_PERSISTENCE_TYPE", "relational-jdbc")
        if persistence != "relational-jdbc":
            raise SettingsError(f"POLARIS_PERSISTENCE_TYPE={persistence}: only relational-jdbc is served")
        database = database_from_environment(env)
        broker = env.get("POLARIS_AUTHENTICATION_TOKEN_BROKER_TYPE", "")
        key = env.get("POLARIS_AUTHENTICATION_TOKEN_BROKER_SYMMETRIC_KEY_SECRET")
        if broker == "symmetric-key" and not key:
            raise SettingsError("POLARIS_AUTHENTICATION_TOKEN_BROKER_SYMMETRIC_KEY_SECRET is not set")
        if any(name.startswith("POLARIS_AUTHENTICATION_TOKEN_BROKER_RSA_KEY_PAIR") for name in env):
            raise SettingsError("an RSA key pair from files is not served; use symmetric-key")
        realms = env.get("POLARIS_REALM_CONTEXT_REALMS", "POLARIS")
        return cls(
            database=database,
            realms=tuple(realm.strip() for realm in realms.split(",") if realm.strip()),
            realm_header=env.get("POLARIS_REALM_CONTEXT_HEADER_NAME", "Polaris-Realm"),
            host=env.get("QUARKUS_HTTP_HOST", "0.0.0.0"),  # noqa: S104
            port=int(env.get("QUARKUS_HTTP_PORT", "8181")),
            management_host=env.get("QUARKUS_MANAGEMENT_HOST", "0.0.0.0"),  # noqa: S104
            management_port=int(env.get("QUARKUS_MANAGEMENT_PORT", "8182")),
            signing_key=SecretStr(key) if key and broker == "symmetric-key" else None,
            token_seconds=_seconds(
                env.get("POLARIS_AUTHENTICATION_TOKEN_BROKER_MAX_TOKEN_GENERATION", "PT1H")
            ),
            purge_allowed=env.get("POLARIS_FEATURES__DROP_WITH_PURGE_ENABLED_", "false").lower() == "true",
            has_aws_keys=bool(env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY")),
            region=env.get("AWS_REGION", "us-east-1"),
            java=env.get("POLARIS_STANDIN_JAVA", "java"),
            java_heap=env.get("POLARIS_STANDIN_JAVA_HEAP", "192m"),
        )


def database_from_environment(env: Mapping[str, str]) -> DatabaseSettings:
    """The database's settings alone: the admin tool needs no more."""
    missing = [
        name
        for name in (
            "QUARKUS_DATASOURCE_JDBC_URL",
            "QUARKUS_DATASOURCE_USERNAME",
            "QUARKUS_DATASOURCE_PASSWORD",
        )
        if not env.get(name)
    ]
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)}")
    database = DatabaseSettings(
        jdbc_url=env["QUARKUS_DATASOURCE_JDBC_URL"],
        username=env["QUARKUS_DATASOURCE_USERNAME"],
        password=SecretStr(env["QUARKUS_DATASOURCE_PASSWORD"]),
    )
    database.connection()
    return database


def _seconds(duration: str) -> int:
    match = _DURATION.match(duration)
    if match is None or not any(match.groups()):
        raise SettingsError(f"not a duration such as PT1H: {duration}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
