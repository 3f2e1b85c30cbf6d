"""Whose defect a failure is at first sight: the product's, the suite's or the environment's.

It sorts failures for the person who looks into them; it never makes one count for less. The line
is drawn by what raised the error, so that nobody has to guess from its text:

- **product defect**: an assertion failed, or a service of the platform answered with something
  else than what it was asked for, silence included. To serve is what the platform promises.
- **environment**: what the platform and the suite stand on did not hold: the Kubernetes API, Helm,
  a program that builds or installs, the disk, the network of this machine, or a wait that ran
  out. Promises about time are asserted, so they fail as product defects; any other wait may be
  the fault of a slow machine and is looked at there first.
- **suite defect**: any other error. Our code met something it does not know.
"""

from __future__ import annotations

import errno

from drivers.errors import ServiceError
from foundation.errors import PlatformError, UserError
from reports.results import Category

CATEGORIES: tuple[Category, ...] = ("product defect", "environment", "suite defect")

FOUNDATION = frozenset({"Kubernetes", "helm"})
"""Services, by the names drivers give them, that the platform runs on and that are not part of it."""

OURS = frozenset({"demo/", "floe.yaml"})
"""What drivers read of the checkout itself: an unexpected answer is a defect of the suite."""

_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.EIO, errno.ENOMEM}
)


def category_of(error: BaseException) -> Category:
    """Whose defect this error is at first sight."""
    if isinstance(error, AssertionError):
        return "product defect"
    if isinstance(error, ServiceError):
        if error.of in OURS:
            return "suite defect"
        return "environment" if error.of in FOUNDATION else "product defect"
    if isinstance(error, (PlatformError, UserError, KeyboardInterrupt, MemoryError)):
        return "environment"
    if isinstance(error, OSError) and (
        isinstance(error, (ConnectionError, TimeoutError)) or error.errno in _MACHINE
    ):
        return "environment"
    return "suite defect"
