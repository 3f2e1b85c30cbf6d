"""`python -m gate`: every broken rule in a line. `python -m gate accept ID`: its scenarios were reviewed."""

from __future__ import annotations

import sys
from pathlib import Path

from foundation.cache import ROOT
from foundation.errors import UserError
from foundation.progress import say
from gate import check, project, review


def main(words: list[str], root: Path = ROOT) -> int:
    """Check, or accept, and say what came of it; 1 with findings, 2 when something cannot be read."""
    try:
        match words:
            case []:
                return _check(root)
            case ["accept", *ids] if len(ids) <= 1:
                return _accept("".join(ids), root)
    except UserError as error:
        say(f"error: {error}")
        return error.exit_code
    say(f"error: {' '.join(words)}: no such command\n  remedy: nothing, or accept ID")
    return UserError.exit_code


def _check(root: Path) -> int:
    suite = project.load(root)
    findings = check.findings(suite)
    for finding in findings:
        say(finding.line)
    count = f"gate: {len(findings)} finding{'s' if len(findings) > 1 else ''}"
    say(count if findings else check.summary(suite))
    return 1 if findings else 0


def _accept(name: str, root: Path) -> int:
    changed = review.accept(name, root)
    say(f"accepted {name}: {', '.join(changed) or 'nothing had changed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
