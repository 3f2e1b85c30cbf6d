"""One JSON line on standard output for what an operator wants to find again. Never a secret."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime


def record(event: str, outcome: str, **fields: object) -> None:
    """Write who did what with what outcome.

    Args:
        event: what was attempted: ``authentication``, ``authorization``, ``request``, ...
        outcome: how it ended: ``denied``, ``failed``, ...
        fields: who and what; nothing that gives access to anything.
    """
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, "outcome": outcome}
    print(json.dumps({**line, **fields}, default=str), file=sys.stdout, flush=True)
