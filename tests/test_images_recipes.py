"""What an image is called follows from what it is made of, and from nothing else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from foundation import cache
from foundation.errors import UserError
from foundation.process import run
from images import minio, recipes, rootfs
from images.build import ImageSet
from images.engine import Buildah, Docker
from images.model import REPOSITORY
from images.recipes import Recipe
from standins.marquez import build as marquez
from standins.polaris import build as polaris

IMAGES = cache.ROOT / "images"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one image of two files, a folder and a root file system."""
    for name, content in {
        "images/tea/Containerfile": "ARG BASE\nFROM ${BASE}\n",
        "images/tea/leaves.txt": "assam",
        "images/tea/packages.txt": "hot-water # boiled\n",
        "shop/shelf/cup.sql": "select 1",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(recipes, "SYSTEM", tmp_path)
    return tmp_path


def tea(checkout: Path, scale: str = "1") -> Recipe:
    return Recipe(
        name="tea",
        containerfile="images/tea/Containerfile",
        files=("images/tea/leaves.txt", "shop"),
        base=checkout / "images" / "tea",
        settings=(("SCALE", scale),),
    )


def ref(checkout: Path, scale: str = "1") -> str:
    return ImageSet("local", Buildah(), folder=checkout).ref(tea(checkout, scale))


def test_a_reference_names_the_image_and_the_digest_of_its_inputs(checkout: Path) -> None:
    assert re.fullmatch(rf"{REPOSITORY}/tea:[0-9a-f]{{16}}", ref(checkout))
    assert ref(checkout) == ref(checkout)


@pytest.mark.parametrize(
    "changed",
    [
        "images/tea/Containerfile",
        "images/tea/leaves.txt",
        "images/tea/packages.txt",
        "images/tea/finish.sh",
        "shop/shelf/cup.sql",
        "shop/shelf/saucer.sql",
    ],
)
def test_every_input_decides_the_reference(checkout: Path, changed: str) -> None:
    before = ref(checkout)
    (checkout / changed).write_text("something else")
    assert ref(checkout) != before


def test_a_moved_file_and_a_build_argument_decide_the_reference(checkout: Path) -> None:
    before = ref(checkout)
    assert ref(checkout, scale="2") != before
    (checkout / "shop/shelf/cup.sql").rename(checkout / "shop/cup.sql")
    assert ref(checkout) != before


@pytest.mark.parametrize(
    "made",
    [
        "shop/target/manifest.json",
        "shop/__pycache__/cup.cpython-311.pyc",
        "shop/seeds/raw_cups.csv",
        "shop/floe_macros/table.sql",
        "shop/compiled_artifacts.json",
        "shop/shop.egg-info/PKG-INFO",
        "elsewhere/cup.sql",
    ],
)
def test_what_tools_make_or_lies_elsewhere_is_no_input(checkout: Path, made: str) -> None:
    before = ref(checkout)
    (checkout / made).parent.mkdir(parents=True, exist_ok=True)
    (checkout / made).write_text("made")
    assert ref(checkout) == before


def test_the_engine_decides_the_reference_because_the_bases_differ(checkout: Path) -> None:
    assert ImageSet("kind", Docker(), folder=checkout).ref(tea(checkout)) != ref(checkout)


def test_the_build_context_holds_exactly_the_inputs(checkout: Path, tmp_path: Path) -> None:
    (checkout / "shop/target").mkdir()
    (checkout / "shop/target/manifest.json").write_text("{}")
    context = tmp_path / "context"
    tea(checkout).fill(context)
    assert {str(file.relative_to(context)) for file in context.rglob("*") if file.is_file()} == {
        "images/tea/Containerfile",
        "images/tea/leaves.txt",
        "shop/shelf/cup.sql",
    }


def test_a_missing_input_is_named(checkout: Path) -> None:
    (checkout / "images/tea/leaves.txt").unlink()
    with pytest.raises(UserError, match=r"images/tea/leaves\.txt is missing; the image tea is made from it"):
        ref(checkout)


def test_spellings_of_one_seed_scale_are_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for spelling in ("10", "10.0", "1e1"):
        monkeypatch.setenv(recipes.SEED_SCALE, spelling)
        said.append(recipes.seed_scale())
    assert said == ["10", "10", "10"]
    monkeypatch.delenv(recipes.SEED_SCALE)
    assert recipes.seed_scale() == "1"


def test_the_seed_scale_decides_the_dagster_image_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def references(scale: str) -> dict[str, str]:
        monkeypatch.setenv(recipes.SEED_SCALE, scale)
        chosen = ImageSet("local", Buildah())
        return {recipe.name: chosen.ref(recipe) for recipe in chosen.recipes}

    at_1, at_2 = references("1"), references("2")
    assert {name for name in at_1 if at_1[name] != at_2[name]} == {"dagster"}


def test_a_bad_seed_scale_is_refused_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(recipes.SEED_SCALE, "many")
    with pytest.raises(UserError, match="FLOE_DEMO_SEED_SCALE='many' is not a number"):
        recipes.recipes()


def test_the_additions_decide_the_dagster_image_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def references(additions: str) -> dict[str, str]:
        monkeypatch.setenv(recipes.ADDITIONS, additions)
        chosen = ImageSet("local", Buildah())
        return {recipe.name: chosen.ref(recipe) for recipe in chosen.recipes}

    with_them, without = references("on"), references("off")
    assert {name for name in with_them if with_them[name] != without[name]} == {"dagster"}
    assert references("") == with_them


def test_additions_that_are_neither_on_nor_off_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(recipes.ADDITIONS, "none")
    with pytest.raises(UserError, match="ADDITIONS='none' is neither on nor off"):
        recipes.recipes()


def test_the_minio_release_is_the_one_that_go_mod_locks() -> None:
    assert minio.version() == "2026-02-12T20:18:48Z"


@pytest.mark.parametrize("recipe", ["base", "postgresql"])
def test_packages_are_names_without_comments(recipe: str) -> None:
    named = rootfs.packages(IMAGES / recipe)
    assert named
    assert [name for name in named if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name)] == []


def test_scripts_for_the_inside_of_a_root_file_system_refuse_to_run_on_a_host() -> None:
    scripts = [*IMAGES.glob("*/finish.sh"), *IMAGES.glob("*/prepare.sh"), IMAGES / "anonymous.sh"]
    unguarded = [script.name for script in scripts if ': "${NEW_ROOT_FILE_SYSTEM:?' not in script.read_text()]
    assert unguarded == []


CONTAINERFILES = [*IMAGES.rglob("*Containerfile"), cache.ROOT / "standins/polaris/Containerfile"]


@pytest.mark.parametrize("file", CONTAINERFILES, ids=lambda file: str(file.relative_to(cache.ROOT)))
def test_a_containerfile_holds_no_address_and_no_credential(file: Path) -> None:
    text = file.read_text()
    assert re.findall(r"https?://\S+", text) == []
    assert re.findall(r"(?im)^\s*(?:ENV|ARG)\s+\S*(?:PASSWORD|SECRET|TOKEN|PROXY|INDEX)\S*", text) == []


def test_containerfiles_of_services_run_as_a_numbered_user_that_is_not_root() -> None:
    users = {
        file.parent.name: re.findall(r"(?m)^USER (\d+):\d+$", file.read_text())[-1:]
        for file in CONTAINERFILES
        if file.name == "Containerfile"
    }
    assert users == {
        "postgresql": ["999"],
        "minio": ["1000"],
        "jaeger": ["10001"],
        "prometheus": ["65534"],
        "dagster": ["1000"],
        "polaris": ["10000"],
    }


@pytest.mark.parametrize("lock", ["images/dagster/requirements.lock", "requirements-uv.lock"])
def test_a_lock_pins_every_package_with_hashes_and_names_no_index(lock: str) -> None:
    text = (cache.ROOT / lock).read_text()
    packages = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    wrong = [
        package.splitlines()[0]
        for package in packages
        if not re.match(r"[a-z0-9._-]+==[^\s;]+", package) or "--hash=sha256:" not in package
    ]
    assert packages
    assert wrong == []
    assert re.findall(r"https?://\S+|--(?:extra-)?index-url|--find-links", text) == []


def test_the_image_has_the_versions_that_the_suite_itself_runs() -> None:
    def pins(lock: str) -> dict[str, str]:
        return dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^\s;\\]+)", (cache.ROOT / lock).read_text()))

    image, suite = pins("images/dagster/requirements.lock"), pins("requirements.lock")
    assert {
        name: (image[name], suite[name]) for name in image.keys() & suite if image[name] != suite[name]
    } == {}


@pytest.mark.parametrize("script", sorted(IMAGES.rglob("*.sh")), ids=lambda path: path.name)
def test_shell_scripts_parse(script: Path) -> None:
    shell = shutil.which("bash") if script.read_text().startswith("#!/bin/bash") else shutil.which("sh")
    assert shell
    assert run([shell, "-n", script], timeout=10) == ""


@pytest.mark.parametrize(("name", "files"), [("marquez", marquez.FILES), ("polaris", polaris.FILES)])
def test_every_module_of_a_stand_in_is_in_its_image(name: str, files: tuple[str, ...]) -> None:
    modules = {
        file.relative_to(cache.ROOT).as_posix() for file in (cache.ROOT / "standins" / name).glob("*.py")
    }
    assert modules - set(files) == {f"standins/{name}/build.py"}
