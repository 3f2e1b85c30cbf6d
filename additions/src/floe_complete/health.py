"""`floe-complete health`: does every service behind the platform's plugins serve?"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import click

from floe_complete.document import Document, load
from floe_complete.probes import PROBES, WITHOUT_SERVICE, IllError, Question, Settings
from floe_complete.problems import RefusedError
from floe_complete.reading import MANIFEST

HEALTHY, UNHEALTHY, NO_SERVICE, UNKNOWN = "healthy", "unhealthy", "no service", "unknown"

_GRACE_SECONDS = 0.5
"""What an answer has to come through, once its time is over, before it is given up."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Selected:
    """A plugin that the manifest selects.

    Attributes:
        type: of plugin, as the manifest calls it.
        name: of the plugin.
        settings: its `config`.
    """

    type: str
    name: str
    settings: Settings


@dataclass(frozen=True)
class Health:
    """What was found of one plugin.

    Attributes:
        type: of plugin, as the manifest calls it.
        name: of the plugin.
        address: of its service, without credentials; empty where there is none.
        state: healthy, unhealthy, no service (it works in the run), or unknown (it has no way to ask).
        reason: what the service says of itself, or why it does not serve.
    """

    type: str
    name: str
    address: str
    state: str
    reason: str


@click.command("health")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    default=Path("manifest.yaml"),
    show_default=True,
    help="The platform's manifest.",
)
@click.option(
    "--within",
    type=click.FloatRange(min=0.1, max=60),
    default=5.0,
    show_default=True,
    help="Seconds that a service has to answer.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell it for machines.")
def command(manifest: Path, *, within: float, as_json: bool) -> None:
    """Ask the service behind each plugin of the platform whether it serves.

    It is asked by the plugin's own protocol, from here: run it where the addresses of the manifest are
    known. Variables in the manifest are read from the environment; Dagster's web server is at DAGSTER_URL.
    The exit code is 0 when none is unhealthy, else 1.
    """
    found = of_platform(manifest, within)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        click.echo("\n".join(_table(found)))
    if any(one.state == UNHEALTHY for one in found):
        raise click.exceptions.Exit(1)


def of_platform(
    manifest_file: Path, seconds: float, variables: Mapping[str, str] = os.environ
) -> list[Health]:
    """Ask all at once.

    Raises:
        RefusedError: the manifest cannot be read, or selects no plugin; with file, field and remedy.
    """
    manifest = load(manifest_file, MANIFEST)
    selected = _selected(manifest)
    asking = partial(
        of_plugin,
        observability=manifest.content.get("observability") or {},
        variables=variables,
        seconds=seconds,
    )
    answers = _within(seconds + _GRACE_SECONDS, [partial(asking, one) for one in selected])
    late = f"no answer within {seconds:g} s"
    return [
        answer or Health(one.type, one.name, "", UNHEALTHY, late)
        for one, answer in zip(selected, answers, strict=True)
    ]


def of_plugin(
    selected: Selected, observability: Settings, variables: Mapping[str, str], seconds: float
) -> Health:
    """Ask the service of one plugin; however that goes, its health is the answer."""

    def told(state: str, reason: str) -> Health:
        return Health(selected.type, selected.name, _shown(address), state, reason)

    address = ""
    kind = (selected.type, selected.name)
    if kind in WITHOUT_SERVICE:
        return told(NO_SERVICE, "it works in the run itself")
    try:
        if kind not in PROBES:
            return told(*_asked_by_itself(selected, variables, seconds))
        probe = PROBES[kind]
        address = probe.address(selected.settings, observability, variables)
        settings = resolved(selected.settings, variables)
        address = str(resolved(address, variables))
        return told(HEALTHY, probe.ask(Question(address, settings, variables, seconds)))
    except IllError as ill:
        return told(UNHEALTHY, str(ill))
    except Exception as broken:  # noqa: BLE001 - one broken check must not hide the others
        return told(UNHEALTHY, f"cannot be asked ({type(broken).__name__})")


def resolved(value: Any, variables: Mapping[str, str]) -> Any:
    """A part of the manifest with its `${NAME}` taken from the environment.

    Raises:
        IllError: one is not set; by its name.
    """

    def variable(found: re.Match[str]) -> str:
        if found[1] not in variables:
            raise IllError(f"cannot be asked: the variable {found[1]} is not set")
        return variables[found[1]]

    match value:
        case str():
            return _VARIABLE.sub(variable, value)
        case Mapping():
            return {key: resolved(inner, variables) for key, inner in value.items()}
        case list():
            return [resolved(inner, variables) for inner in value]
        case _:
            return value


def _asked_by_itself(selected: Selected, variables: Mapping[str, str], seconds: float) -> tuple[str, str]:
    """The state and the reason that a plugin of somebody else's gives of itself."""
    from floe_core.plugin_metadata import HealthState, PluginMetadata  # noqa: PLC0415 - slow
    from floe_core.plugin_registry import get_registry  # noqa: PLC0415
    from floe_core.plugin_types import PluginType  # noqa: PLC0415

    if selected.type.upper() not in PluginType.__members__:
        return UNHEALTHY, "is of a type that floe does not know"
    kind, registry = PluginType[selected.type.upper()], get_registry()
    try:
        registry.configure(kind, selected.name, dict(resolved(selected.settings, variables)))
        plugin = registry.get(kind, selected.name)
    except IllError:
        raise
    except Exception as refused:
        raise IllError(f"cannot be loaded ({type(refused).__name__})") from refused
    if type(plugin).health_check is PluginMetadata.health_check:
        return UNKNOWN, "it has no health check of its own"
    status = plugin.health_check(timeout=seconds)
    state = HEALTHY if status.state is HealthState.HEALTHY else UNHEALTHY
    return state, status.message or status.state.value


def _within(seconds: float, questions: Sequence[Callable[[], Health]]) -> list[Health | None]:
    """The answers in the order of the questions; None where one did not come in time."""
    answers: list[Health | None] = [None] * len(questions)

    def ask(number: int) -> None:
        answers[number] = questions[number]()

    # Not a pool: the process must end though a plugin of somebody else's never comes back.
    threads = [threading.Thread(target=ask, args=(at,), daemon=True) for at in range(len(questions))]
    for thread in threads:
        thread.start()
    over = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, over - time.monotonic()))
    return list(answers)


def _selected(manifest: Document) -> list[Selected]:
    """What the manifest selects, in its order.

    Raises:
        RefusedError: it selects nothing, or an entry names no plugin.
    """
    plugins = manifest.content.get("plugins")
    if not isinstance(plugins, dict):
        expected = "the platform's plugins, by their type"
        remedy = "name the platform's manifest: --manifest FILE"
        problem = manifest.problem(("plugins",), found="is missing", expected=expected, remedy=remedy)
        raise RefusedError([problem])
    found, wrong = [], []
    for kind, selection in plugins.items():
        match selection:
            case {"type": str(name)} | {"provider": str(name)}:
                found.append(Selected(str(kind), name, selection.get("config") or {}))
            case _:
                expected = "type: the name of a plugin"
                wrong.append(
                    manifest.problem(("plugins", str(kind)), found="names no plugin", expected=expected)
                )
    if wrong:
        raise RefusedError(wrong)
    return found


def _shown(address: str) -> str:
    """An address without who signs in there."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.netloc else address


def _table(found: Iterable[Health]) -> list[str]:
    rows = [(one.type, one.name, one.address or "-", one.state, one.reason) for one in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
