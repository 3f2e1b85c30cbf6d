"""Bad values are refused by name, before a cluster sees them; values files differ where they must."""

from __future__ import annotations

import pytest
import yaml

from foundation.errors import PlatformError
from tests import chart
from tests.chart import CHART, VALUES, leaves

# What is set, and what the refusal has to mention.
BROKEN = {
    "an unknown part": ({"postgres.uid": 999}, "postgres"),
    "an unknown setting of a part": ({"minio.uuid": 1000}, "uuid"),
    "an unknown setting of all": ({"global.image": {}}, "image"),
    "an unknown image": ({"global.images.spark": "x:1"}, "spark"),
    "an image that is none": (
        {"global.images.dagster": "not an image"},
        "global.images.dagster|global/images/dagster",
    ),
    "an image missing": ({"global.images.dagster": ""}, "global.images.dagster is not set"),
    "a pull policy that is none": ({"global.imagePullPolicy": "Sometimes"}, "imagePullPolicy"),
    "a switch that is a word": ({"nodePorts.enabled": "yes"}, "nodePorts.enabled|nodePorts/enabled"),
    "additions that are a word": ({"global.additions": "off"}, "additions"),
    "a user that is root": ({"polaris.uid": 0}, "uid"),
    "a product without a name": ({"dagster.products": [{"title": "x"}]}, "products"),
    "a product with a bad name": ({"dagster.products": [{"name": "Customer 360"}]}, "products"),
    "a product twice": ({"dagster.products": [{"name": "a"}, {"name": "a"}]}, "products"),
    "a product twice, once delivered": (
        {"dagster.products": [{"name": "a"}, {"name": "a", "configMap": "a-2"}]},
        "dagster.products names a product twice: a, a",
    ),
    "a delivery that is no name": ({"dagster.products": [{"name": "a", "configMap": "A 2"}]}, "configMap"),
    "no limit of memory": (
        {"dagster.webserver.resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": None}},
        "limits",
    ),
    "a size that is none": ({"postgresql.persistence.size": "big"}, "size"),
    "a needed database left out": ({"postgresql.databases": ["dagster"]}, "databases"),
    "a database that is SQL": ({"postgresql.databases": ["dagster", "polaris", "x; drop"]}, "databases"),
    "no bucket": ({"global.lakehouse.buckets": []}, "buckets"),
    "a place of the lineage that is none": ({"global.lineage.database": "elsewhere"}, "database"),
    "a lineage service that is root": ({"global.lineage.enabled": True, "marquez.uid": 0}, "uid"),
    "a part that is switched by a word": ({"global.observability.jaeger": "off"}, "jaeger"),
    "traces without bound": ({"jaeger.maxTraces": 0}, "maxTraces"),
    "a look at services every now and then": ({"prometheus.scrape.interval": "often"}, "interval"),
    "a bucket with a bad name": ({"global.lakehouse.buckets": ["Ware House"]}, "buckets"),
    "an endpoint with a password": ({"global.lakehouse.endpoint": "http://me:it@minio:9000"}, "endpoint"),
    "a secret that is no name": ({"global.existingSecrets.minio": "My Secret"}, "existingSecrets"),
    "no run at a time": ({"dagster.runs.maxConcurrent": 0}, "maxConcurrent"),
}


@pytest.mark.parametrize(("settings", "mentioned"), BROKEN.values(), ids=BROKEN)
def test_broken_values_are_refused_by_name(settings: chart.Settings, mentioned: str) -> None:
    with pytest.raises(PlatformError, match=mentioned):
        chart.render(settings=settings)


def test_every_default_is_documented_by_its_schema() -> None:
    """A default that the schema does not know could not even be repeated by a user."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    chart.render(settings={name: value for name, value in leaves(defaults).items() if value not in ("", {})})
    for part in yaml.safe_load((CHART / "values.yaml").read_text()).keys() - {"global", "nodePorts"}:
        values = leaves(yaml.safe_load((CHART / "charts" / part / "values.yaml").read_text()))
        chart.render(settings={f"{part}.{name}": value for name, value in values.items()})


ALLOWED = {
    "local": {"global.imagePullPolicy", "global.observability.grafana"},
    "kind": {"global.imagePullPolicy"},
    "existing": {"global.imagePullPolicy"},
    "demo": {"nodePorts.enabled"},
}


@pytest.mark.parametrize("name", VALUES)
def test_values_files_differ_only_where_they_must(name: str) -> None:
    assert set(leaves(yaml.safe_load(VALUES[name].read_text()))) == ALLOWED[name]
