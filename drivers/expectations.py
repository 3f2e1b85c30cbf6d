"""By product, how its tables follow from its seeds; each recomputation is a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers import customer_360, financial_risk, iot_telemetry
from drivers.rows import Rows
from drivers.seeds import Seed

EXPECTED: Mapping[str, Callable[[Mapping[str, Seed]], dict[str, Rows]]] = {
    "customer-360": customer_360.expected,
    "financial-risk": financial_risk.expected,
    "iot-telemetry": iot_telemetry.expected,
}
"""By product, what makes every table as it must be after a run."""
