"""`python -m console COMMAND`: the targets of the Makefile."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from console import commands
from foundation.cache import SYSTEM_VARIABLE
from foundation.errors import PlatformError, UserError
from foundation.process import die_with_parent
from foundation.progress import say

COMMANDS: dict[str, Callable[[], int]] = {
    "up": commands.up,
    "images": commands.images,
    "e2e": commands.e2e,
    "soak": commands.soak,
    "demo": commands.demo,
    "report": commands.report,
    "status": commands.status,
    "down": commands.down,
}

INTERRUPTED = 130


def _refuse_another_system(environment: Mapping[str, str]) -> None:
    """What a run shows is said of this checkout; the runs of `make controls` alone are of a copy."""
    if other := environment.get(SYSTEM_VARIABLE):
        raise UserError(
            f"{SYSTEM_VARIABLE}={other} has another system tested than this checkout's",
            remedy=f"unset {SYSTEM_VARIABLE}: `make controls` sets it for its own runs",
        )


def main(words: list[str]) -> int:
    """Run one command; an error a person can mend is a line with its remedy, never a stack trace."""
    if len(words) != 1 or words[0] not in COMMANDS:
        say(f"error: {' '.join(words) or 'no command'}\n  remedy: one of {', '.join(COMMANDS)}")
        return UserError.exit_code
    die_with_parent()
    try:
        _refuse_another_system(os.environ)
        return COMMANDS[words[0]]()
    except (UserError, PlatformError) as error:
        say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted: `make status` says what still runs, `make down` ends it, running it again goes on")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
