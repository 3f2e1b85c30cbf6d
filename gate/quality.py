"""The test-quality rules of the catalogue, TQR-001 to TQR-014, on steps and drivers as they are written.

A rule looks at one module and gives its findings. What no rule can see by looking, whether a scenario fails
when it must, is shown by planted faults instead. A sleep and an assert in a driver have no number of their
own in the catalogue; CONTRIBUTING.md forbids both.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping

from gate.code import Module
from gate.features import FeatureSource
from gate.finding import Finding
from gate.vocabulary import decorators

_WHOLE = "compare the whole value with the whole value that is expected"


def check(
    steps: Iterable[Module],
    drivers: Iterable[Module],
    bindings: Iterable[Module],
    tests: Iterable[Module],
    features: Iterable[FeatureSource],
) -> list[Finding]:
    """All rules, each over the code it is for."""
    steps, drivers, bindings, tests = list(steps), list(drivers), list(bindings), list(tests)
    checked = _names_of_functions_that_assert(steps)
    found: list[Iterable[Finding]] = []
    for module in steps:
        found += [
            existence_is_no_proof(module),
            every_assertion_says_what_it_expects(module),
            orchestration_executed(module),
            every_then_can_fail(module, checked),
        ]
    for module in [*steps, *drivers]:
        found += [
            artifacts_are_compiled(module),
            nothing_is_a_dry_run(module),
            nothing_is_a_placeholder(module),
            the_promised_technology_is_read(module),
        ]
    for module in [*steps, *drivers, *bindings, *tests]:
        found += [nothing_is_left_to_do(module), nothing_is_skipped(module), nothing_sleeps(module)]
    for module in [*drivers, *bindings]:
        found.append(only_steps_assert(module))
    for feature in features:
        found += [no_tag_skips(feature), nothing_of_a_feature_is_left_to_do(feature)]
    return [finding for findings in found for finding in findings]


# ---- TQR-001, TQR-002, TQR-003: what an assertion is about

_EXISTENCE = re.compile(r"exists?(?:_\w+)?|\w+_exists|has_\w+|hasattr|is_(?:there|present|file|dir)|contains")
_DEFINED = frozenset(
    {"assets", "asset_keys", "asset_nodes", "definitions", "repository", "repositories", "jobs", "job_names"}
)


def existence_is_no_proof(module: Module) -> Iterator[Finding]:
    """TQR-001, TQR-002: no assertion asks whether something exists, a table least of all."""
    for node, test in _asserted(module):
        for call in (one for one in ast.walk(test) if isinstance(one, ast.Call)):
            name = _called(module, call)
            if not _EXISTENCE.fullmatch(name):
                continue
            if "table" in ast.unparse(call).lower():
                problem = f"TQR-002: asks only whether a table is there: {name}"
                yield Finding(module.place(node), problem, "compare its rows with the rows expected")
            else:
                yield Finding(module.place(node), f"TQR-001: asks only whether it is there: {name}", _WHOLE)


def every_then_can_fail(module: Module, checked: frozenset[str]) -> Iterator[Finding]:
    """TQR-001: a Then asserts, itself or through a function of steps/ that does."""
    for decorator, kind, function in decorators(module):
        if kind != "then" or _asserts(function):
            continue
        called = {_called(module, one) for one in _calls(function)}
        if not called & (checked | {"raises", "fail"}):
            problem = "TQR-001: a Then that asserts nothing cannot fail"
            yield Finding(module.place(decorator), problem, "assert what anyone could check")


def orchestration_executed(module: Module) -> Iterator[Finding]:
    """TQR-003: no assertion is about what is defined, nothing is run but on the platform."""
    for node, test in _asserted(module):
        for part in ast.walk(test):
            if isinstance(part, ast.Attribute) and part.attr in _DEFINED:
                problem = f"TQR-003: asks what is defined, not what was executed: {part.attr}"
                yield Finding(module.place(node), problem, "compare what a run made, and when")
    for statement in module.nodes:
        if "dagster" in _imported(statement):
            problem = "TQR-003: runs Dagster in the test instead of asking the one deployed"
            yield Finding(module.place(statement), problem, "ask through drivers/dagster.py")


# ---- TQR-004: artifacts


def artifacts_are_compiled(module: Module) -> Iterator[Finding]:
    """TQR-004: artifacts come from floe's own compilation, never from a literal."""
    remedy = "compile floe.yaml with floe and read what it wrote"
    for node in (one for one in module.nodes if isinstance(one, ast.Call)):
        name = module.dotted(node.func)
        made = _last(name)
        if made == "CompiledArtifacts" or (
            ".CompiledArtifacts." in f".{name}" and (made == "model_construct" or _literal(node))
        ):
            yield Finding(module.place(node), f"TQR-004: artifacts made by hand: {made}", remedy)
    for function in module.functions:
        names = {_called(module, one) for one in _calls(function)}
        if names & {"write_text", "write_bytes", "dump"} and any(
            isinstance(one, ast.Constant) and "compiled_artifacts" in str(one.value)
            for one in ast.walk(function)
        ):
            yield Finding(module.place(function), "TQR-004: artifacts written by hand", remedy)


# ---- TQR-010: dry runs

_DRY = re.compile(r"\bdry[-_ ]?run", re.IGNORECASE)


def nothing_is_a_dry_run(module: Module) -> Iterator[Finding]:
    """TQR-010: what is tried is done."""
    for node in module.nodes:
        name = node.arg if isinstance(node, ast.keyword | ast.arg) else _attribute(node)
        if _DRY.search(name or ""):
            yield _dry(module.place(node))
    for text, node in module.texts:
        if _DRY.search(text):
            yield _dry(module.place(node))


def _dry(place: str) -> Finding:
    return Finding(place, "TQR-010: a dry run shows nothing", "do it, and look at what became of it")


# ---- TQR-011: bare assertions


def every_assertion_says_what_it_expects(module: Module) -> Iterator[Finding]:
    """TQR-011: an assertion compares; that something is there, true or not empty is too little."""
    for node, test in _asserted(module):
        for part in _parts(test):
            if weakness := _weakness(module, part):
                problem = f"TQR-011: {weakness}: assert {_short(part)}"
                yield Finding(module.place(node), problem, _WHOLE)


def _parts(test: ast.expr) -> Iterator[ast.expr]:
    """The expressions that an assertion joins by and, or and not."""
    if isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from _parts(value)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from map(_negated, _parts(test.operand))
    else:
        yield test


_OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def _negated(test: ast.expr) -> ast.expr:
    """What `not` makes of a comparison, which may be weak where the comparison is not."""
    if not isinstance(test, ast.Compare) or test.ops[1:]:
        return test
    opposite = ast.Compare(test.left, [_OPPOSITES[type(test.ops[0])]()], test.comparators)
    return ast.copy_location(opposite, test)


def _weakness(module: Module, test: ast.expr) -> str | None:
    """Why a part of an assertion is too weak; None when it is a comparison worth its name."""
    if isinstance(test, ast.Compare):
        # A chain has two limits, and so a meaning: 0 < x < 5.
        return None if test.ops[1:] else _weak_comparison(test.left, test.ops[0], test.comparators[0])
    if isinstance(test, ast.Call) and _EXISTENCE.fullmatch(_called(module, test)):
        return None  # told as TQR-001 or TQR-002
    return "only whether it is true"


def _weak_comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> str | None:
    if ast.dump(left) == ast.dump(right):
        return "compares a thing with itself"
    if isinstance(operator, ast.In):
        return "only whether it is among others"
    if _boolean(left) or _boolean(right):
        return "only whether it is true"
    unequal = isinstance(operator, ast.IsNot | ast.NotEq) and (_empty(left) or _empty(right))
    above = isinstance(operator, ast.Gt | ast.GtE) and _least(right)
    below = isinstance(operator, ast.Lt | ast.LtE) and _least(left)
    return "only whether there is anything" if unequal or above or below else None


def _empty(node: ast.expr) -> bool:
    """Whether it is None, zero or an empty text or collection."""
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, bool) and not node.value
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return not node.elts
    if isinstance(node, ast.Dict):
        return not node.keys
    return (
        isinstance(node, ast.Call)
        and not node.args
        and _attribute(node.func) in {"set", "frozenset", "dict", "list", "tuple"}
    )


def _boolean(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, bool)


def _least(node: ast.expr) -> bool:
    """Whether it is the number 0 or 1."""
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value in {0, 1}


# ---- TQR-012: placeholders

_TO_DO = re.compile(r"\b(?:TODO|FIXME|XXX|TBD|HACK)\b|\bplaceholder\b.*\b(?:for now|until|later)\b")

_COMMENTED_OUT = re.compile(r"\s*#+\s*(?:Scenario(?: Outline)?|Example|Rule):")


def nothing_is_left_to_do(module: Module) -> Iterator[Finding]:
    """TQR-012: no comment promises what is not there."""
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT and (found := _TO_DO.search(token.string)):
            place = f"{module.file}:{token.start[0]}"
            yield Finding(place, f"TQR-012: {found.group()} in a comment", "do it, or open an issue")


def nothing_of_a_feature_is_left_to_do(feature: FeatureSource) -> Iterator[Finding]:
    """TQR-012: no comment of a feature promises what is not there, or keeps a scenario that does not run."""
    for line, comment in feature.comments.items():
        place = f"{feature.file}:{line}"
        if found := _TO_DO.search(comment):
            yield Finding(place, f"TQR-012: {found.group()} in a comment", "do it, or open an issue")
        elif _COMMENTED_OUT.match(comment):
            yield Finding(place, "TQR-012: a scenario that is commented out", "let it run, or remove it")


def nothing_is_a_placeholder(module: Module) -> Iterator[Finding]:
    """TQR-012: no function has a body that does nothing."""
    for function in module.functions:
        declared = {_last(module.dotted(one)) for one in function.decorator_list}
        body = [one for one in function.body if not _documents(one)]
        if all(_does_nothing(module, one) for one in body) and not declared & {"abstractmethod", "overload"}:
            problem = f"TQR-012: {function.name} is a placeholder, it does nothing"
            yield Finding(module.place(function), problem, "write it, or remove it")


def _documents(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _does_nothing(module: Module, node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise) and node.exc:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return module.dotted(raised) == "NotImplementedError"
    dots = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...
    return dots or isinstance(node, ast.Pass)


# ---- TQR-013: skips

_SKIPS = re.compile(
    r"pytest\.(?:skip|xfail|importorskip)"
    r"|(?:_pytest\.outcomes|pytest)\.(?:Skipped|XFailed)"
    r"|pytest\.mark\.(?:skip|skipif|xfail|flaky|rerun\w*|repeat)"
    r"|unittest\.(?:skip|skipIf|skipUnless|expectedFailure|SkipTest)"
)
_SKIPPING_MARKS = frozenset({"skip", "skipif", "xfail", "flaky", "rerun", "ignore", "wip"})
_REMEDY_OF_A_SKIP = "let it fail: missing infrastructure is a failure"


def nothing_is_skipped(module: Module) -> Iterator[Finding]:
    """TQR-013: nothing is skipped, expected to fail, or tried again."""
    for node in module.nodes:
        if isinstance(node, ast.Attribute | ast.Name) and _SKIPS.fullmatch(name := module.dotted(node)):
            yield Finding(module.place(node), f"TQR-013: {name}", _REMEDY_OF_A_SKIP)
        elif isinstance(node, ast.Call) and _attribute(node.func) == "add_marker":
            marks = {one.value for one in node.args if isinstance(one, ast.Constant)}
            for mark in sorted(map(str, marks & _SKIPPING_MARKS)):
                yield Finding(module.place(node), f"TQR-013: add_marker {mark}", _REMEDY_OF_A_SKIP)
    for text, node in module.texts:
        if re.match(r"--(?:reruns|only-rerun)\b", text):
            yield Finding(module.place(node), f"TQR-013: {text}", "mend what is flaky, do not try again")


def no_tag_skips(feature: FeatureSource) -> Iterator[Finding]:
    """TQR-013: pytest-bdd makes a mark of every tag, and some marks skip."""
    for line in feature.tag_lines:
        for tag in line.tags:
            if tag.lower() in _SKIPPING_MARKS:
                yield Finding(line.place, f"TQR-013: @{tag}", _REMEDY_OF_A_SKIP)


# ---- TQR-014: the promised technology

_DUCKDB = re.compile(r"\.duckdb\b|\bduckdb://|\bduckdb_\w+\(")


def the_promised_technology_is_read(module: Module) -> Iterator[Finding]:
    """TQR-014: tables are read through the catalog, never from the engine's own file."""
    remedy = "read the table through the catalog: drivers/lakehouse.py"
    for node in module.nodes:
        if "duckdb" in _imported(node):
            yield Finding(module.place(node), "TQR-014: DuckDB is read instead of Iceberg", remedy)
    for text, node in module.texts:
        if _DUCKDB.search(text):
            yield Finding(module.place(node), f"TQR-014: a DuckDB file as proof: {text}", remedy)


# ---- sleeps, and asserts outside of steps


def nothing_sleeps(module: Module) -> Iterator[Finding]:
    """A wait watches; a sleep is too long or too short."""
    for node in _calls(module.tree):
        if _called(module, node) == "sleep" or _waits_for_nobody(module, node):
            problem = f"no sleep: {_short(node)}"
            yield Finding(module.place(node), problem, "wait through drivers/wait.py")


def _waits_for_nobody(module: Module, call: ast.Call) -> bool:
    """Whether it waits for an event that was made on the spot, which nobody can set."""
    func = call.func
    if not (isinstance(func, ast.Attribute) and func.attr == "wait" and isinstance(func.value, ast.Call)):
        return False
    return _called(module, func.value) in ("Event", "Condition")


def only_steps_assert(module: Module) -> Iterator[Finding]:
    """A driver answers and a binding binds; what is expected is said in a step."""
    for node in module.nodes:
        if isinstance(node, ast.Assert):
            place, problem = module.place(node), "an assert outside of steps/"
            yield Finding(place, problem, "return what there is, and assert in the step")
        elif isinstance(node, ast.Raise) and node.exc:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if module.dotted(raised) == "AssertionError":
                yield Finding(
                    module.place(node),
                    "an assertion outside of steps/",
                    "raise an error of drivers/errors.py",
                )


# ---- looking at nodes


def _asserted(module: Module) -> Iterator[tuple[ast.Assert, ast.expr]]:
    for node in module.nodes:
        if isinstance(node, ast.Assert):
            yield node, node.test


def _asserts(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(function))


def _names_of_functions_that_assert(steps: Iterable[Module]) -> frozenset[str]:
    return frozenset(one.name for module in steps for one in module.functions if _asserts(one))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _imported(node: ast.AST) -> frozenset[str]:
    """The packages that a statement imports."""
    if isinstance(node, ast.Import):
        return frozenset(one.name.partition(".")[0] for one in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return frozenset({node.module.partition(".")[0]})
    return frozenset()


def _called(module: Module, call: ast.Call) -> str:
    """The last name of what is called, by the name it was imported from."""
    return _last(module.dotted(call.func)) or _attribute(call.func)


def _literal(call: ast.Call) -> bool:
    """Whether a call is given a literal."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(isinstance(one, ast.Dict | ast.Constant | ast.JoinedStr) for one in values)


def _attribute(node: ast.AST) -> str:
    """The last name of a name or attribute, whatever it belongs to."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _short(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 80 else f"{text[:77]}..."
