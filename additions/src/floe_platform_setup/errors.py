"""The one error a set-up step ends with."""

from __future__ import annotations


class SetupError(Exception):
    """A step could not be done; the message says what was asked, of whom, and what came back."""
