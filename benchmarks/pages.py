"""A page of docs/ with parts that measurements write; the words beside them are a person's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from foundation.errors import UserError


def row(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def put_into(page: str, part: str, text: str) -> str:
    """The page with another text in one of its parts.

    Raises:
        UserError: the page has no such part, or two.
    """
    begin, end = marks(part)
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise UserError(
            f"the page has no single part between {begin} and {end}",
            remedy="put both lines into it, once each",
        )
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}\n{end}{after}"


def write(file: Path, part: str, text: str) -> None:
    """Put a text into a part of a page; a page that is not there yet has that part alone.

    Raises:
        UserError: the page has no such part.
    """
    begin, end = marks(part)
    page = file.read_text(encoding="utf-8") if file.is_file() else f"{begin}\n{end}\n"
    file.write_text(put_into(page, part, text), encoding="utf-8")


def marks(part: str) -> tuple[str, str]:
    """The lines around a part."""
    return f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
