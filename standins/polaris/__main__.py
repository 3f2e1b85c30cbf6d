"""`python -m standins.polaris serve` and `python -m standins.polaris bootstrap ...`."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Serve, which is the default, or do what the admin tool does."""
    if arguments and arguments[0] != "serve":
        from standins.polaris import admin  # noqa: PLC0415 - each command loads only what it needs

        return admin.main(arguments)
    from standins.polaris import server  # noqa: PLC0415

    return server.main()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
