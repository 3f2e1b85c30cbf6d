"""The review of every scenario against the text it proves, kept beside its tags.

    @FR-022 @GAP-007  # reviewed 5f0c1a2b 99ab12cd

One hash for each id of the catalogue on that line, in their order; `-` stands for an id that nobody has
accepted yet. The hash is of the requirement's text alone: who changes what is promised makes all its
scenarios stale, and somebody has to read them again. `make requirements-accept ID=FR-022` says that it
was done; it changes these comments and features/index.yaml, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from foundation.cache import ROOT
from foundation.errors import UserError
from gate import project
from gate.features import FeatureSource, TagLine
from gate.finding import Finding
from gate.index import FILE, Entry, Index, Key, entries_of
from gate.project import Project
from reports.catalogue import Catalogue

EVERYTHING = "all"
NEVER = "-"

_WORD = "reviewed"
_REVIEW = re.compile(rf"{_WORD}(?P<hashes>(?: (?:[0-9a-f]{{8}}|{NEVER}))+)")
_TAIL = re.compile(r"\s+#.*$")


# ---- what is hashed


def texts(catalogue: Catalogue) -> dict[str, list[str]]:
    """What each id promises, in the parts that a scenario answers for."""
    found = {item.id: [item.statement, item.proof] for item in catalogue.requirements}
    found |= {case.id: [case.statement, *case.covers] for case in catalogue.edge_cases}
    found |= {name: [gap.topic, *gap.covers] for name, gap in catalogue.gaps.items()}
    return found | {name: [text] for name, text in catalogue.success_criteria.items()}


def hashes(catalogue: Catalogue) -> dict[str, str]:
    """Eight hex digits for each id; how the YAML is wrapped makes no difference."""
    return {name: _hash(name, parts) for name, parts in texts(catalogue).items()}


def _hash(name: str, parts: Iterable[str]) -> str:
    canonical = json.dumps([name, *(" ".join(part.split()) for part in parts)], ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]


# ---- the rule


def what_changed_was_reviewed(features: Iterable[FeatureSource], current: Mapping[str, str]) -> list[Finding]:
    """Each id was reviewed, wherever it stands, with the text it has now; one finding an id."""
    stale: dict[str, list[tuple[TagLine, str]]] = {}
    for feature in features:
        for line in feature.tag_lines:
            for name, why in _stale(line, current):
                stale.setdefault(name, []).append((line, why))
    return [_finding(name, places) for name, places in sorted(stale.items())]


def _finding(name: str, places: list[tuple[TagLine, str]]) -> Finding:
    (first, why), *others = places
    also = f" (also at {', '.join(line.place for line, _ in others)})" if others else ""
    remedy = f"read its scenarios against the text, then: make requirements-accept ID={name}"
    return Finding(first.place, f"{name} {why}{also}", remedy)


def _stale(line: TagLine, current: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    ids = [tag for tag in line.tags if tag in current]
    if ids and not (line.comment or "").startswith(_WORD):
        yield from ((name, "was never reviewed here") for name in ids)
        return
    kept = _kept(line)
    if len(kept) != len(ids):
        yield from ((name, f'has no review in "# {line.comment}"') for name in ids)
        return
    for name, hash_ in zip(ids, kept, strict=True):
        if hash_ == NEVER:
            yield name, "was never reviewed here"
        elif hash_ != current[name]:
            yield name, f"was reviewed with another text: {hash_}, now {current[name]}"


def _kept(line: TagLine) -> list[str]:
    """The hashes of a line; none when its comment is not written as one."""
    found = _REVIEW.fullmatch(line.comment or "")
    return found["hashes"].split() if found else []


# ---- the command


def accept(name: str, root: Path = ROOT) -> list[str]:
    """Say that the scenarios of an id were read against its text.

    Args:
        name: an id of the catalogue, or `all`.
        root: the checkout.

    Returns:
        The files that changed, relative to the checkout.

    Raises:
        UserError: no such id; no scenario carries it; a scenario is gone and an id has no other; or
            a comment of another kind stands where the review is kept.
    """
    suite = project.load(root)
    wanted = _wanted(name, suite)
    index = _renewed(suite, wanted)
    current = hashes(suite.catalogue)
    texts_of = {feature.path: _reviewed(feature, wanted, current) for feature in suite.features}
    texts_of[root / FILE] = index.text().encode()
    changed = [path for path, text in texts_of.items() if not path.exists() or path.read_bytes() != text]
    for path in changed:
        path.write_bytes(texts_of[path])
    return [str(path.relative_to(root)) for path in changed]


def _wanted(name: str, suite: Project) -> frozenset[str]:
    if name == EVERYTHING:
        return suite.carried | {one for entry in suite.index.entries.values() for one in entry.ids}
    if name not in suite.catalogue.ids:
        raise UserError(
            f'ID={name}: "{name}" is not in the catalogue' if name else "no ID was given",
            remedy="name one of features/requirements.yaml, or all: make requirements-accept ID=FR-022",
        )
    if name not in suite.carried:
        raise UserError(f"ID={name}: no scenario carries @{name}", remedy="tag the scenario that proves it")
    return frozenset({name})


def _renewed(suite: Project, wanted: frozenset[str]) -> Index:
    """The index with the entries of these ids as the features have them now, in the features' order."""
    before, now = suite.index.entries, entries_of(suite.scenarios, suite.catalogue)
    concerned = {key for key in {**before, **now} if wanted & _ids(key, before, now)}
    lost = frozenset().union(*(before[key].ids for key in concerned if key in before)) - suite.carried
    if lost:
        raise UserError(
            f"{', '.join(sorted(lost))}: the last scenario is gone; what was proved once stays proved",
            remedy="restore it (git log -- features), or write another",
        )
    order = [*now, *(key for key in before if key not in now)]
    taken = {key: (now if key in concerned else before).get(key) for key in order}
    return Index.of({key: entry for key, entry in taken.items() if entry})


def _ids(key: Key, *indexes: Mapping[Key, Entry]) -> frozenset[str]:
    return frozenset().union(*(index[key].ids for index in indexes if key in index))


def _reviewed(feature: FeatureSource, wanted: frozenset[str], current: Mapping[str, str]) -> bytes:
    """The file with the comments of these ids renewed, every other byte as it is."""
    lines = feature.path.read_bytes().split(b"\n")
    for line in feature.tag_lines:
        if wanted & set(line.tags):
            text = lines[line.line - 1].decode()
            end = "\r" if text.endswith("\r") else ""
            lines[line.line - 1] = (
                _TAIL.sub("", text.rstrip()) + _comment(line, wanted, current) + end
            ).encode()
    return b"\n".join(lines)


def _comment(line: TagLine, wanted: frozenset[str], current: Mapping[str, str]) -> str:
    if line.comment and not line.comment.startswith(_WORD):
        raise UserError(
            f"{line.place}: a comment stands where the review is kept: # {line.comment}",
            remedy="move it to a line of its own",
        )
    ids = [tag for tag in line.tags if tag in current]
    kept = _kept(line)
    # When their number differs nobody knows which hash was whose, but a hash that is right tells itself.
    aligned = (
        kept if len(kept) == len(ids) else [current[one] if current[one] in kept else NEVER for one in ids]
    )
    renewed = [current[one] if one in wanted else old for one, old in zip(ids, aligned, strict=True)]
    return f"  # {_WORD} {' '.join(renewed)}"
