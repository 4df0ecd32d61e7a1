"""Files that other programs read, of which none can run here: they parse, and what they name exists."""

import os
import re
import tomllib
from pathlib import Path

import yaml

import translate

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_image_is_built_of_files_and_extras_that_exist_and_starts_the_command():
    steps = [line.split(maxsplit=1) for line in read("Dockerfile").splitlines() if line and not line.startswith("#")]
    words = {name for name, _ in steps}
    assert words <= {"FROM", "RUN", "COPY", "WORKDIR", "ENV", "ENTRYPOINT", "CMD"}
    copied = [word for name, rest in steps if name == "COPY" for word in rest.split()[:-1]]
    assert [word for word in copied if not [*ROOT.glob(word)]] == []
    assert {PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml", "translate"} <= {*copied}
    (install,) = [rest for name, rest in steps if name == "RUN" and "/src[" in rest]
    extras = re.search(r"/src\[(.*?)\]", install)[1].split(",")
    assert set(extras) <= PROJECT["optional-dependencies"].keys()
    assert "--torch-backend cpu" in install
    assert ["ENTRYPOINT", '["translate"]'] in steps
    assert "translate" in PROJECT["scripts"]
    (base,) = [rest for name, rest in steps if name == "FROM"]
    major, minor = re.search(r"python:(\d+)\.(\d+)", base).groups()
    oldest = re.search(r"(\d+)\.(\d+)", PROJECT["requires-python"]).groups()
    assert (int(major), int(minor)) >= tuple(map(int, oldest))


def test_hooks_check_what_ci_checks_first():
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    checks = re.findall(r"^uv run ((?:ruff|mypy).*)", read(".ci/run"), re.MULTILINE)
    entries = [hook["entry"].removeprefix("uv run ").removesuffix(" --fix") for hook in repository["hooks"]]
    assert entries == [check.removesuffix(" --check") for check in checks]
    assert all({"id", "name", "entry", "language"} <= hook.keys() for hook in repository["hooks"])


def test_the_workflow_runs_what_ci_runs():
    (job,) = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"].values()
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    assert scripts == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    (python,) = [step["with"]["python-version"] for step in job["steps"] if "with" in step]
    assert PROJECT["requires-python"] == f">={python}"  # the oldest that is promised


def test_the_citation_says_what_the_package_says():
    tree = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors", "version"} <= tree.keys()
    assert (str(tree["version"]), tree["license"]) == (PROJECT["version"], PROJECT["license"])
    for reference in tree["references"]:
        assert {"type", "title", "authors", "year"} <= reference.keys()
        cited = re.sub(r"\s+", " ", "".join(path.read_text() for path in (ROOT / "translate/methods").glob("*.py")))
        assert reference["authors"][0]["family-names"] in cited


def test_the_changelog_begins_with_what_is_not_released():
    first, second = re.findall(r"^## (.*)", read("CHANGELOG.md"), re.MULTILINE)[:2]
    assert (first, second) == ("Unreleased", PROJECT["version"])


def test_every_extra_that_a_message_names_exists():
    sources = [path.read_text(encoding="utf-8") for path in Path(translate.__file__).parent.rglob("*.py")]
    named = {extra for source in sources for extra in re.findall(r"image-translate\[([a-z]+)\]", source)}
    assert named
    assert named <= PROJECT["optional-dependencies"].keys()
