"""What people get wrong in floe.yaml, manifest.yaml and seed files: each one small change of a good project.

A file with a mistake differs from the demo's own in that mistake and in nothing else.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from decimal import Decimal

from demo import seeds
from drivers.errors import ServiceError
from drivers.floe import Project

Mistake = Callable[[Project, str], None]
"""Makes it in a project, in the product of this name."""

PASSWORD = "correct-horse-battery-staple"  # noqa: S105 - nobody's; what a careless person writes into a file
"""A password that nothing may repeat."""

SPEC = "floe.yaml"
MANIFEST = "../manifest.yaml"
"""The files, by their path from the product's folder."""


def _edit(find: str, put: str, file: str = SPEC) -> Mistake:
    return lambda project, product: project.edit(_path(file, product), find, put)


def _section(begins: str, ends: str, put: str) -> Mistake:
    """Replace all from one line to another, or to the end of the file."""

    def replace(project: Project, product: str) -> None:
        text = project.read(_path(SPEC, product))
        before, line, rest = text.partition(f"\n{begins}")
        other = f"\n{ends}" if ends else ""
        if not line or other not in rest:
            raise ServiceError(f"replace {begins!r} to {ends!r}", of=SPEC, answer="no such lines")
        after = rest.partition(other)[2] if other else ""
        project.write(_path(SPEC, product), f"{before}\n{put}{other}{after}")

    return replace


def _whole(content: str | bytes, file: str = SPEC) -> Mistake:
    return lambda project, product: project.write(_path(file, product), content)


def _removed(file: str) -> Mistake:
    return lambda project, product: (project.folder / _path(file, product)).unlink()


def _moved(file: str, to: str) -> Mistake:
    def move(project: Project, product: str) -> None:
        (project.folder / _path(file, product)).rename(project.folder / _path(to, product))

    return move


def _folder(project: Project, product: str) -> None:
    file = project.folder / _path(SPEC, product)
    file.unlink()
    file.mkdir()


def _leads_nowhere(project: Project, product: str) -> None:
    """No permission keeps root from reading a file; a link to itself keeps everybody."""
    file = project.folder / _path(SPEC, product)
    file.unlink()
    file.symlink_to(file.name)


def _latin(project: Project, product: str) -> None:
    path = _path(SPEC, product)
    project.edit(path, "how they feel about it.", "how they feel about it, très bien.")
    project.write(path, project.read(path).encode("latin-1"))


def _bomb() -> str:
    lines = ["a0: &a0 [boom, boom, boom, boom, boom, boom, boom, boom, boom]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(lines)


def _delivered(project: Project, product: str, table: str) -> str:
    """The path of a seed file of a demo product, which is delivered with a tenth of its rows."""
    path = _path(f"seeds/{table}.csv", product)
    if not (project.folder / path).is_file():
        seeds.write(product, project.folder / product / "seeds", Decimal("0.1"))
    return path


def _seed(table: str, change: Callable[[list[list[str]]], None]) -> Mistake:
    """Change the lines of a seed file, the header first."""

    def make(project: Project, product: str) -> None:
        path = _delivered(project, product, table)
        lines = list(csv.reader(io.StringIO(project.read(path))))
        change(lines)
        changed = io.StringIO()
        csv.writer(changed, lineterminator="\n").writerows(lines)
        project.write(path, changed.getvalue())

    return make


def _seed_bytes(table: str, change: Callable[[bytes], bytes]) -> Mistake:
    def make(project: Project, product: str) -> None:
        path = _delivered(project, product, table)
        project.write(path, change(project.read(path).encode()))

    return make


def _put(line: int, column: str, value: str) -> Callable[[list[list[str]]], None]:
    """Put another value into a column, on a line of the file as a person counts them."""

    def change(lines: list[list[str]]) -> None:
        lines[line - 1][lines[0].index(column)] = value

    return change


def _without_column(name: str) -> Callable[[list[list[str]]], None]:
    def change(lines: list[list[str]]) -> None:
        position = lines[0].index(name)
        for line in lines:
            del line[position]

    return change


def _one_more_column(lines: list[list[str]]) -> None:
    for line in lines:
        line.append("notes" if line is lines[0] else "")


def _key_again(lines: list[list[str]]) -> None:
    """The last line says that it is the first one."""
    lines[-1][0] = lines[1][0]


def _version_again(lines: list[list[str]]) -> None:
    """The last line is of whom the first one is of, and of the same moment."""
    for column in ("counterparty_id", "updated_at"):
        position = lines[0].index(column)
        lines[-1][position] = lines[1][position]
    lines[-1][lines[0].index("name")] = "Once Again Bank"


def _half_of_the_last_line(content: bytes) -> bytes:
    before, last = content.rstrip(b"\n").rsplit(b"\n", 1)
    return before + b"\n" + b",".join(last.split(b",")[:3])


MISTAKES: Mapping[str, Mistake] = {
    # the file
    "no floe.yaml": _removed(SPEC),
    "a folder called floe.yaml": _folder,
    "a floe.yaml that cannot be read": _leads_nowhere,
    "an empty floe.yaml": _whole(""),
    "comments only": _whole("# to be written\n"),
    "a floe.yaml of 50 MB": _whole(b"# padding\n" * 5_000_000),
    "a picture": _whole(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
    "a letter in Latin-1": _latin,
    # its text
    "a sentence": _whole("This is our product, please compile it.\n"),
    "a list": _whole("- apiVersion\n- kind\n"),
    "a tab": _edit("    tier: gold", "\ttier: gold"),
    "an open bracket": _edit("tags: [mart]", "tags: [mart"),
    "an open quote": _edit("owner: customer-data@", "owner: 'customer-data@"),
    "a crooked indentation": _edit("    tier: gold", "   tier: gold"),
    "a field twice": _edit("  labels:", "  owner: somebody-else@example.com\n  labels:"),
    "aliases that explode": _whole(_bomb()),
    "a second document": _edit("\nschedule:", "\n---\nschedule:"),
    "a program in a tag": _edit("timezone: UTC", "timezone: !!python/name:os.system"),
    # the shape
    "no version": _edit("  version: 1.0.0\n", ""),
    "no transforms": _section("transforms:", "schedule:", ""),
    "an empty list of transforms": _section("transforms:", "schedule:", "transforms: []"),
    "a misspelt field": _edit("tier: gold", "teir: gold"),
    "a tier that is none": _edit("tier: gold", "tier: platinum"),
    "a text for a list": _edit(
        "dependsOn: [stg_crm_customers, stg_transactions]", "dependsOn: stg_transactions"
    ),
    "a number for a version": _edit("version: 1.0.0", "version: 1.0"),
    "a version of floe to come": _edit("apiVersion: floe.dev/v1", "apiVersion: floe.dev/v2"),
    "another kind": _edit("kind: FloeSpec", "kind: FloeProduct"),
    "a name with a path": _edit("name: customer-360", "name: ../customer-360"),
    "a model with a hyphen": _edit("  - name: mart_customer_360", "  - name: mart-customer-360"),
    "a perhaps": _edit("timezone: UTC", "enabled: perhaps"),
    "a word for a schedule": _section("schedule:", "", "schedule: daily\n"),
    "a password": _edit("tier: gold", f"tier: gold\n    password: {PASSWORD}"),
    # across fields
    "an unknown dependency": _edit(
        "dependsOn: [stg_crm_customers, int_customer_orders, int_customer_support]",
        "dependsOn: [stg_crm_customers, int_customer_order, int_customer_support]",
    ),
    "a circle": _edit(
        "dependsOn: [stg_crm_customers, stg_transactions]",
        "dependsOn: [stg_crm_customers, mart_customer_360]",
    ),
    "a model that needs itself": _edit(
        "dependsOn: [stg_crm_customers, stg_transactions]",
        "dependsOn: [int_customer_orders, stg_transactions]",
    ),
    "a model twice": _edit("  - name: mart_customer_360", "  - name: stg_transactions # again"),
    "a cron that is none": _edit('"*/10 * * * *"', '"61 * * * *"'),
    "a day that never comes": _edit('"*/10 * * * *"', '"0 6 30 2 *"'),
    "a time zone that is none": _edit("timezone: UTC", "timezone: Europe/Londn"),
    "an unknown compute": _edit("tier: gold", "tier: gold\n    compute: duckbd"),
    "a way out of the folder": _edit(
        "\nschedule:",
        "\ningestion:\n  sources:\n    - {name: orders, sourceType: filesystem, format: csv,\n"
        "       path: ../../orders.csv, destinationTable: bronze.orders}\n\nschedule:",
    ),
    "a name that dbt has": _edit("name: customer-360", "name: dbt"),
    # against what stands beside it
    "a manifest that is not there": _edit("manifest: ../manifest.yaml", "manifest: ../manifset.yaml"),
    "a manifest far away": _edit("manifest: ../manifest.yaml", "manifest: oci://registry.example.com/floe:1"),
    "a model without its file": _removed("models/marts/mart_customer_360.sql"),
    "a misspelt file": _moved("models/staging/stg_transactions.sql", "models/staging/stg_transaction.sql"),
    "another profile": _edit("profile: customer_360", "profile: customers", "dbt_project.yml"),
    # while it is written
    "a transform just begun": _edit("\n\nschedule:", "\n  - name: mart_churn\n    \n\nschedule:"),
    # the manifest
    "an empty manifest": _whole("", MANIFEST),
    "a manifest without an owner": _edit("  owner: platform@example.com\n", "", MANIFEST),
    "a misspelt group": _edit("  logging:\n", "  loging:\n", MANIFEST),
    "a field no manifest has": _edit("\nobservability:\n", "\nobservabilty:\n", MANIFEST),
    "a level that is none": _edit("    level: INFO", "    level: LOUD", MANIFEST),
    # the seeds of customer-360
    "customers with a misspelt column": _seed("raw_customers", _put(1, "country", "contry")),
    "customers without a column": _seed("raw_customers", _without_column("country")),
    "customers with one more column": _seed("raw_customers", _one_more_column),
    "a customer in Latin-1": _seed_bytes(
        "raw_customers", lambda content: content.replace(b",Samir,", ",Andr\u00e9,".encode("latin-1"), 1)
    ),
    "a transaction of plenty": _seed("raw_transactions", _put(7, "quantity", "plenty")),
    "a transaction of 1.000001": _seed("raw_transactions", _put(7, "quantity", "1.000001")),
    "transactions that are cut off": _seed_bytes("raw_transactions", _half_of_the_last_line),
    "tickets whose last line has no end": _seed_bytes("raw_support_tickets", lambda content: content[:-1]),
    "a ticket of a day that never was": _seed(
        "raw_support_tickets", _put(5, "opened_at", "2025-02-30 09:00:00")
    ),
    "a ticket with a value too many": _seed("raw_support_tickets", lambda lines: lines[4].append("by phone")),
    # those of financial-risk
    "a price under the number of another": _seed("raw_market_data", _key_again),
    "a price of a part of a cent": _seed("raw_market_data", _put(9, "close_price", "12.3456789")),
    "a version of a counterparty twice": _seed("raw_counterparties", _version_again),
    "a counterparty behind an open quote": _seed_bytes(
        "raw_counterparties", lambda content: content.replace(b"Orchard Anchor", b'"Orchard Anchor', 1)
    ),
    # those of iot-telemetry
    "a last reading of plenty": _seed(
        "raw_readings", lambda lines: _put(len(lines), "value", "plenty")(lines)
    ),
}
"""By name."""


def make(mistake: str, project: Project, product: str) -> None:
    """Make a mistake in a project.

    Raises:
        ServiceError: nobody made it yet, or the demo's file has changed so that it no longer fits.
    """
    if mistake not in MISTAKES:
        raise ServiceError(
            f"make the mistake {mistake!r}", of="drivers/mistakes.py", answer="no such mistake"
        )
    MISTAKES[mistake](project, product)


def _path(file: str, product: str) -> str:
    return file.removeprefix("../") if file.startswith("../") else f"{product}/{file}"
