"""The errors that callers see, in the two shapes that Polaris has."""

from __future__ import annotations


class ApiError(Exception):
    """An answer of the API other than success: ``{"error": {"message", "type", "code"}}``.

    Args:
        status: the HTTP status.
        kind: the error's type, a Java class name as Polaris says it.
        message: what is wrong.
    """

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status = status
        self.kind = kind
        self.message = message
        super().__init__(f"{status} {kind}: {message}")

    def body(self) -> dict[str, object]:
        """The JSON that the caller gets."""
        return {"error": {"message": self.message, "type": self.kind, "code": self.status}}


class EmptyError(Exception):
    """A refusal without a body; Polaris answers 401 like this, and 400 to an unknown privilege."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class TokenError(Exception):
    """A refusal of the token endpoint, in the shape of OAuth2 (RFC 6749)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        self.status = status
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")

    def body(self) -> dict[str, object]:
        """The JSON that the caller gets."""
        return {"error": self.error, "error_description": self.description, "error_uri": None}


def bad_request(message: str) -> ApiError:
    """400: the request cannot be understood or is not allowed in this form."""
    return ApiError(400, "BadRequestException", message)


def invalid(message: str) -> ApiError:
    """400: the values of the request contradict the catalog's rules."""
    return ApiError(400, "ValidationException", message)


def not_found(message: str) -> ApiError:
    """404 for catalogs, principals and roles."""
    return ApiError(404, "NotFoundException", message)


def no_namespace(namespace: str) -> ApiError:
    """404 for a namespace."""
    return ApiError(404, "NoSuchNamespaceException", f"Namespace does not exist: '{namespace}'")


def no_table(identifier: str) -> ApiError:
    """404 for a table."""
    return ApiError(404, "NoSuchTableException", f"Table does not exist: {identifier}")


def no_view(identifier: str) -> ApiError:
    """404 for a view."""
    return ApiError(404, "NoSuchViewException", f"View does not exist: {identifier}")


def already_exists(message: str) -> ApiError:
    """409: the name is taken."""
    return ApiError(409, "AlreadyExistsException", message)


def conflict(message: str) -> ApiError:
    """409: somebody else changed it in between."""
    return ApiError(409, "CommitConflictException", message)


def forbidden(message: str) -> ApiError:
    """403: known, but not allowed."""
    return ApiError(403, "ForbiddenException", message)
