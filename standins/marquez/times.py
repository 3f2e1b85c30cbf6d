"""Moments, as Marquez reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def read(text: object) -> datetime:
    """A moment of ISO 8601; one without a zone is taken for UTC.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(text, str):
        raise ValueError(f"Text '{text}' could not be parsed")  # noqa: TRY004 - the API's one kind of error
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def told(moment: datetime | None) -> str | None:
    """A moment as the API tells it: in UTC, with 0, 3 or 6 digits after the second."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC)
    digits = {True: "seconds", False: "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"}
    return utc.isoformat(timespec=digits[utc.microsecond == 0]).removesuffix("+00:00") + "Z"
