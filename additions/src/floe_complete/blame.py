"""What floe's own pipeline refuses, told as every other problem: where it is, what is there, what belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from floe_complete.dbt import FailedError
from floe_complete.document import shown
from floe_complete.problems import Problem, RefusedError

if TYPE_CHECKING:
    from floe_core.compilation.errors import CompilationException
    from floe_core.enforcement.errors import PolicyEnforcementError
    from floe_core.schemas.plugins import SinkWhitelistError

    from floe_complete.reading import Sources


def refusal(failed: Exception, stage: str, sources: Sources) -> RefusedError | FailedError:
    """What to tell of an exception that ended floe's pipeline.

    Args:
        failed: what it raised.
        stage: the last stage that it said it began. floe's own exceptions name another one at times:
            what COMPILE finds wrong with a plugin's configuration calls itself RESOLVE.
        sources: what was compiled.
    """
    from floe_core.compilation.errors import CompilationException  # noqa: PLC0415 - with floe
    from floe_core.enforcement.errors import PolicyEnforcementError  # noqa: PLC0415
    from floe_core.schemas.plugins import SinkWhitelistError  # noqa: PLC0415

    if isinstance(failed, PolicyEnforcementError):
        # floe holds the models against the policies once COMPILE is done, in a span that it calls ENFORCE.
        return RefusedError(_violations(failed, sources))
    if isinstance(failed, SinkWhitelistError):
        return RefusedError(_sinks(failed, stage, sources))
    if isinstance(failed, CompilationException):
        return RefusedError(_said(failed, stage, sources))
    return FailedError(f"{stage} failed: {type(failed).__name__}: {_first_line(failed)}")


def quality_provider(sources: Sources) -> Iterator[Problem]:
    """A provider of quality checks that floe does not know."""
    from floe_core.quality_errors import QualityProviderNotFoundError  # noqa: PLC0415 - with floe
    from floe_core.validation.quality_validation import (  # noqa: PLC0415
        get_available_quality_providers,
        validate_quality_provider,
    )

    quality = sources.manifest.plugins.quality
    if quality is None:
        return
    try:
        validate_quality_provider(quality.provider)
    except QualityProviderNotFoundError:
        yield Problem(
            shown(sources.manifest_file),
            "plugins.quality.provider",
            f'there is no quality provider "{quality.provider}"',
            f"one of {', '.join(sorted(get_available_quality_providers()))}",
            stage="VALIDATE",
        )


def _violations(failed: PolicyEnforcementError, sources: Sources) -> Iterator[Problem]:
    places = {transform.name: position for position, transform in enumerate(sources.spec.transforms)}
    for violation in failed.violations:
        if violation.severity != "error":
            continue
        position = places.get(violation.model_name)
        yield Problem(
            shown(sources.spec_file),
            "transforms" if position is None else f"transforms[{position}].name",
            f"{violation.model_name}: {violation.message}",
            violation.expected,
            violation.suggestion,
            "ENFORCE",
        )


def _sinks(failed: SinkWhitelistError, stage: str, sources: Sources) -> Iterator[Problem]:
    for position, destination in enumerate(sources.spec.destinations or ()):
        if destination.sink_type not in failed.approved_sinks:
            yield Problem(
                shown(sources.spec_file),
                f"destinations[{position}].sink_type",
                f'the sink "{destination.sink_type}" is not approved by the platform',
                f"one of {', '.join(failed.approved_sinks)}",
                stage=stage,
            )


def _said(failed: CompilationException, stage: str, sources: Sources) -> Iterator[Problem]:
    from floe_core.plugin_errors import PluginConfigurationError  # noqa: PLC0415 - with floe

    file, error, context = shown(sources.manifest_file), failed.error, failed.error.context or {}
    cause = failed.__cause__
    plugin = next((key.removesuffix("_plugin") for key in context if key.endswith("_plugin")), "")
    group = f"plugins.{plugin}.config" if plugin else "plugins"
    if isinstance(cause, PluginConfigurationError):
        for wrong in cause.errors:
            field = f"{group}.{wrong.get('field', '')}".rstrip(".")
            yield Problem(file, field, str(wrong.get("message")), "what this plugin takes", stage=stage)
    elif "compute_type" in context and isinstance(cause, ValueError):
        yield from _of_the_compute(file, str(cause), stage)
    else:
        yield Problem(file, group, error.message, error.suggestion or "what this floe takes", stage=stage)


def _of_the_compute(file: str, said: str, stage: str) -> Iterator[Problem]:
    """What a compute plugin refuses, field by field where it names them as a manifest does."""
    for part in said.split("; "):
        named = re.match(r"(plugins\.[\w.]+): (.*)", part, re.DOTALL)
        field, found = named.groups() if named else ("plugins.compute.config", part)
        yield Problem(file, field, found, "what this plugin takes", stage=stage)


def _first_line(failed: Exception) -> str:
    return next(iter(str(failed).splitlines()), "")
