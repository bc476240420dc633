import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from autosnn_nni.errors import UserError
from autosnn_nni.files import read_json
from autosnn_nni.pretrained import add as module
from autosnn_nni.pretrained import load_pretrained, read_index
from autosnn_nni.pretrained.add import add


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A run of the test's own."""
    return shutil.copytree(trained, tmp_path / "run")


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**read_json(path), **values}))


def test_an_entry_documents_the_results_of_the_training(trained: Path, added: Path) -> None:
    result, settings = (read_json(trained / name) for name in ("result.json", "settings.json"))
    (entry,) = read_index(added)
    assert (entry.test.accuracy, entry.test.spikes) == (result["accuracy"], result["spikes"])
    assert (entry.network, entry.dataset) == ("AutoSNN-0.08", "digits")
    assert (list(entry.blocks), entry.parameters) == (result["blocks"], result["parameters"])
    assert entry.settings == {key: settings[key] for key in entry.settings}
    assert (entry.shape, entry.classes) == ((1, 8, 8), 10)
    assert entry.test.images == entry.first.images == 359


def test_the_command_of_an_entry_trains_the_same_network(
    trained: Path, added: Path, tmp_path: Path, autosnn: Callable[..., object]
) -> None:
    (entry,) = read_index(added)
    program, *arguments = entry.command.split()
    assert program == "autosnn"
    autosnn(*arguments, "--output", tmp_path / "again")
    again = (tmp_path / "again/result.json").read_bytes()
    assert again == (trained / "result.json").read_bytes()


def test_better_weights_replace_those_of_the_same_names(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pretrained"
    first = add(run, folder)
    assert add(run, folder) == first
    assert [entry.network for entry in read_index(folder)] == ["AutoSNN-0.08"]
    assert load_pretrained("AutoSNN-0.08", "digits", folder).entry == first
    assert {path.name for path in folder.iterdir()} == {"index.json", first.file}


@pytest.mark.parametrize(
    ("break_", "fault"),
    [
        (lambda run: change(run / "result.json", accuracy=0.99), "but result.json says 99.00%"),
        (lambda run: (run / "result.json").unlink(), "result.json does not exist"),
        (lambda run: (run / "retrained.ckpt").unlink(), "retrained.ckpt does not exist"),
        (shutil.rmtree, "is not a run of autosnn"),
    ],
)
def test_a_run_that_does_not_have_its_results_is_refused(
    break_: Callable[[Path], object], fault: str, run: Path, tmp_path: Path
) -> None:
    break_(run)
    with pytest.raises(UserError, match=fault):
        add(run, tmp_path / "pretrained")
    assert not (tmp_path / "pretrained").exists()


def test_a_network_needs_a_name(
    make_run: Callable[..., Path], tiny: tuple[str, ...], tmp_path: Path
) -> None:
    unnamed = make_run("train", "--blocks", "skip,skip,skip,skip,skip", *tiny)
    with pytest.raises(
        UserError, match="no network is called skip, skip, skip, skip, skip in SNN_1"
    ):
        add(unnamed, tmp_path / "pretrained")


def test_plugins_do_not_come_with_the_package(
    make_run: Callable[..., Path], tiny: tuple[str, ...], tmp_path: Path
) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text("")
    run = make_run("train", "--network", "AutoSNN-0.08", *tiny, "--plugin", str(plugin))
    with pytest.raises(UserError, match="uses plugins"):
        add(run, tmp_path / "pretrained")


def test_the_command_says_what_it_has_added(
    run: Path, added: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = Typer()
    app.command()(module.main)
    monkeypatch.setattr(module, "add", lambda path, data_dir: add(path, tmp_path / "pretrained"))
    outcome = CliRunner().invoke(app, [str(run)])
    assert outcome.exit_code == 0
    (entry,) = read_index(added)
    assert f"{entry.test.accuracy:.2%} test accuracy" in outcome.output
    outcome = CliRunner().invoke(app, [str(tmp_path / "nowhere")])
    assert outcome.exit_code == 2
    assert "is not a run of autosnn: it does not exist" in outcome.output
