"""What a run does while the catalog does not answer: it waits, for so long and no longer, and goes on.

A catalog that starts anew is away for seconds. dbt fails on it, with whatever its engine says of an address,
and goes on to try every other node, half a minute each; here it is stopped at the first, the run waits with
growing pauses, says so in its events, and has dbt do what is not done yet. When its patience is over the
run fails, and says who was silent for how long.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Generator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

if TYPE_CHECKING:
    from dagster import AssetCheckExecutionContext, AssetExecutionContext
    from dagster_dbt import DbtCliInvocation
    from dagster_dbt.core.dbt_cli_event import DbtCliEventMessage

Answer = TypeVar("Answer")

PATIENCE_VARIABLE = "FLOE_CATALOG_PATIENCE_SECONDS"
"""How long a run waits for the catalog in all, in seconds; the chart sets it."""

PATIENCE_TAG = "floe/catalog-patience-seconds"
"""The same for one run: a tag, so that a launch needs to know nothing of the job's steps."""

PATIENCE_SECONDS = 120.0
ATTEMPTS = 5
"""How often at most dbt begins anew in a run: a catalog that comes and goes all the time is no outage."""

_BROKEN = frozenset({"error", "runtime error"})
"""dbt's words for a node that could not be executed; a test that found rows is `fail`."""

_DONE = frozenset({"success", "pass", "warn"})
"""Its words for a node that need not be executed again."""

_ANSWER_SECONDS = 5.0
_LONGEST_PAUSE = 5.0

_UNREACHED = re.compile(
    r"could not connect|could not resolve|connection (refused|reset|error|aborted)|timeout|timed out"
    r"|couldn't connect|failure when receiving data|server returned nothing|IncompleteBody"
    r"|HTTP 50[234]|\b50[234] ",
    re.IGNORECASE,
)
"""How DuckDB's HTTP client says that nobody, or nobody able to, answered."""


class CatalogSilentError(Exception):
    """The catalog did not answer for as long as a run waits for it."""


class NotRepeatableError(Exception):
    """A model lost the catalog while it appended rows: whether they arrived is not known."""


class _SilentError(Exception):
    """The catalog does not answer now."""


class Patience:
    """The time that one run has for outages of the catalog, and what it says meanwhile.

    Args:
        seconds: that all its waiting together may take.
        say: takes a line for the run's events.
        environment: has the catalog's addresses and the run's credentials.
    """

    def __init__(
        self, seconds: float, say: Callable[[str], object], environment: Mapping[str, str] = os.environ
    ) -> None:
        self._seconds = seconds
        self._left = seconds
        self._say = say
        self._environment = environment

    @classmethod
    def of(cls, context: AssetExecutionContext | AssetCheckExecutionContext) -> Patience:
        """What the run's tag grants, else the platform.

        Raises:
            ValueError: the tag or the variable is no number of seconds.
        """
        granted = context.run.tags.get(PATIENCE_TAG) or os.environ.get(PATIENCE_VARIABLE)
        try:
            seconds = float(granted) if granted else PATIENCE_SECONDS
        except ValueError as other:
            raise ValueError(f"{PATIENCE_TAG} or {PATIENCE_VARIABLE}: {granted!r} is no number") from other
        return cls(seconds, context.log.warning)

    @property
    def catalog(self) -> str:
        """Where the catalog is."""
        return self._environment["POLARIS_URI"]

    def until_the_catalog_answers(self) -> None:
        """Return at once when it does; else wait for it, as long as there is patience left.

        Any answer below 500 will do: what a catalog that serves refuses is for dbt to tell.

        Raises:
            CatalogSilentError: it did not answer in time.
        """
        began = time.monotonic()
        attempts = Retrying(
            retry=retry_if_exception_type(_SilentError),
            wait=wait_exponential(multiplier=0.5, max=_LONGEST_PAUSE),
            stop=stop_after_delay(self._left),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            attempts(self._ask)
        except _SilentError as silent:
            raise CatalogSilentError(
                f"the catalog {self.catalog} did not answer within the {self._seconds:g} s that a run waits "
                f"for it: {silent}. Every table is as its last commit left it; launch the run again once the "
                f"catalog answers"
            ) from silent
        waited = time.monotonic() - began
        if attempts.statistics.get("attempt_number", 1) > 1:
            self._say(f"the catalog answers again after {waited:.0f} s")
            self._left = max(self._left - waited, 0.0)

    def outlast(self, call: Callable[[], Answer]) -> Answer:
        """What a reading call gives, asked again after an outage of the catalog.

        Raises:
            CatalogSilentError: it did not answer in time.
        """
        from pyiceberg.exceptions import ServerError, ServiceUnavailableError  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415

        for _ in range(ATTEMPTS - 1):
            try:
                return call()
            except (RequestException, ServerError, ServiceUnavailableError):
                self.until_the_catalog_answers()
        return call()

    def silent(self) -> str:
        """In what way the catalog does not answer now; empty when it does."""
        try:
            self._ask()
        except _SilentError as silent:
            return str(silent)
        return ""

    def is_to_blame(self, message: str) -> bool:
        """Whether an error of dbt is one of a catalog that did not answer."""
        place = self.catalog.partition("://")[2].partition("/")[0]
        return place in message and bool(_UNREACHED.search(message))

    def _ask(self) -> None:
        env = self._environment
        form = {
            "grant_type": "client_credentials",
            "client_id": env["POLARIS_CLIENT_ID"],
            "client_secret": env["POLARIS_CLIENT_SECRET"],
            "scope": env.get("POLARIS_SCOPE", "PRINCIPAL_ROLE:ALL"),
        }
        try:
            answer = httpx.post(env["POLARIS_OAUTH2_SERVER_URI"], data=form, timeout=_ANSWER_SECONDS)
        except httpx.TimeoutException as late:
            raise _SilentError(f"no answer within {_ANSWER_SECONDS:g} s") from late
        except httpx.TransportError as nobody:
            raise _SilentError(f"nobody answers ({nobody or type(nobody).__name__})") from nobody
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _SilentError(f"it answers {answer.status_code}")

    def _tell(self, state: RetryCallState) -> None:
        pause = state.next_action.sleep if state.next_action else 0.0
        reason = state.outcome.exception() if state.outcome else ""
        self._say(
            f"waiting for the catalog {self.catalog}: {reason}; asked {state.attempt_number} times, "
            f"again in {pause:.1f} s, for {self._left:.0f} s at most"
        )


def ridden_out(
    begin: Callable[[], DbtCliInvocation],
    resume: Callable[[Collection[str]], DbtCliInvocation],
    end: Callable[[DbtCliInvocation], object],
    patience: Patience,
) -> Generator[tuple[DbtCliInvocation, DbtCliEventMessage]]:
    """Everything that dbt says of its nodes, over as many invocations as outages of the catalog need.

    Each node's result comes once. A result that an outage alone explains does not come: the next
    invocation has the node's own.

    Args:
        begin: starts dbt with everything that was selected.
        resume: starts dbt with all of that but these nodes, which are done.
        end: ends an invocation, whatever became of it.
        patience: of the run.

    Raises:
        DagsterDbtCliRuntimeError: dbt failed, and not for want of the catalog.
        CatalogSilentError: the catalog did not come back in time.
        NotRepeatableError: the rows of a model may have been appended or not.
    """
    told: set[str] = set()
    done: set[str] = set()  # what failed a test is tested again, so that nothing is built on it
    patience.until_the_catalog_answers()
    for attempt in range(1, ATTEMPTS + 1):
        invocation = resume(done) if done else begin()
        seen = _Attempt(patience)
        try:
            for message in invocation.stream_raw_events():
                if seen.keeps(message):
                    # Why a node failed dbt tells at its own end.
                    if attempt < ATTEMPTS and not seen.lost and (silent := patience.silent()):
                        seen.lost.append(silent)
                        end(invocation)  # what it has said by then is still read
                    continue
                if seen.node_of(message) in told:
                    continue
                if message.is_result_event:
                    told.add(seen.node_of(message))
                    if message.raw_event["data"]["node_info"]["node_status"] in _DONE:
                        done.add(seen.node_of(message))
                yield invocation, message
        except DagsterDbtCliRuntimeError:
            if not seen.lost or attempt == ATTEMPTS:
                yield from ((invocation, message) for message in seen.kept)
                raise
        else:
            yield from ((invocation, message) for message in seen.kept)
            return
        finally:
            end(invocation)
        nodes = invocation.manifest["nodes"]
        if risky := sorted(node for node in seen.unknown if _appends(nodes.get(node, {}))):
            raise NotRepeatableError(
                f"the catalog {patience.catalog} was lost while {', '.join(risky)} appended rows, and "
                f"whether they arrived is not known: look, then launch the run again ({seen.lost[0]})"
            )
        patience.until_the_catalog_answers()


class _Attempt:
    """What one invocation of dbt lost to an outage."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.lost: list[str] = []
        self.failed: set[str] = set()
        self._begun: set[str] = set()
        self._ended: set[str] = set()
        self.kept: list[DbtCliEventMessage] = []

    @property
    def unknown(self) -> set[str]:
        """The nodes of which nobody can say what became of them."""
        return self.failed | (self._begun - self._ended)

    def keeps(self, message: DbtCliEventMessage) -> bool:
        """Note what went wrong; whether the message has to wait until it is known why."""
        info = message.raw_event["info"]
        if info["level"] == "error" and self._patience.is_to_blame(str(info["msg"])):
            self.lost.append(" ".join(str(info["msg"]).split()))
        if not message.is_result_event:
            self._begun.add(self.node_of(message))
            return False
        self._ended.add(self.node_of(message))
        node = message.raw_event["data"]["node_info"]
        if node["node_status"] not in _BROKEN:
            return False
        self.failed.add(node["unique_id"])
        self.kept.append(message)
        return True

    @staticmethod
    def node_of(message: DbtCliEventMessage) -> str:
        """The node that a message is about; empty when it is about none."""
        return str(message.raw_event["data"].get("node_info", {}).get("unique_id", ""))


def _appends(node: Mapping[str, Any]) -> bool:
    """Whether a second execution of a node may write the same rows twice."""
    config = node.get("config", {})
    if config.get("materialized") != "incremental":
        return False
    strategy = config.get("incremental_strategy") or ("merge" if config.get("unique_key") else "append")
    return bool(strategy == "append")
