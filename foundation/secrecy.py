"""The secret values that this process has read: known by name, so that nothing it writes holds them.

Who reads or makes a secret registers it. What is about to be shown is blanked (`blank`), and
what was written is searched at the end (`reports/canary.py`). While evidence of a failure is
taken no Secret can be read at all (`locked`).
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Condition, local
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

from foundation.errors import PlatformError

SHORTEST = 8
"""Characters a value must have to be looked for.

A shorter one stands in many places by chance, or because it is a word (`root`): it would be
blanked where it gives nothing away. The platform's own charts make values of 16 and more.
"""

BLANK = "***"

OPENED_SECONDS = 120.0
"""Until evidence must have been taken that others wait for."""

_needles: dict[str, tuple[str, str]] = {}
"""Each way a known value can be written, with the secret's name and the name of that way."""
_names: dict[str, None] = {}
_met: dict[str, None] = {}
_locks: list[None] = []
_opened = Condition()
_here = local()


def register(name: str, value: SecretStr) -> None:
    """Make a value known as secret.

    Args:
        name: where it is kept, in words that give nothing away (`floe-us1/minio-credentials root-user`).
        value: shorter ones than SHORTEST are not kept.
    """
    text = value.get_secret_value().strip()
    if len(text) < SHORTEST:
        return
    _names[name] = None
    if text not in _needles:
        for needle, form in forms(text).items():
            _needles.setdefault(needle, (name, form))


def names() -> tuple[str, ...]:
    """The names of the secrets whose values are known."""
    return tuple(_names)


def needles() -> Mapping[str, tuple[str, str]]:
    """Each way a known value can be written, with the secret's name and the name of that way."""
    return dict(_needles)


def forms(value: str) -> dict[str, str]:
    """Every way in which a value is looked for, each with its name; plain text first.

    Base64 comes three times: what stands before the value shifts how its bits fall into
    letters, so only letters that depend on nothing but the value are taken.
    """
    octets = value.encode()
    ways = [
        ("plain", value),
        ("JSON", json.dumps(value)[1:-1]),
        ("HTML", html.escape(value)),
        ("percent-encoded", quote(value, safe="")),
        ("percent-encoded", quote_plus(value)),
        ("hex", octets.hex()),
        ("hex", octets.hex().upper()),
    ]
    for before in range(3):
        core = _base64_core(octets, before)
        ways += [("base64", core), ("base64", core.replace("+", "-").replace("/", "_"))]
    found: dict[str, str] = {}
    for form, text in ways:
        found.setdefault(text, form)
    return found


def _base64_core(octets: bytes, before: int) -> str:
    """The letters of the value's base64 that neither what is before nor what is behind it can change."""
    letters = base64.b64encode(b"\0" * before + octets).decode().rstrip("=")
    first = (0, 2, 3)[before]
    last = (before + len(octets)) * 8 // 6
    return letters[first:last]


def blank(text: str, where: str) -> str:
    """The text with every known value blanked, however it is written; that it was there is kept in `met`.

    Args:
        text: what is about to be shown.
        where: what it is, for the message at the end of the session.
    """
    for needle, (name, form) in _needles.items():
        if needle in text:
            text = text.replace(needle, BLANK)
            _met[f"{where} held {name} ({form})"] = None
    return text


def met() -> tuple[str, ...]:
    """Where a known value was about to be shown, one sentence each, without the value."""
    return tuple(_met)


@contextmanager
def locked() -> Iterator[None]:
    """Meanwhile no Secret can be read, by any thread."""
    with _opened:
        _locks.append(None)
    try:
        yield
    finally:
        with _opened:
            _locks.pop()
            _opened.notify_all()


@contextmanager
def waiting() -> Iterator[None]:
    """In this thread, work that is no part of the evidence: it waits for a Secret while evidence is taken."""
    _here.waiting = True
    try:
        yield
    finally:
        _here.waiting = False


def must_be_open(asked: str) -> None:
    """Say that a Secret is about to be read; waits in a thread that is `waiting`.

    Raises:
        PlatformError: it is a time in which none may be.
    """
    with _opened:
        if getattr(_here, "waiting", False):
            _opened.wait_for(lambda: not _locks, timeout=OPENED_SECONDS)
        if _locks:
            raise PlatformError(f"refused to {asked}: no Secret is read while evidence is taken")
