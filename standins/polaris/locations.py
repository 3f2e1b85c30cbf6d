"""Object store locations: whether one lies in another."""

from __future__ import annotations

from collections.abc import Iterable


def normalized(location: str) -> str:
    """A location with one scheme and one slash at its end, so that prefixes can be compared."""
    scheme, separator, rest = location.partition("://")
    if not separator:
        return location.rstrip("/") + "/"
    return f"{'s3' if scheme in ('s3a', 's3n') else scheme}://{rest.rstrip('/')}/"


def inside(location: str, allowed: Iterable[str]) -> bool:
    """Whether a location is one of the allowed ones, or below one, without stepping out again."""
    wanted = normalized(location)
    if any(part in (".", "..") for part in wanted.split("/")):
        return False
    return any(wanted.startswith(normalized(each)) for each in allowed)


def overlap(one: str, other: str) -> bool:
    """Whether two locations are the same, or one lies in the other."""
    first, second = normalized(one), normalized(other)
    return first.startswith(second) or second.startswith(first)
