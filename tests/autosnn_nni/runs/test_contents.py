import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.runs.contents import read_contents
from tests.autosnn_nni.written_run import keep_only, write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


@pytest.fixture
def run_with(run: Path) -> Callable[..., Path]:
    return partial(keep_only, run)


def test_a_whole_run_is_read(run: Path) -> None:
    contents = read_contents(run)
    assert len(contents.candidates) == 200
    assert contents.candidates[0].order == 1
    assert len(contents.supernet) == len(contents.training) == 40
    assert contents.result
    assert contents.result.blocks == ("SRB_k5", "SRB_k5", "skip", "SRB_k3", "SRB_k5")
    assert [baseline.name for baseline in contents.baselines] == ["SCB_k3", "SRB_k3"]


def test_missing_inputs_are_empty(run_with: Callable[..., Path]) -> None:
    contents = read_contents(run_with("supernet.csv"))
    assert contents.supernet
    assert not contents.candidates
    assert contents.best is None
    assert contents.result is None
    assert contents.origin is None
    assert contents.baselines == ()


def test_an_empty_cell_is_a_loss_that_diverged(run_with: Callable[..., Path]) -> None:
    run = run_with("supernet.csv")
    (run / "supernet.csv").write_text("epoch,loss,accuracy,spikes,seconds\n0,,0.1,20,1\n")
    assert math.isnan(read_contents(run).supernet[0].loss)


def test_tables_that_a_spreadsheet_has_saved_are_the_same(run: Path) -> None:
    before = read_contents(run)
    for table in run.glob("*.csv"):
        content = table.read_text().replace("\n", "\r\n")
        table.write_bytes(content.encode("utf-8-sig"))
    assert read_contents(run) == before


def test_a_network_without_blocks_goes_by_its_name(run: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    result |= {"blocks": None, "stages": None, "network": "CIFARNet-Fang"}
    (run / "result.json").write_text(json.dumps(result))
    contents = read_contents(run).result
    assert contents
    assert contents.title == "CIFARNet-Fang"
    assert contents.stages == ()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"is not a run of autosnn: it has no settings\.json"
    ) as error:
        read_contents(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_what_is_no_folder_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run"
    if kind == "file":
        path.touch()
    with pytest.raises(
        UserError, match=r"is not a run of autosnn: it (does not exist|is not a folder)"
    ):
        read_contents(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("settings.json", "[1]"),
        ("settings.json", "{"),
        ("settings.json", '{"max_spikes": "80K"}'),
        ("settings.json", '{"min_accuracy": -1}'),
        ("best.json", "[]"),
        ("best.json", '{"accuracy": 0.9}'),
        ("best.json", '{"blocks": "skip", "accuracy": 1, "spikes": 1, "fitness": 1}'),
        ("origin.json", "[]"),
        ("origin.json", '{"source": "/run"}'),
        ("result.json", '{"blocks": [], "accuracy": "high"}'),
        ("result.json", "null"),
        ("baselines/SCB_k3/result.json", ""),
        ("supernet.csv", "epoch,loss\n0,0.1\n"),
        ("supernet.csv", "epoch,loss,accuracy,spikes,seconds\n0,0.1,0.2\n"),
        ("retrained.csv", "epoch,loss,accuracy,spikes,seconds\n0,low,0.1,20,1\n"),
        ("candidates.csv", "accuracy,spikes,fitness,generation\n0.9,10,1,1\n"),
        ("candidates.csv", "tbd1,accuracy,spikes,fitness,generation\nskip,0.9\n"),
        ("candidates.csv", b"tbd1,accuracy\n\xff\xfe"),
        ("candidates.csv", "tbd2,accuracy,spikes,fitness,generation\nskip,0.9,10,1,1\n"),
        ("candidates.csv", "tbd1,tbd2,accuracy,spikes,fitness,generation\nskip,,0.9,10,1,1\n"),
        ("candidates.csv", "tbd1,accuracy,spikes,fitness,generation\nskip,0.9,10,1,1,2\n"),
    ],
)
def test_a_broken_file_is_named_in_one_line(run: Path, name: str, content: str | bytes) -> None:
    (run / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as error:
        read_contents(run)
    assert str(run / name) in str(error.value)
    assert "\n" not in str(error.value)
