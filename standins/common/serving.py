"""uvicorn, for several ports in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us: there are two of them in a process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are handled once, for all that lives in the process."""
        yield


def listening(app: ASGIApp, host: str, port: int) -> Server:
    """A server of an application, not started yet.

    Args:
        app: answers the requests.
        host: address to listen on.
        port: TCP port.
    """
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=5,
            server_header=False,
        )
    )
