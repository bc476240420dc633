"""The direction of imports, as ``docs/architecture.md`` draws it."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_imports_go_down(tmp_path: Path) -> None:
    """The contracts of ``pyproject.toml``, on the package as it is installed."""
    package = shutil.copytree(ROOT / "autosnn_nni", tmp_path / "autosnn_nni")
    for folder in ("search_spaces", "strategies"):
        shutil.copytree(ROOT / folder, package / folder)
    shutil.copytree(ROOT / "examples/paper", package / "recipes")
    linter = Path(sys.executable).with_name("lint-imports")
    command = [str(linter), "--no-cache", str(ROOT / "pyproject.toml")]
    outcome = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
