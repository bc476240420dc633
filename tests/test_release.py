"""What a release needs beside the code."""

from pathlib import Path
from typing import Any

import yaml

from autosnn_nni import __version__

ROOT = Path(__file__).parents[1]


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def commands(workflow: str) -> list[str]:
    """What the steps of a workflow run or use."""
    steps = [step for job in read(workflow)["jobs"].values() for step in job["steps"]]
    return [step.get("run") or step["uses"] for step in steps]


def test_the_version_has_one_place() -> None:
    assert read("CITATION.cff")["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_workflow_runs_what_everybody_runs() -> None:
    assert "bash .ci/run" in commands(".github/workflows/ci.yml")


def test_a_release_has_the_sources_and_wheels_with_kernels() -> None:
    found = " ".join(commands(".github/workflows/release.yml"))
    assert "build --sdist" in found
    assert "pypa/cibuildwheel" in found
    assert (ROOT / "LICENSE").exists()
    assert (ROOT / "SECURITY.md").exists()
