"""The dashboards as Grafana's own files, by its foundation SDK."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import bargauge, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

from dashboards.described import DASHBOARDS
from dashboards.panels import DATA_SOURCE, Dashboard, Panel
from foundation.cache import SYSTEM

FOLDER: Final = SYSTEM / "charts" / "floe-platform" / "charts" / "grafana" / "dashboards"

_SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid=DATA_SOURCE)
_HEIGHT: Final = {"figures": 6, "lines": 9, "bars": 11}
_OF_PRODUCT: Final = (
    "${jaeger}/search?service=${__field.labels.product}&start=${__from}000&end=${__to}000&lookback=custom"
)
"""Jaeger's search of one service; Grafana's moments are milliseconds, Jaeger's microseconds."""


def files() -> dict[Path, str]:
    """Every file with what must be in it; the same bytes whenever it is asked."""
    return {FOLDER / f"{one.uid}.json": text(one) for one in DASHBOARDS}


def text(described: Dashboard) -> str:
    """One dashboard as Grafana reads it."""
    built = (
        builders.Dashboard(described.title)
        .uid(described.uid)
        .description(described.says)
        .tags(["floe"])
        .editable()
        .refresh("10s")
        .time("now-1h", "now")
        .with_variable(builders.AdHocVariable("only").label("Only").datasource(_SOURCE))
        .with_variable(_address("jaeger", "Jaeger", "http://localhost:16686"))
        .with_variable(_address("dagster", "Dagster", "http://localhost:3000"))
        .link(_link("Traces in Jaeger", "${jaeger}/search"))
        .link(_link("Lineage in Dagster", "${dagster}/asset-groups"))
    )
    for panel in described.panels:
        built = built.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(built.build()) + "\n"


def _address(name: str, label: str, where: str) -> builders.TextBoxVariable:
    option = models.VariableOption(text=where, value=where, selected=True)
    return builders.TextBoxVariable(name).label(f"{label}'s address").default_value(where).current(option)


def _link(title: str, url: str) -> builders.DashboardLink:
    made = builders.DashboardLink(title).type(models.DashboardLinkType.LINK)
    return made.url(url).target_blank(True)  # noqa: FBT003 - the builder takes it so


def _panel(described: Panel) -> stat.Panel | bargauge.Panel | timeseries.Panel:
    panel = _of_kind(described)
    panel = panel.title(described.title).description(described.says).datasource(_SOURCE)
    panel = panel.unit(described.unit).thresholds(_thresholds(described)).no_value("no data")
    panel = panel.span(described.wide).height(_HEIGHT[described.kind]).with_target(_target(described))
    return panel.data_links([_link("Traces of the product", _OF_PRODUCT)]) if described.traces else panel


def _of_kind(described: Panel) -> stat.Panel | bargauge.Panel | timeseries.Panel:
    if described.kind == "figures":
        return stat.Panel().graph_mode(common.BigValueGraphMode.NONE).reduce_options(_last())
    if described.kind == "bars":
        bars = bargauge.Panel().orientation(common.VizOrientation.HORIZONTAL).min(0)
        return bars.display_mode(common.BarGaugeDisplayMode.BASIC).reduce_options(_last())
    legend = common_builders.VizLegendOptions().show_legend(True)  # noqa: FBT003 - as above
    legend = legend.placement(common.LegendPlacement.BOTTOM)
    return timeseries.Panel().legend(legend.display_mode(common.LegendDisplayMode.LIST)).min(0)


def _last() -> common_builders.ReduceDataOptions:
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"])


def _thresholds(described: Panel) -> builders.ThresholdsConfig:
    steps = [models.Threshold(value=None, color="green")]
    if described.bad_from is not None:
        steps.append(models.Threshold(value=described.bad_from, color="red"))
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _target(described: Panel) -> prometheus.Dataquery:
    named = ", ".join(f"{{{{{one}}}}}" for one in described.legend) or described.title
    query = prometheus.Dataquery().ref_id("A").expr(described.query).legend_format(named)
    query = query.datasource(_SOURCE)
    return query.range() if described.kind == "lines" else query.instant()
