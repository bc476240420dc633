"""The page about a run's files names all of them, with their columns and keys."""

import json
from pathlib import Path

import pandas as pd

from autosnn_nni.runs.run_files import NetworkFiles, RunFiles
from autosnn_nni.runs.settings import Settings
from tests.autosnn_nni.documents.pages import ROOT

PAGE = (ROOT / "docs/reference/run-files.md").read_text()


def test_every_file_is_on_the_page() -> None:
    files = RunFiles(Path())
    properties = {**vars(NetworkFiles), **vars(RunFiles)}
    paths = [getattr(files, name) for name, one in properties.items() if isinstance(one, property)]
    assert [path.name for path in paths if f"`{path.name}" not in PAGE] == []


def test_so_are_the_columns_and_the_keys_of_a_finished_run(finished: Path) -> None:
    names = {column for path in finished.glob("*.csv") for column in pd.read_csv(path).columns}
    for path in finished.glob("*.json"):
        names |= json.loads(path.read_text()).keys() - Settings.before().keys()
    places = {f"tbd{number}" for number in range(2, 6)}
    assert {name for name in names - places if f"`{name}`" not in PAGE} == set()
