"""The blocks of Python on the pages run, and those that are taken from a file are its lines."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.data import DATASETS
from autosnn_nni.energy import ENERGY
from autosnn_nni.export import EXPORTS
from autosnn_nni.strategies import SEARCHES
from tests.autosnn_nni.documents.pages import DOCUMENTS, ROOT, blocks, with_python
from tests.autosnn_nni.table.made import packed_in

#: Their blocks run between their commands, in other tests.
ELSEWHERE = {ROOT / "docs/own-data.md", *ROOT.glob("docs/tutorials/*.md")}
PAGES = [page for page in with_python(DOCUMENTS) if page not in ELSEWHERE]


@pytest.fixture
def folder(
    tmp_path: Path, finished: Path, registries: None, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder as a reader has it: with the run of the first tutorial, and a table."""
    for registry in (DATASETS, ENERGY, EXPORTS, SEARCHES):
        monkeypatch.setattr(registry, "_items", dict(registry._items))
    shutil.copytree(finished, tmp_path / "runs/digits")
    packed_in(tmp_path).rename(tmp_path / "mine.json")
    (tmp_path / "small.csv.gz").rename(tmp_path / "mine.csv.gz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_runs(page: Path, folder: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        if block.of is None:
            exec(compile(block.text, str(page), "exec"), names)
        else:
            assert set(block.text.splitlines()) <= set((ROOT / block.of).read_text().splitlines())


@pytest.mark.slow
def test_what_the_how_to_pages_add_is_searched_with(
    tmp_path: Path, start: Callable[..., Any]
) -> None:
    plugin = tmp_path / "mine.py"
    names = ("block", "neuron", "space", "search", "dataset")
    pages = [ROOT / f"docs/how-to/{name}.md" for name in names]
    plugin.write_text("\n\n".join(blocks(page, "python")[0].text for page in pages))
    size = ("--channels", 2, "--timesteps", 2, "--supernet-epochs", 1, "--retrain-epochs", 1)
    own = ("--dataset", "stripes", "--space", "small", "--candidates", "wide,skip")
    search = ("--neuron", "soft", "--strategy", "greedy", "--rounds", 2, "--no-baselines")
    options = ("--plugin", plugin, *size, *own, *search)
    outcome = start("search", "--output", tmp_path / "run", *options).wait()
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "run/report.html").exists()
