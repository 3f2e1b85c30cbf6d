"""A few metrics of the server: for Prometheus on the API's port, as Dropwizard has them on the admin port."""

from __future__ import annotations

import time
from typing import Final

from starlette.responses import JSONResponse, PlainTextResponse, Response

from standins.marquez.database import Database

PATH: Final = "/metrics"

_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What is measured of a server since it began."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._began = time.time()

    async def for_prometheus(self) -> Response:
        """In Prometheus' text format."""
        lines = [
            line
            for name, value in (await self._values()).items()
            for line in (f"# TYPE {name} gauge", f"{name} {value:.3f}")
        ]
        return PlainTextResponse("\n".join([*lines, ""]), media_type=_TEXT)

    async def for_a_person(self) -> Response:
        """In Dropwizard's own shape, which Prometheus cannot read."""
        gauges = {name: {"value": value} for name, value in (await self._values()).items()}
        empty: dict[str, object] = {"counters": {}, "histograms": {}, "meters": {}, "timers": {}}
        return JSONResponse({"version": "4.0.0", "gauges": gauges, **empty})

    async def _values(self) -> dict[str, float]:
        up = await self._database.answers()
        return {"process_start_time_seconds": self._began, "marquez_database_up": float(up)}
