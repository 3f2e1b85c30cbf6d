"""The quarantine: what may be in it, for how long, and what it does while it holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from foundation.errors import UserError
from gate.features import parse
from reports import quarantine
from reports.catalogue import FEATURES
from reports.quarantine import Entry, Quarantine

TODAY = date(2026, 3, 10)
FEATURE = "@US1\nFeature: f\n  @FR-001\n  Scenario: Pods: all of them\n    Given a\n"
FILE = "features/quarantine.yaml"


def entry(
    scenario: str = "features/f.feature: Pods: all of them",
    *,
    since: date = date(2026, 3, 1),
    expires: date = date(2026, 3, 20),
) -> Entry:
    return Entry(scenario=scenario, owner="Ada", reason="a race in the probe", since=since, expires=expires)


def found(tmp_path: Path, *entries: Entry, today: date = TODAY) -> list[str]:
    folder = tmp_path / "features"
    folder.mkdir(exist_ok=True)
    (folder / "f.feature").write_text(FEATURE)
    sources = parse(folder, root=tmp_path)
    return [str(one) for one in quarantine.findings(Quarantine(quarantined=[*entries]), today, sources, FILE)]


def test_the_quarantine_of_this_project_is_in_order() -> None:
    today = datetime.now(UTC).date()
    wrong = quarantine.findings(quarantine.load(), today, parse(FEATURES), FILE)
    assert "\n".join(map(str, wrong)) == ""


@pytest.mark.parametrize("today", [date(2026, 3, 1), TODAY, date(2026, 3, 20)])
def test_an_entry_holds_from_its_first_day_to_its_last(tmp_path: Path, today: date) -> None:
    assert found(tmp_path, entry(), today=today) == []
    held = Quarantine(quarantined=[entry()])
    assert list(held.active(today)) == [("features/f.feature", "Pods: all of them")]
    assert held.expired(today) == {}


def test_the_day_after_it_has_expired_and_excuses_nothing(tmp_path: Path) -> None:
    late = date(2026, 3, 21)
    [line] = found(tmp_path, entry(), today=late)
    assert line.startswith(
        f'{FILE}: "features/f.feature: Pods: all of them" was in quarantine until 2026-03-20'
    )
    assert line.endswith(
        ": a race in the probe\n  remedy: Ada mends it, or removes the scenario; then take the entry out"
    )
    held = Quarantine(quarantined=[entry()])
    assert (held.active(late), list(held.expired(late))) == ({}, [entry().key])


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (entry("features/f.feature: Pods: all of then"), "is no scenario"),
        (entry("features/g.feature: Pods: all of them"), "is no scenario"),
        (entry(expires=date(2026, 4, 1)), "is to hold 31 days, at most 30 are allowed"),
        (entry(since=date(2026, 3, 11)), "begins on 2026-03-11, which is to come"),
        (
            entry(since=date(2026, 3, 9), expires=date(2026, 3, 8)),
            "expires (2026-03-08) before it begins (2026-03-09)",
        ),
    ],
)
def test_a_bad_entry_is_found(tmp_path: Path, bad: Entry, problem: str) -> None:
    first, *_ = found(tmp_path, bad)
    assert first.splitlines()[0] == f'{FILE}: "{bad.scenario}" {problem}'


def test_thirty_days_are_right(tmp_path: Path) -> None:
    assert found(tmp_path, entry(expires=date(2026, 3, 31))) == []


def test_one_that_was_to_hold_too_long_excuses_nothing() -> None:
    assert Quarantine(quarantined=[entry(expires=date(2027, 3, 1))]).active(TODAY) == {}


def test_a_scenario_listed_twice_is_found(tmp_path: Path) -> None:
    [line] = found(tmp_path, entry(), entry(expires=date(2026, 3, 25)))
    assert "is listed twice" in line


def test_the_reason_is_told_with_owner_and_date() -> None:
    assert quarantine.reasons(Quarantine(quarantined=[entry()]).active(TODAY)) == {
        (
            "features/f.feature",
            "Pods: all of them",
        ): "in quarantine until 2026-03-20 (Ada): a race in the probe"
    }


LINE = (
    '- {{scenario: "features/f.feature: s", owner: {owner}, reason: r,\n'
    "   since: {since}, expires: 2026-03-20}}\n"
)


def test_the_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "quarantine.yaml"
    file.write_text("quarantined:\n" + LINE.format(owner="Ada", since="2026-03-01"))
    [read] = quarantine.load(file).quarantined
    assert (read.key, read.since) == (("features/f.feature", "s"), date(2026, 3, 1))
    assert quarantine.load(tmp_path / "absent.yaml") == Quarantine()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LINE.format(owner="''", since="2026-03-01"), "quarantined.0.owner: "),
        (LINE.format(owner="Ada", since="soon"), "quarantined.0.since: "),
        ("- {scenario: f}\n", "quarantined.0.scenario: "),
        ("- {colour: red}\n", "quarantined.0."),
    ],
)
def test_a_file_of_another_form_is_refused_by_field(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "quarantine.yaml"
    file.write_text("quarantined:\n" + text)
    with pytest.raises(UserError) as refused:
        quarantine.load(file)
    assert problem in refused.value.problem
    assert "reports/quarantine.py" in refused.value.remedy
