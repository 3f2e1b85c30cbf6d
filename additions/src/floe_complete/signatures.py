"""Whether a method can stand where its contract's method is expected."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

_IN_ORDER = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
_REST = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
_PLAIN = {name.title(): name for name in ("dict", "list", "set", "tuple", "type")} | {
    "FrozenSet": "frozenset"
}


def differences(contract: type, plugin: type, name: str) -> list[str]:
    """How a plugin's member differs from its contract's, as a caller notices who knows the contract only.

    Annotations count where both have them: what is given may be wider and what comes back narrower than the
    contract says, by the parts of a union. Classes are not resolved.
    """
    promised, made = (inspect.getattr_static(owner, name) for owner in (contract, plugin))
    if isinstance(promised, property):
        if callable(made) and not isinstance(made, property):
            return [f"{name}: is a method, a property in the contract"]
        return _of_the_answer(name, promised.fget, made.fget) if isinstance(made, property) else []
    if not callable(made):
        return [f"{name}: is no method"]
    if inspect.iscoroutinefunction(promised) != inspect.iscoroutinefunction(made):
        return [f"{name}: {'is not' if inspect.iscoroutinefunction(promised) else 'is'} async"]
    return [*_of_the_parameters(name, promised, made), *_of_the_answer(name, promised, made)]


def _of_the_parameters(name: str, promised: object, made: object) -> Iterator[str]:
    theirs, ours = _parameters(promised), _parameters(made)
    by_name = {one.name: one for one in ours}
    known = {one.name for one in theirs}
    strange = [one for one in ours if one.name not in known and one.kind not in _REST]
    takes_all = {one.kind for one in ours} >= _REST
    for place, parameter in enumerate(theirs):
        here = ours[place] if place < len(ours) else None
        if parameter.name in by_name:
            yield from _of_one(name, parameter, by_name[parameter.name])
            if parameter.kind in _IN_ORDER and ours.index(by_name[parameter.name]) != place:
                yield f"{name}: {parameter.name} stands in another place than in the contract"
        elif here in strange:
            strange.remove(here)
            yield f"{name}: {parameter.name} of the contract is called {here.name}"
        elif not takes_all:
            yield f"{name}: has no parameter {parameter.name}"
    for one in strange:
        if one.default is one.empty:
            yield f"{name}: needs {one.name}, which the contract does not have"


def _of_one(name: str, theirs: inspect.Parameter, ours: inspect.Parameter) -> Iterator[str]:
    where = f"{name}: {theirs.name}"
    if ours.kind not in (theirs.kind, theirs.POSITIONAL_OR_KEYWORD):
        yield f"{where} is {ours.kind.description}, {theirs.kind.description} in the contract"
    elif theirs.default is not theirs.empty and theirs.default != ours.default:
        yield f"{where} {_default(ours)}, {_default(theirs)} in the contract"
    elif not _covers(ours.annotation, theirs.annotation):
        yield f"{where} takes {_text(ours.annotation)}, {_text(theirs.annotation)} in the contract"


def _parameters(method: object) -> list[inspect.Parameter]:
    return list(inspect.signature(method).parameters.values())  # type: ignore[arg-type]


def _of_the_answer(name: str, promised: object, made: object) -> list[str]:
    theirs, ours = (inspect.signature(one).return_annotation for one in (promised, made))  # type: ignore[arg-type]
    if _covers(theirs, ours):
        return []
    return [f"{name}: returns {_text(ours)}, {_text(theirs)} in the contract"]


def _default(parameter: inspect.Parameter) -> str:
    return (
        "has no default" if parameter.default is parameter.empty else f"is {parameter.default!r} by default"
    )


def _covers(wide: object, narrow: object) -> bool:
    parts, of = _parts(wide), _parts(narrow)
    return not parts or not of or "Any" in parts | of or of <= parts


def _parts(annotation: object) -> frozenset[str]:
    """The members of a union, each spelled in one way; none where there is no annotation."""
    text = _text(annotation)
    return frozenset(_spelled(ast.parse(text, mode="eval").body)) if text else frozenset()


def _text(annotation: object) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _spelled(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _spelled(left)
            yield from _spelled(right)
        case ast.Subscript(value=value, slice=inner) if _last(value) in ("Optional", "Union"):
            members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            for member in members:
                yield from _spelled(member)
            if _last(value) == "Optional":
                yield "None"
        case _:
            yield ast.unparse(_Plain().visit(node))


class _Plain(ast.NodeTransformer):
    """One spelling for one type: without the module before it, `dict` for `Dict`."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self.visit_Name(ast.Name(node.attr))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(_PLAIN.get(node.id, node.id))


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
