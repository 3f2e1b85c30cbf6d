"""The errors that callers see, in the shapes that Marquez has."""

from __future__ import annotations

from collections.abc import Sequence


class ApiError(Exception):
    """An answer of the API other than success: ``{"code", "message"}``.

    Args:
        status: the HTTP status.
        message: what is wrong.
        code: the code in the body, where it differs from the status.
    """

    def __init__(self, status: int, message: str, *, code: int | None = None) -> None:
        self.status = status
        self.message = message
        self.code = status if code is None else code
        super().__init__(f"{status}: {message}")

    def body(self) -> dict[str, object]:
        """The JSON that the caller gets."""
        return {"code": self.code, "message": self.message}


class ConstraintError(ApiError):
    """A request whose values break a rule: ``{"errors": [...]}``.

    Args:
        status: 422 for a body, 400 for a parameter.
        errors: each in words.
    """

    def __init__(self, status: int, errors: Sequence[str]) -> None:
        super().__init__(status, "; ".join(errors))
        self.errors = list(errors)

    def body(self) -> dict[str, object]:
        """The JSON that the caller gets."""
        return {"errors": self.errors}


class PageError(ApiError):
    """A failure that the servlet container answers with a page of its own, not with JSON."""


def not_found() -> ApiError:
    """404 for a route, an id or a node id that is none."""
    return ApiError(404, "HTTP 404 Not Found")


def missing(kind: str, name: object) -> ApiError:
    """404 for something that is not there: ``Job 'ghost' not found.``."""
    return ApiError(404, f"{kind} '{name}' not found.")


def unreadable(why: object) -> ApiError:
    """A body that is no JSON, or not the JSON of an event: status 500 about a code 400."""
    return ApiError(500, str(why), code=400)
