"""`python -m reports [html|matrix|summary|pictures|overhead]`: pages of the last run, and its cost."""

from __future__ import annotations

import sys
from collections.abc import Callable

from foundation.errors import PlatformError, UserError
from foundation.progress import say
from reports import html, matrix, overhead, summary


def _pictures() -> None:
    from reports import browser  # noqa: PLC0415 - nothing else needs a browser

    with browser.browsing() as running:
        browser.pictures(running)


COMMANDS: dict[str, Callable[[], object]] = {
    "html": html.show,
    "matrix": lambda: say(matrix.headline(matrix.write())),
    "summary": summary.show,
    "pictures": _pictures,
    "overhead": overhead.show,
}


def main(words: list[str]) -> int:
    """Do what one word says, or build the report when there is none."""
    if len(words) > 1 or (words and words[0] not in COMMANDS):
        say(f"error: {' '.join(words)}: no such command\n  remedy: one of {', '.join(COMMANDS)}")
        return UserError.exit_code
    try:
        COMMANDS[words[0] if words else "html"]()
    except (UserError, PlatformError) as error:
        say(f"error: {error}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
