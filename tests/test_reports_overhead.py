"""What the instrument costs is measured on the scenarios themselves, and too much is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from foundation.errors import PlatformError
from reports import overhead
from reports.overhead import Overhead
from tests import sample_run


def test_the_scenarios_of_a_run_are_replayed_with_and_without_the_instrument(tmp_path: Path) -> None:
    sample_run.lay(tmp_path)
    (tmp_path / "features" / "planned.yaml").write_text("at_most: 1\nplanned: [EDGE-01]\n")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ("reports.plugin", "steps.pipelines")\n')
    sample_run.lay_results(tmp_path / "out", failed=["features/test_us1_bootstrap.py::failed"])
    found = overhead.measure(tmp_path / "out", root=tmp_path, repeats=1)
    assert (found.scenarios, found.run) == (2, 60.0)
    assert found.plain > 0
    assert found.instrumented > 0


@pytest.mark.parametrize(("instrumented", "share"), [(3.6, 0.006), (2.9, 0.0)])
def test_its_share_is_what_it_adds_to_the_run(instrumented: float, share: float) -> None:
    found = Overhead(scenarios=34, steps=94, plain=3.0, instrumented=instrumented, run=100.0)
    assert found.share == pytest.approx(share)


@pytest.mark.parametrize(("instrumented", "fails"), [(4.01, True), (3.99, False)])
def test_more_than_a_hundredth_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], instrumented: float, *, fails: bool
) -> None:
    found = Overhead(scenarios=34, steps=94, plain=3.0, instrumented=instrumented, run=100.0)
    monkeypatch.setattr(overhead, "measure", lambda: found)
    if fails:
        with pytest.raises(PlatformError, match=r"is 1\.01%; at most 1%"):
            overhead.show()
    else:
        overhead.show()
        assert "0.99 s of a run of 100 s is 0.99%" in capsys.readouterr().err
