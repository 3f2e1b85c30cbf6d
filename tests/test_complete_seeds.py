"""Seed files against what their properties say: what is refused, where, and what is let pass."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from demo import seeds as generator
from drivers import mistakes
from drivers.floe import Project
from floe_complete import seeds
from floe_complete.problems import Problem

HEADER = "id,name,amount,day,moment,good"
LINE = "1,Ada,2.50,2025-11-28,2025-11-28 17:30:00,true"
PROPERTIES = """\
version: 2
seeds:
  - name: raw
    config:
      column_types:
        id: integer
        name: varchar
        amount: decimal(6, 2)
        day: date
        moment: timestamp
        good: boolean
      meta:
        key: [name, day]
    columns:
      - name: id
        data_tests: [not_null, unique]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: it\nseed-paths: [seeds]\n")
    (tmp_path / "seeds" / "_seeds.yml").write_text(PROPERTIES)
    return tmp_path


def wrong(folder: Path, content: str | bytes) -> list[Problem]:
    text = content.encode() if isinstance(content, str) else content
    (folder / "seeds" / "raw.csv").write_bytes(text)
    return list(seeds.problems(folder))


def told(folder: Path, content: str | bytes) -> list[tuple[int, str, str]]:
    return [(one.line, one.field, one.found) for one in wrong(folder, content)]


def lines(*rows: str) -> str:
    return "".join(f"{row}\n" for row in (HEADER, *rows))


def with_value(column: str, value: str) -> str:
    values = LINE.split(",")
    values[HEADER.split(",").index(column)] = value
    return lines(LINE.replace("1,Ada", "9,Eve"), ",".join(values))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_good_file_passes(folder: Path, ending: str) -> None:
    text = lines(LINE, "2,,,,,", ' 3 ,"Berg, ""Ada""\nsecond line",-1.5,2025-01-01,2025-01-01,false')
    assert told(folder, text.replace("\n", ending)) == []


def test_a_file_that_begins_with_a_byte_order_mark_passes(folder: Path) -> None:
    assert told(folder, b"\xef\xbb\xbf" + lines(LINE).encode()) == []


def test_columns_may_stand_in_any_order(folder: Path) -> None:
    assert told(folder, "name,id,amount,day,moment,good\nAda,1,2.5,2025-11-28,,\n") == []


def test_a_file_without_rows_passes(folder: Path) -> None:
    assert told(folder, lines()) == []


def test_a_product_without_seeds_passes(folder: Path) -> None:
    assert list(seeds.problems(folder)) == []


def test_a_file_of_which_nothing_is_said_must_only_be_a_table(folder: Path) -> None:
    (folder / "seeds" / "other.csv").write_text("a,b\n1,2\n1,x\n3\n")
    assert [(one.line, one.field, one.found) for one in seeds.problems(folder)] == [(4, "b", "only 1 values")]


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("id", "abc", "integer"),
        ("id", "1.5", "integer"),
        ("id", "1e3", "integer"),
        ("id", "2147483648", "integer"),
        ("amount", "2.505", "decimal(6, 2)"),
        ("amount", "10000.00", "decimal(6, 2)"),
        ("amount", "two", "decimal(6, 2)"),
        ("day", "2025-02-30", "date"),
        ("day", "28/11/2025", "date"),
        ("moment", "yesterday", "timestamp"),
        ("good", "perhaps", "boolean"),
    ],
)
def test_a_value_of_another_type_is_told(folder: Path, column: str, value: str, kind: str) -> None:
    assert told(folder, with_value(column, value)) == [(3, column, f'"{value}" is not of type {kind}')]


@pytest.mark.parametrize(("column", "value"), [("id", "+7"), ("amount", "2.500"), ("amount", "9999.99")])
def test_a_value_that_is_exactly_of_its_type_passes(folder: Path, column: str, value: str) -> None:
    assert told(folder, with_value(column, value)) == []


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("id,nmae,amount,day,moment,good", [(1, "nmae", "there is no such column")]),
        ("id,name,amount,day,good", [(1, "moment", "the column is missing")]),
        ("id,name,amount,day,moment,good,notes", [(1, "notes", "there is no such column")]),
        ("id,name,amount,day,moment,good,", [(1, "", "column 7 has no name")]),
        ("id,name,amount,day,moment,good,id", [(1, "id", "is there twice")]),
    ],
)
def test_wrong_columns_are_told(folder: Path, header: str, found: list[tuple[int, str, str]]) -> None:
    values = ",".join("" for _ in header.split(","))
    assert told(folder, f"{header}\n{values}\n") == found


def test_a_misspelt_column_is_told_what_was_meant(folder: Path) -> None:
    (one,) = wrong(folder, HEADER.replace("amount", "amuont") + "\n")
    assert one.remedy == "did you mean amount?"


def test_what_is_no_utf_8_is_told_by_line_and_column(folder: Path) -> None:
    text = lines(LINE, LINE.replace("1,Ada", "2,René"))
    assert told(folder, text.encode("latin-1")) == [
        (3, "name", f"byte {len(HEADER + LINE) + 8} is not UTF-8")
    ]
    assert told(folder, text.encode("utf-16")) == [(1, "", "is UTF-16")]
    assert told(folder, lines(LINE.replace("Ada", "A\0a")))[0][:2] == (2, "name")


def test_a_letter_on_the_edge_of_what_is_read_at_once_is_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "_CHUNK", 7)
    good = lines(*(LINE.replace("1,Ada", f"{number},Zoë{number}€") for number in range(20)))
    assert told(folder, good) == []
    broken = good.encode().replace("Zoë17".encode(), b"Zo\xeb17")
    assert told(folder, broken)[0][:2] == (19, "name")


def test_a_file_that_was_cut_off_is_told(folder: Path) -> None:
    whole = lines(LINE, LINE.replace("1,Ada", "2,Eve"))
    cut = whole[: whole.index("2,Eve,2.50") + 8]
    assert told(folder, cut) == [(3, "amount", "the file is cut off here, after 3 of 6 values")]
    said = "the line has no end, as if the file were cut off here"
    assert told(folder, whole[:-1]) == [(3, "good", said)]
    assert told(folder, whole[:-4]) == [(3, "good", said)]


def test_lines_with_too_few_or_too_many_values_are_told(folder: Path) -> None:
    assert told(folder, lines("1,Ada", LINE, f"{LINE},more")) == [
        (2, "amount", "only 2 values"),
        (4, "", "7 values"),
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_line_is_counted_as_an_editor_counts_it(folder: Path, ending: str) -> None:
    """A value of several lines and an empty line stand before."""
    text = lines('1,"first\nsecond",,,,', "", "2,Eve", "x,Eve,,,,")
    assert told(folder, text.replace("\n", ending)) == [
        (5, "amount", "only 2 values"),
        (6, "id", '"x" is not of type integer'),
    ]


def test_an_open_quote_is_told(folder: Path) -> None:
    said = "a quote is not where a value begins or ends, or is not closed"
    assert told(folder, lines(LINE, '2,"Eve,,,,'))[0] == (3, "name", said)


def test_lines_that_end_differently_are_told(folder: Path) -> None:
    assert told(folder, f"{HEADER}\n{LINE}\r\n2,Eve,,,,\n") == [
        (2, "", "the line ends otherwise than the first")
    ]


def test_a_key_that_is_there_twice_is_told(folder: Path) -> None:
    assert told(
        folder, lines(LINE, "2,Eve,,2025-01-01,,", "1,Bob,,,,", "4,Eve,,2025-01-01,,", ",Eve,,,,")
    ) == [
        (4, "id", '"1" is already on line 2'),
        (5, "name", '"Eve", "2025-01-01" is already on line 3'),
    ]


def test_a_key_that_only_warns_is_no_reason_to_refuse(folder: Path) -> None:
    relaxed = PROPERTIES.replace("[not_null, unique]", "[{unique: {config: {severity: warn}}}]")
    (folder / "seeds" / "_seeds.yml").write_text(relaxed)
    assert told(folder, lines(LINE, "1,Bob,,,,")) == []


def test_a_type_that_is_none_is_told(folder: Path) -> None:
    (folder / "seeds" / "_seeds.yml").write_text(PROPERTIES.replace("integer", "integre"))
    assert told(folder, lines(LINE)) == [(0, "id", '"integre" is no type of DuckDB')]


def test_an_empty_file_is_told(folder: Path) -> None:
    assert told(folder, "") == [(1, "", "is empty")]


def test_what_is_told_of_a_file_is_bounded(folder: Path) -> None:
    found = told(folder, lines(*(f"x{number},Ada,,,," for number in range(3_000))))
    assert (len(found), found[0], found[-1]) == (
        seeds.SHOWN + 1,
        (2, "id", '"x0" is not of type integer'),
        (0, "", "2990 more mistakes"),
    )


def test_a_value_that_may_be_a_credential_is_not_repeated(folder: Path) -> None:
    (folder / "seeds" / "_seeds.yml").write_text(PROPERTIES.replace("good: boolean", "api_token: boolean"))
    text = lines(LINE.replace("true", "s3cr3t")).replace("good", "api_token")
    assert told(folder, text) == [(2, "api_token", "a value that is not shown here is not of type boolean")]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo's products with their seeds."""
    project = Project.of_the_demo(tmp_path_factory.mktemp("demo"), *generator.RECIPES)
    for product in generator.RECIPES:
        generator.write(product, project.folder / product / "seeds", Decimal(1))
    return project


@pytest.mark.parametrize("product", sorted(generator.RECIPES))
def test_the_seeds_of_the_demo_pass(delivered: Project, product: str) -> None:
    assert list(seeds.problems(delivered.folder / product)) == []


def test_thirty_thousand_rows_take_seconds(tmp_path: Path) -> None:
    project = Project.of_the_demo(tmp_path, "financial-risk")
    generator.write("financial-risk", tmp_path / "financial-risk" / "seeds", Decimal(20))
    began = time.monotonic()
    assert list(seeds.problems(project.folder / "financial-risk")) == []
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("command", ["compile", "validate"])
def test_the_command_refuses_and_writes_nothing(tmp_path: Path, command: str) -> None:
    project = Project.of_the_demo(tmp_path / "team", "customer-360")
    mistakes.make("a transaction of plenty", project, "customer-360")
    before = project.files()
    done = subprocess.run(
        [sys.executable, "-m", "floe_complete", command],
        cwd=project.folder / "customer-360",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if not line.startswith(("LOAD", "VALIDATE"))]
    assert (done.returncode, told, project.files()) == (
        2,
        [
            'seeds/raw_transactions.csv:7: quantity: "plenty" is not of type integer',
            "  expected: a whole number from -2147483648 to 2147483647",
            "  remedy: correct it where the file is made, or leave the field empty if there is no value",
            "nothing was written",
        ],
        before,
    )
