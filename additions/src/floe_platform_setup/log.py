"""Logs of the set-up Jobs: one JSON object a line, on standard output."""

from __future__ import annotations

import logging
import sys

import structlog


def logger(step: str) -> structlog.stdlib.BoundLogger:
    """A logger that names its step on every line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(step=step)
    return bound
