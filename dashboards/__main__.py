"""`python -m dashboards write|page|pictures`: Grafana's files, our own page, pictures of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from foundation.cache import ROOT
from foundation.errors import PlatformError, UserError
from foundation.progress import say


def main(words: list[str] | None = None) -> int:
    """Run one command; an error a person can mend is a line with its remedy."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write", help="Grafana's files, into the chart")
    page = commands.add_parser("page", help="the panels as one page, from a Prometheus that answers")
    pictures = commands.add_parser("pictures", help="each dashboard as a picture")
    for one in (page, pictures):
        one.add_argument("--prometheus", default="http://localhost:9090", help="its address")
        one.add_argument("--jaeger", default="http://localhost:16686", help="its address")
    page.add_argument("--out", type=Path, default=ROOT / "reports" / "out" / "observability.html")
    pictures.add_argument("--out", type=Path, default=ROOT / "docs" / "dashboards", help="folder")
    asked = parser.parse_args(words)
    try:
        if asked.command == "write":
            _write()
        elif asked.command == "page":
            _page(asked)
        else:
            _pictures(asked)
    except (UserError, PlatformError) as error:
        say(f"error: {error}")
        return error.exit_code
    return 0


def _write() -> None:
    from dashboards import grafana  # noqa: PLC0415 - the other commands need none of it

    grafana.FOLDER.mkdir(parents=True, exist_ok=True)
    for file, text in grafana.files().items():
        file.write_text(text, encoding="utf-8")
        say(f"{file.relative_to(ROOT)}")


def _page(asked: argparse.Namespace) -> None:
    from reports.observability import write  # noqa: PLC0415

    say(f"{write(asked.prometheus, asked.jaeger, asked.out)}")


def _pictures(asked: argparse.Namespace) -> None:
    from reports.observability import pictures  # noqa: PLC0415

    for file in pictures(asked.prometheus, asked.out):
        say(f"{file}")


if __name__ == "__main__":
    sys.exit(main())
