"""Which faults are planted in one platform: those that can still be told apart when all of them are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controls.catalogue import Fault
from controls.planting import fit_together
from foundation.cache import ROOT


@dataclass(frozen=True)
class Group:
    """Faults of one story that are planted together; often one.

    Attributes:
        name: of its folder of evidence: the fault's own where it is alone.
        faults: in the order in which they are planted.
    """

    name: str
    faults: tuple[Fault, ...]

    @property
    def story(self) -> str:
        """Whose scenarios run."""
        return self.faults[0].story


def groups(faults: Sequence[Fault], *, root: Path = ROOT) -> list[Group]:
    """The faults in few runs, story by story: each in the first group that takes it."""
    gathered: list[list[Fault]] = []
    for fault in sorted(faults, key=lambda one: (one.story, one.id)):
        home = next((group for group in gathered if _can_join(group, fault, root)), None)
        if home is None:
            gathered.append([fault])
        else:
            home.append(fault)
    return [_named(group, number) for number, group in enumerate(gathered, 1)]


def _named(faults: Sequence[Fault], number: int) -> Group:
    alone = len(faults) == 1
    return Group(faults[0].id if alone else f"{faults[0].story.lower()}-together-{number}", tuple(faults))


def _can_join(group: Sequence[Fault], fault: Fault, root: Path) -> bool:
    """Whether a scenario that is red in this company still says which fault it is red of."""
    taken = {title for one in group for title in one.expected()}
    return (
        group[0].story == fault.story
        and all(one.plant.only_edits and not one.alone for one in (*group, fault))
        and taken.isdisjoint(fault.expected())
        and fit_together([*group, fault], root=root)
    )
