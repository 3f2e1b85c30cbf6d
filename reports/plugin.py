"""The pytest plugin between the features and the evidence.

It gives Allure what it does not know of pytest-bdd (Gherkin steps, stories, requirement
ids) and keeps one record a scenario for the requirement matrix. A scenario is recorded
from its own definition, not from its first step, so that one whose fixtures fail before
any step is reported as failed and never lost.

It does its work only in sessions that reach into the features folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import allure
import allure_commons
import pytest
from allure_commons.model2 import Label, Parameter, Status, TestResult, TestResultContainer, TestStepResult
from allure_commons.types import AttachmentType
from pytest_bdd.parser import Feature, Scenario, ScenarioTemplate, Step
from pytest_bdd.scenario import scenario_wrapper_template_registry

from foundation import secrecy
from foundation.errors import UserError
from reports import allure_files, catalogue, choice, evidence, facts, matrix, results, verdict
from reports.catalogue import Catalogue
from reports.categories import category_of
from reports.results import Outcome, Run, ScenarioResult, StepResult

pytest_plugins = ("reports.selection", "reports.live", "reports.tracing")

_dynamic: Any = allure.dynamic
_allure_step: Any = allure.step
_MESSAGE_LIMIT = 6000
_OUT = Path("reports") / "out"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the evidence goes."""
    group = parser.getgroup("floe acceptance")
    group.addoption("--evidence", metavar="FOLDER", help=f"write the evidence here (default: {_OUT})")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Know the catalogue's ids as markers; turn the evidence on when features will run."""
    try:
        known = catalogue.of(config.rootpath)
    except UserError as error:
        raise pytest.UsageError(str(error)) from error
    for name in (*sorted(known.ids), *known.stories):
        config.addinivalue_line("markers", f"{name}: see features/requirements.yaml")
    if not _features_run(config):
        return
    out = config.rootpath / (config.getoption("--evidence") or _OUT)
    if getattr(config.option, "allure_report_dir", None) is None:
        config.option.allure_report_dir = str(out / allure_files.RESULTS)
    keeper = EvidenceKeeper(config, known, out)
    config.pluginmanager.register(keeper, "evidence")
    allure_commons.plugin_manager.register(keeper, "evidence")
    config.add_cleanup(lambda: allure_commons.plugin_manager.unregister(name="evidence"))


def _features_run(config: pytest.Config) -> bool:
    if hasattr(config, "workerinput"):
        return bool(config.workerinput.get("evidence"))
    if config.option.collectonly or config.option.help:
        return False
    features = config.rootpath / "features"
    for word in config.args:
        place = (config.invocation_params.dir / word.partition("::")[0]).resolve()
        if place == features or features in place.parents or place in features.parents:
            return True
    return False


@dataclass
class _Running:
    """The scenario under way."""

    scenario: Scenario
    record: ScenarioResult
    touched: set[str]
    fixtures: Callable[[], Iterable[str]] = list
    called: bool = False
    step: tuple[Step, AbstractContextManager[Any], float] | None = None
    failures: list[str] = field(default_factory=list)
    skipped: bool = False
    params: dict[str, str] = field(default_factory=dict)

    def start(self, step: Step) -> None:
        shown = _allure_step(f"{step.keyword} {step.name}")
        shown.__enter__()
        self.step = (step, shown, time.perf_counter())
        if step.docstring is not None:
            allure.attach(step.docstring, "text", AttachmentType.TEXT)
        if step.datatable is not None:
            allure.attach(_table(step.datatable.raw()), "table", AttachmentType.TEXT)

    def stop(self, exception: BaseException | None) -> None:
        if self.step is None:
            return
        step, shown, began = self.step
        self.step = None
        result: Outcome = "failed" if exception else "passed"
        self._keep(step, result, time.perf_counter() - began)
        shown.__exit__(*((type(exception), exception, exception.__traceback__) if exception else (None,) * 3))

    def end(self) -> None:
        """Close a step that an interrupt left open, and name the steps behind it."""
        self.stop(KeyboardInterrupt("interrupted"))
        for step in self.scenario.steps[len(self.record.steps) :]:
            self._keep(step, "not reached", 0.0)

    def _keep(self, step: Step, result: Outcome, seconds: float) -> None:
        self.record.steps.append(
            StepResult(keyword=step.keyword, text=step.name, result=result, seconds=round(seconds, 3))
        )

    def place(self, when: str) -> str:
        """Where a failure of this phase happened, in words."""
        failed = [step for step in self.record.steps if step.result == "failed"]
        if when == "call" and failed:
            return f"{failed[-1].keyword} {failed[-1].text}"
        return {"setup": "while preparing", "teardown": "while tearing down"}.get(when, "in the scenario")


def _table(rows: Iterable[Iterable[object]]) -> str:
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells
    )


class EvidenceKeeper:
    """The hooks of a session that runs features."""

    def __init__(self, config: pytest.Config, known: Catalogue, out: Path) -> None:
        self._config = config
        self._catalogue = known
        self._out = out
        self._running: _Running | None = None
        self._records: list[ScenarioResult] = []
        self._errors: list[str] = []
        self._began = datetime.now(UTC)
        self._revision = facts.revision(config.rootpath)
        self._selected: list[str] = []
        self._failed: set[str] = set()
        self._worker = hasattr(config, "workerinput")
        self._said: list[str] = []

    @property
    def running(self) -> ScenarioResult | None:
        """The record of the scenario under way."""
        return self._running.record if self._running else None

    # ---- the session

    def pytest_sessionstart(self) -> None:
        """Remove the earlier run's output: what is read later was written by this run."""
        if not self._worker:
            matrix.forget(self._out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist that features run."""
        node.workerinput["evidence"] = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A feature or binding that cannot be read is an error of the run."""
        if report.failed:
            marked = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
            said = "; ".join(marked[-4:]) or report.longreprtext.strip()
            self._errors.append(f"{report.nodeid}: {self._without_root(said)}")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what is to run, so that what then did not is missed."""
        self._selected = [item.nodeid for item in session.items if _scenario_of(item)]

    def pytest_internalerror(self, excrepr: object) -> None:
        """An error of the suite itself belongs into the report."""
        self._errors.append(f"error of the suite itself: {str(excrepr).strip().splitlines()[-1]}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """An interrupted run says so; pytest stopping for an error it has reported is none."""
        if not isinstance(excinfo.value, pytest.Session.Interrupted):
            self._errors.append("interrupted before its end")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Judge the session, write the evidence, and end with the verdict's exit code.

        What an interrupted scenario left standing is torn down here; that it fails is part of the evidence.
        """
        try:
            done = yield
        except Exception as broken:
            self._errors.append(f"while tearing down: {type(broken).__name__}: {broken}")
            self._finish(session, exitstatus or pytest.ExitCode.INTERNAL_ERROR)
            raise
        self._finish(session, exitstatus)
        return done

    def _finish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._worker:
            return
        recorded = {record.node for record in self._records}
        self._errors += [f"{node}: failed, and is no scenario" for node in sorted(self._failed - recorded)]
        run = Run(
            began=self._began,
            ended=datetime.now(UTC),
            exit_code=int(exitstatus),
            selection=choice.given(self._config.option),
            places=self._places(),
            selected=self._selected,
            scenarios=self._records,
            errors=self._errors,
            facts=facts.gather(self._config.rootpath, self._revision),
        )
        self._judge(run)
        session.exitstatus = run.exit_code
        self._write(run)

    def _judge(self, run: Run) -> None:
        """Give the run the exit code of the verdict; a run that cannot be judged is never green."""
        try:
            judged = verdict.of_session(run, root=self._config.rootpath)
        except UserError as error:
            self._said.append(f"no verdict: {error}")
            run.exit_code = run.exit_code or verdict.RED
        else:
            self._said += [*(f"warning: {line}" for line in judged.warnings), *judged.reasons]
            run.exit_code = judged.exit_code

    def _write(self, run: Run) -> None:
        results.write(run, self._out)
        allure_files.write(run, Path(self._config.option.allure_report_dir))
        try:
            written = matrix.write(self._out, root=self._config.rootpath)
        except UserError as error:
            self._said.append(f"no requirement matrix: {error}")
        else:
            self._said += [f"{matrix.headline(written)}", f"matrix: {self._out / matrix.HTML}"]

    def _without_root(self, text: str) -> str:
        """Paths as seen from the checkout: a report is read on other machines."""
        return text.replace(f"{self._config.rootpath}/", "")

    def _places(self) -> list[str]:
        """The files and nodes that narrowed the session; none when all features were to run."""
        features = self._config.rootpath / "features"
        whole = [
            place
            for place in map(self._resolved, self._config.args)
            if place in (features, *features.parents)
        ]
        return [] if whole else [self._without_root(word) for word in self._config.args]

    def _resolved(self, word: str) -> Path:
        return (self._config.invocation_params.dir / word).resolve()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was proved and where it is written."""
        if self._worker or not self._said:
            return
        terminalreporter.write_sep("=", "evidence")
        for line in self._said:
            terminalreporter.write_line(line)

    # ---- a scenario

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Open the record of a scenario before anything of it can fail."""
        template = _scenario_of(item)
        if template is None:
            return (yield)
        callspec = getattr(item, "callspec", None)
        example: dict[str, str] = dict(callspec.params.get("_pytest_bdd_example", {})) if callspec else {}
        scenario = template.render(example)
        rows = [row for examples in template.examples for row in examples.as_contexts()]
        tags = {mark.name for mark in item.iter_markers()}
        record = ScenarioResult(
            node=item.nodeid,
            feature=_relative(template.feature.filename, self._config.rootpath),
            line=template.line_number,
            title=results.row_title(template.name, scenario.name, example, rows),
            example=example,
            story=next((story for story in self._catalogue.stories if story in tags), None),
            ids=sorted(tags & self._catalogue.ids),
            result="failed",
            began=datetime.now(UTC),
            seconds=0.0,
        )
        with evidence.scenario() as touched:
            self._running = _Running(scenario, record, touched, params=example)
            try:
                return (yield)
            finally:
                self._running = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Title and labels in Allure, whether or not the fixtures succeed."""
        try:
            return (yield)
        finally:
            if self._running:
                self._label(self._running)

    def _label(self, running: _Running) -> None:
        record = running.record
        _dynamic.title(record.title)
        _dynamic.epic("floe platform")
        if record.story:
            story = self._catalogue.stories[record.story]
            _dynamic.feature(f"{record.story} {story.title}")
            _dynamic.severity({"P1": "critical", "P2": "normal", "P3": "minor"}[story.priority])
            _dynamic.parent_suite(f"{record.story} {story.title}")
        _dynamic.suite(running.scenario.feature.name)
        _dynamic.description(_description(record, self._catalogue))
        for name in record.ids:
            if name not in self._catalogue.provable:
                continue
            _dynamic.story(f"{name} {self._catalogue.title_of(name)}")
            _dynamic.label("requirement", name)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        """What a fixture touches counts for every scenario that uses it."""
        with evidence.fixture(fixturedef.argname):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep how each phase of the scenario ended; send the record with the last one."""
        report = yield
        running = self._running
        if running is None:
            return report
        running.record.seconds = round(running.record.seconds + report.duration, 3)
        if report.failed:
            said = call.excinfo.exconly(tryshort=True) if call.excinfo else str(report.longrepr)
            said = self._without_root(
                secrecy.blank(said, f"a failure of {running.record.node}")[:_MESSAGE_LIMIT]
            )
            running.failures.append(f"{running.place(report.when)}:\n{said}")
            if call.excinfo and running.record.category is None:
                running.record.category = category_of(call.excinfo.value)
        elif report.skipped or hasattr(report, "wasxfail"):
            running.skipped = True
        elif report.when == "call":
            running.called = True
        if report.when == "teardown":
            report.scenario_evidence = self._closed(running)  # type: ignore[attr-defined]
        return report

    def _closed(self, running: _Running) -> dict[str, Any]:
        record = running.record
        record.failure = "\n\n".join(running.failures) or None
        record.result = _result(running)
        if not record.steps:
            running.end()
        record.touched = sorted(running.touched | evidence.inherited(running.fixtures()))
        return {
            "record": record.model_dump(mode="json"),
            "components": evidence.components(),
            "stand_ins": evidence.stand_ins(),
        }

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the records, from this process or from the workers of pytest-xdist."""
        sent = getattr(report, "scenario_evidence", None)
        if sent and not self._worker:
            self._records.append(ScenarioResult.model_validate(sent["record"]))
            for name, version in sent["components"].items():
                evidence.component(name, version)
            for service, name in sent["stand_ins"].items():
                evidence.stand_in(service, name)
        if report.failed and report.when in ("setup", "call", "teardown"):
            self._failed.add(report.nodeid)
        elif report.failed:
            self._errors.append(f"{report.nodeid}: {str(report.longrepr).strip()}")

    # ---- its steps

    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest) -> None:
        """From here on fixtures are asked for by steps; which ones, only the request knows."""
        if self._running:
            self._running.fixtures = lambda: list(request.fixturenames)

    def pytest_bdd_before_step(self, step: Step) -> None:
        """Begin the step in Allure, with its table or text."""
        if self._running:
            self._running.start(step)

    def pytest_bdd_after_step(self) -> None:
        """The step passed."""
        if self._running:
            self._running.stop(None)

    def pytest_bdd_step_error(self, exception: Exception) -> None:
        """The step, or a fixture it asked for, failed."""
        if self._running:
            self._running.stop(exception)

    def pytest_bdd_step_func_lookup_error(self, step: Step, exception: Exception) -> None:
        """Nobody wrote this step: it fails like any other."""
        if self._running:
            self._running.start(step)
            self._running.stop(exception)

    def pytest_bdd_after_scenario(self, feature: Feature) -> None:  # noqa: ARG002 - part of the hook
        """Name the steps that were not reached."""
        if self._running:
            self._running.end()

    # ---- Allure's files, just before they are written

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: TestResult) -> None:
        """Show an outline's row by its columns, whose defect it is, and the steps not reached."""
        running = self._running
        if running is None:
            return
        columns = [Parameter(name=name, value=value) for name, value in running.params.items()]
        others = [given for given in result.parameters if given.name != "_pytest_bdd_example"]
        result.parameters = [*columns, *others]
        result.labels.append(Label(name=allure_files.NODE, value=running.record.node))
        if running.record.category:
            result.labels.append(Label(name=allure_files.CATEGORY, value=running.record.category))
        story = next((label.value for label in result.labels if label.name == "feature"), None)
        result.titlePath = [name for name in (story, running.scenario.feature.name) if name]
        result.steps += [
            TestStepResult(name=f"{step.keyword} {step.text}", status=Status.SKIPPED)
            for step in running.record.steps
            if step.result == "not reached"
        ]

    @allure_commons.hookimpl(tryfirst=True)
    def report_container(self, container: TestResultContainer) -> None:
        """Show fixtures that do something, not those with which pytest-bdd keeps its steps."""
        container.befores = [one for one in container.befores if not _is_internal(one.name)]
        container.afters = [one for one in container.afters if not _is_internal(one.name)]


def _scenario_of(item: pytest.Item) -> ScenarioTemplate | None:
    """The scenario as written behind a test, if there is one."""
    function = getattr(item, "function", None)
    return scenario_wrapper_template_registry.get(function) if function else None


def _result(running: _Running) -> Literal["passed", "failed", "skipped"]:
    if running.failures:
        return "failed"
    if running.skipped:
        return "skipped"
    return "passed" if running.called else "failed"


def _is_internal(fixture: str) -> bool:
    return fixture.startswith(("pytestbdd_", "_pytest_bdd_")) or fixture.endswith("<lambda>")


def _relative(file: str, root: Path) -> str:
    path = Path(file).resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _description(record: ScenarioResult, known: Catalogue) -> str:
    lines = [f"`{record.feature}:{record.line}`"]
    proofs = {item.id: item.proof for item in known.requirements}
    proofs |= {case.id: case.statement for case in known.edge_cases}
    # No link to the matrix: Allure opens none to a file beside its page, other than in a small frame.
    lines += [f"**{name}** is proved when: {proofs[name]}" for name in record.ids if name in proofs]
    return "\n\n".join(lines)
