"""Which platform applies to a product: the manifest it names, with what that inherits.

floe 0.1.0a1 has the models of three tiers (enterprise, domain, product) and the rules between them, and
its pipeline calls none of it. They are called here, and completed where they lose what a manifest says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.schemas.inheritance import (
    CircularInheritanceError,
    detect_circular_inheritance,
    merge_manifests,
)
from floe_core.schemas.plugins import PluginsConfig, PluginWhitelistError, validate_domain_plugin_whitelist
from floe_core.schemas.validation import SecurityPolicyViolationError, validate_security_policy_not_weakened

from floe_complete.document import shown
from floe_complete.problems import Problem, RefusedError
from floe_complete.reading import Sources, read_manifest

if TYPE_CHECKING:
    from floe_core.schemas.manifest import GovernanceConfig, PlatformManifest

STAGE = "RESOLVE"
"""Where a compilation merges its manifests."""

_STRENGTHENED = frozenset(
    {"pii_encryption", "audit_logging", "policy_enforcement_level", "data_retention_days", "quality_gates"}
)
"""What a domain may say otherwise than its enterprise, as long as it is stricter: floe knows which it is."""

_FREE = frozenset({"default_ttl_hours", "snapshot_keep_last", "stale_table_recovery_mode"})
"""What floe's own description of governance calls no security, so that a domain may say it as it likes."""


@dataclass(frozen=True)
class Tier:
    """One manifest of a chain, and the file it stands in."""

    file: Path
    manifest: PlatformManifest


@dataclass(frozen=True)
class Platform:
    """What applies.

    Attributes:
        sources: the product, with the manifest that applies to it.
        chain: the manifests it was merged from, the enterprise's first; one where nothing is inherited.
    """

    sources: Sources
    chain: tuple[Tier, ...]

    @property
    def inherits(self) -> bool:
        """Whether more than one manifest has a say."""
        return len(self.chain) > 1

    def write(self, file: Path) -> Path:
        """The file that floe can read it from: the manifest's own where nothing is inherited, else `file`."""
        if not self.inherits:
            return self.sources.manifest_file
        content = self.sources.manifest.model_dump(mode="json", by_alias=True, exclude_none=True)
        import yaml  # noqa: PLC0415 - only where manifests are merged

        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return file


def resolved(sources: Sources) -> Platform:
    """The platform that applies to a product.

    Raises:
        RefusedError: a manifest is not there, inherits from itself, or says what it may not; or the
            product asks for what its platform does not approve.
    """
    chain = _chain(sources)
    merged = chain[0].manifest
    for above, tier in pairwise(chain):
        _refuse([*_weakened(above, tier), *_other_policies(above, tier)])
        merged = _merged(merged, tier.manifest)
    platform = Platform(Sources(sources.spec_file, sources.manifest_file, sources.spec, merged), chain)
    _refuse([*_unapproved_plugins(platform), *_unapproved_computes(platform), *_unapproved_product(platform)])
    return platform


# ---- the chain


def _chain(sources: Sources) -> tuple[Tier, ...]:
    tiers = [Tier(sources.manifest_file, sources.manifest)]
    known: dict[str, dict[str, Any]] = {}
    while True:
        tier = tiers[0]
        parent = _parent(tier)
        known[_name(tier.file)] = {"parent_manifest": _name(parent) if parent else None}
        if parent is None:
            break
        if _name(parent) not in known:
            tiers.insert(0, Tier(parent, read_manifest(parent)))
            continue
        try:
            detect_circular_inheritance(_name(tiers[-1].file), known)
        except CircularInheritanceError as circle:
            around = " inherits from ".join(map(shown, map(Path, circle.chain)))
            _refuse([_problem(tier, f"a circle: {around}", "manifests that end at an enterprise's")])
    for above, tier in pairwise(tiers):
        if above.manifest.scope != "enterprise":
            scope = above.manifest.scope or "none"
            found = f"{shown(above.file)} has the scope {scope}"
            _refuse([_problem(tier, found, "a manifest with `scope: enterprise`")])
    return tuple(tiers)


def _parent(tier: Tier) -> Path | None:
    named = tier.manifest.parent_manifest
    if named is None:
        return None
    if "://" in named:
        found = f'"{named}" is an address, and nothing is fetched to compile'
        _refuse([_problem(tier, found, "the path of a file from here", "download it, and name the file")])
    file = Path(os.path.normpath(tier.file.parent / named))
    if not file.is_file():
        _refuse([_problem(tier, f'there is no file "{shown(file)}"', "the path of a manifest from here")])
    return file


def _name(file: Path) -> str:
    return str(file.resolve())


# ---- what a tier may not say


def _weakened(above: Tier, tier: Tier) -> Iterator[Problem]:
    over, own = above.manifest.governance, tier.manifest.governance
    if over is None or own is None:
        return
    try:
        validate_security_policy_not_weakened(over, own)
    except SecurityPolicyViolationError as weaker:
        yield Problem(
            shown(tier.file),
            f"governance.{weaker.field}",
            f"{weaker.child_value} is weaker than the {weaker.parent_value} of {shown(above.file)}",
            f"{weaker.parent_value}, or stricter",
            "a domain can make its enterprise's policies stricter, never weaker",
            STAGE,
        )


def _other_policies(above: Tier, tier: Tier) -> Iterator[Problem]:
    """What has no order of strength is the enterprise's alone, where it says it; exceptions always are."""
    over, own = above.manifest.governance, tier.manifest.governance
    if over is None or own is None:
        return
    for field in sorted(own.model_fields_set - _STRENGTHENED - _FREE):
        says, stands = getattr(own, field), getattr(over, field)
        if field == "naming" and stands is not None:
            # Only its enforcement has an order; floe has compared it.
            stands = stands.model_copy(update={"enforcement": says.enforcement}) if says else stands
        silent = not stands and field != "policy_overrides"
        if says and not silent and says != stands:
            yield Problem(
                shown(tier.file),
                f"governance.{field}",
                f"is said by {shown(above.file)}, and otherwise",
                "nothing: it is the enterprise's alone",
                "remove it, or ask for it there",
                STAGE,
            )


def _unapproved_plugins(platform: Platform) -> Iterator[Problem]:
    approved = platform.chain[0].manifest.approved_plugins or {}
    for tier in platform.chain:
        for category in PluginsConfig.model_fields:
            selected = getattr(tier.manifest.plugins, category)
            if selected is None or category not in tier.manifest.plugins.model_fields_set:
                continue
            key = "provider" if category == "quality" else "type"
            try:
                validate_domain_plugin_whitelist(category, getattr(selected, key), approved)
            except PluginWhitelistError as refused:
                yield _unapproved(tier.file, f"plugins.{category}.{key}", refused, platform.chain[0].file)


def _unapproved_computes(platform: Platform) -> Iterator[Problem]:
    approved = platform.chain[0].manifest.approved_plugins or {}
    for position, transform in enumerate(platform.sources.spec.transforms):
        if transform.compute is None:
            continue
        try:
            validate_domain_plugin_whitelist("compute", transform.compute, approved)
        except PluginWhitelistError as refused:
            field = f"transforms[{position}].compute"
            yield _unapproved(platform.sources.spec_file, field, refused, platform.chain[0].file)


def _unapproved(file: Path, field: str, refused: PluginWhitelistError, by: Path) -> Problem:
    return Problem(
        shown(file),
        field,
        f'the {refused.category} plugin "{refused.plugin_type}" is not approved by {shown(by)}',
        f"one of {', '.join(refused.approved_plugins)}",
        stage=STAGE,
    )


def _unapproved_product(platform: Platform) -> Iterator[Problem]:
    name = platform.sources.spec.metadata.name
    for tier in platform.chain:
        approved = tier.manifest.approved_products
        if approved is not None and name not in approved:
            yield Problem(
                shown(platform.sources.spec_file),
                "metadata.name",
                f'the product "{name}" is not approved by {shown(tier.file)}',
                f"one of {', '.join(approved)}",
                stage=STAGE,
            )


# ---- merging


def _merged(above: PlatformManifest, own: PlatformManifest) -> PlatformManifest:
    """The merge of floe, with the fields that it drops; what it gives is an enterprise's, and complete."""
    merged = merge_manifests(above, own)
    # A manifest that does not name a dbt has floe's default there, which is no choice of its own.
    dbt = (own if "dbt" in own.plugins.model_fields_set else above).plugins.dbt
    return merged.model_copy(
        update={
            "scope": "enterprise",
            "parent_manifest": None,
            "plugins": merged.plugins.model_copy(update={"dbt": dbt}),
            "governance": _governance(above.governance, own.governance),
            "approved_plugins": above.approved_plugins,
            "approved_sinks": above.approved_sinks,
            "defaults": {**(above.defaults or {}), **(own.defaults or {})} or None,
            "resource_presets": {**(above.resource_presets or {}), **(own.resource_presets or {})} or None,
            "artifacts": own.artifacts or above.artifacts,
            "observability": own.observability or above.observability,
        }
    )


def _governance(above: GovernanceConfig | None, own: GovernanceConfig | None) -> GovernanceConfig | None:
    """The enterprise's policies, and the domain's where it says something: it was seen to be no weaker."""
    if above is None or own is None:
        return above or own
    said = {field: getattr(own, field) for field in own.model_fields_set}
    return above.model_copy(update={field: value for field, value in said.items() if value is not None})


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise RefusedError(problems)


def _problem(tier: Tier, found: str, expected: str, remedy: str = "") -> Problem:
    return Problem(shown(tier.file), "parent_manifest", found, expected, remedy, STAGE)
