"""What a dashboard is made of, whoever shows it."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

DATA_SOURCE: Final = "prometheus"
"""The uid of the provisioned data source."""

Kind = Literal["figures", "lines", "bars"]
Unit = Literal["none", "s", "percentunit", "percent"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Panel(_Part):
    """One question to Prometheus and how its answer is shown.

    Attributes:
        title: what is seen, in words.
        says: what it means, for who has never seen it.
        kind: `figures` now, `lines` over time, or `bars` now.
        query: PromQL that gives a vector.
        legend: the labels that tell its series apart, in their order.
        unit: of its values: a count, seconds, a share from 0 to 1, or a share from 0 to 100.
        bad_from: the value from which on it is bad; None where none is.
        traces: whether a series names a product whose traces in Jaeger it leads to.
        wide: how much of a row of 24 it takes.
    """

    title: str = Field(min_length=1)
    says: str = Field(min_length=1)
    kind: Kind
    query: str = Field(min_length=1)
    legend: tuple[str, ...] = ()
    unit: Unit = "none"
    bad_from: float | None = None
    traces: bool = False
    wide: int = Field(default=12, ge=4, le=24)

    def name_of(self, labels: dict[str, str]) -> str:
        """What a series is called."""
        return ", ".join(labels.get(one, "") for one in self.legend)


class Dashboard(_Part):
    """Panels that belong together.

    Attributes:
        uid: in Grafana, and the name of its file.
        title: its name.
        says: whom it is for and what it answers.
        panels: in their order.
    """

    uid: str = Field(pattern=r"^floe-[a-z-]+$")
    title: str
    says: str
    panels: tuple[Panel, ...] = Field(min_length=1)
