"""What a person sets on make's command line is checked before anything begins."""

from __future__ import annotations

import pytest

from console import settings
from foundation.errors import UserError


def test_nothing_set_is_a_full_run() -> None:
    chosen = settings.load({})
    assert (chosen.full, chosen.selection) == (True, [])


def test_story_and_requirement_become_options_of_pytest() -> None:
    chosen = settings.load({"STORY": "US3", "REQ": "FR-022"})
    assert chosen.selection == ["--story", "US3", "--requirement", "FR-022"]


def test_an_edge_case_may_be_asked_for() -> None:
    assert settings.load({"REQ": "EDGE-04"}).selection == ["--requirement", "EDGE-04"]


def test_empty_variables_count_as_unset() -> None:
    assert settings.load({"STORY": "", "REQ": "", "CLUSTER": ""}) == settings.load({})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"STORY": "US99"}, "STORY=US99"),
        ({"STORY": "us3"}, "STORY=us3"),
        ({"REQ": "FR-999"}, "REQ=FR-999"),
        ({"CLUSTER": "k3s"}, "CLUSTER='k3s'"),
        ({"KEEP": "perhaps"}, "KEEP='perhaps'"),
        ({"ADDITIONS": "false"}, "ADDITIONS='false'"),
        ({"FLOE_DEMO_SEED_SCALE": "0.01"}, "FLOE_DEMO_SEED_SCALE='0.01'"),
        ({"FLOE_DEMO_SEED_SCALE": "nan"}, "FLOE_DEMO_SEED_SCALE='nan'"),
        ({"FLOE_DEMO_SEED_SCALE": "ten"}, "FLOE_DEMO_SEED_SCALE='ten'"),
        ({"PLATFORM_READY_SECONDS": "0"}, "PLATFORM_READY_SECONDS='0'"),
    ],
)
def test_a_bad_value_is_named_with_its_remedy(given: dict[str, str], named: str) -> None:
    with pytest.raises(UserError) as refused:
        settings.load(given)
    assert refused.value.problem.startswith(named)
    assert refused.value.exit_code == 2
    assert refused.value.remedy
