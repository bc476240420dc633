"""``autosnn export`` and ``autosnn check-export``: files that other tools read."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from autosnn_nni.export.recording import network_of
from autosnn_nni.files import read_json
from tests.autosnn_nni.conftest import ALIKE

Autosnn = Callable[..., Any]
EXAMPLES = Path(__file__).parents[3] / "examples"
SKIPS = ",".join(["skip"] * 5)


@pytest.fixture(scope="module")
def exported(
    finished: Path, tmp_path_factory: pytest.TempPathFactory, autosnn: Autosnn
) -> tuple[Path, str]:
    """The folder of a finished run's export, and what the command has said."""
    folder = tmp_path_factory.mktemp("export")
    outcome = autosnn("export", finished, "--output", folder)
    assert (outcome.code, outcome.err) == (0, "")
    return folder, outcome.out


def test_the_files_are_named(exported: tuple[Path, str]) -> None:
    folder, said = exported
    assert {file.name for file in folder.iterdir()} == {"network.nir", "recording.nir"}
    for file, line in zip(("network.nir", "recording.nir"), said.splitlines(), strict=True):
        assert line.startswith(f"{folder / file} (")
        assert line.endswith(" KiB)")


def test_the_network_says_where_it_comes_from(exported: tuple[Path, str], finished: Path) -> None:
    metadata = nir.read(exported[0] / "network.nir").metadata
    result = read_json(finished / "result.json")
    assert metadata["blocks"] == ", ".join(
        stage["block"] for stage in result["stages"] if stage["name"].startswith("tbd")
    )
    assert metadata["network_id"] == network_of(exported[0] / "recording.nir") != ""
    assert metadata["made_by"].startswith("autosnn-nni ")
    assert (metadata["dataset"], metadata["space"]) == ("digits", "SNN_1")
    assert (metadata["timesteps"], metadata["classes"]) == ("2", "10")
    assert metadata["normalisation"].startswith("(pixel / 255 - mean) / std for each channel, mean")


def test_what_is_recorded_is_what_is_tested(
    exported: tuple[Path, str], finished: Path, autosnn: Autosnn
) -> None:
    """The first images of the test split, with the batch norm of the test."""
    recorded = nir.read_data(exported[0] / "recording.nir")
    images = recorded.nodes["input"].observables["input"].data
    assert images.shape == (4, 2, 64)
    assert np.array_equal(images[:, 0], images[:, 1])
    rates = {
        layer["name"].replace(".", "_"): layer
        for layer in read_json(finished / "result.json")["layers"]
    }
    spikes = {name.removesuffix("_neuron"): node for name, node in recorded.nodes.items()}
    assert rates.keys() == spikes.keys() - {"input"}
    for name, layer in rates.items():
        found = spikes[name].observables["spikes"].data
        assert found.shape == (4, 2, layer["neurons"])
        assert found.mean() == pytest.approx(layer["firing_rate"], abs=0.15)


@pytest.mark.slow
def test_the_example_reads_it_with_spikingjelly(
    exported: tuple[Path, str], finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    for file in exported[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    command = [sys.executable, EXAMPLES / "read_nir.py", folder]
    subprocess.run(command, check=True, env={**os.environ, **ALIKE})
    outcome = autosnn("check-export", folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert "spikingjelly.nir: 0 of" in outcome.out
    assert autosnn("export", finished, "--bits", 8, "--output", folder).code == 0
    outcome = autosnn("check-export", folder)
    assert outcome.code == 2
    stale = "spikingjelly.nir is of another network than recording.nir; run the reader again"
    assert stale in outcome.err


def changed(folder: Path, change: Callable[[Any], Any]) -> nir.NIRGraphData:
    """The recording in ``folder`` with other spikes of the last layer."""
    recorded = nir.read_data(folder / "recording.nir")
    spikes = recorded.nodes["fc_neuron"].observables["spikes"]
    node = nir.NIRNodeData({"spikes": change(spikes)})
    return nir.NIRGraphData({"fc_neuron": node})


@pytest.fixture
def folder(exported: tuple[Path, str], tmp_path: Path) -> Path:
    (tmp_path / "recording.nir").write_bytes((exported[0] / "recording.nir").read_bytes())
    return tmp_path


def test_every_spike_that_differs_is_counted(folder: Path, autosnn: Autosnn) -> None:
    def flip_three(spikes: nir.TimeGriddedData) -> nir.TimeGriddedData:
        data = spikes.data.copy()
        data.reshape(-1)[:3] ^= True
        return nir.TimeGriddedData(data, spikes.dt)

    nir.write_data(folder / "other.nir", changed(folder, flip_three))
    outcome = autosnn("check-export", folder)
    assert outcome.code == 1
    assert "other.nir: 3 of 800 differ (0.375 %)" in outcome.out


def test_a_recording_of_another_network_is_refused(folder: Path, autosnn: Autosnn) -> None:
    nir.write_data(folder / "other.nir", changed(folder, lambda spikes: spikes))
    assert autosnn("check-export", folder).code == 0  # it does not say whose it is
    same = network_of(folder / "recording.nir")
    for network, code in ((same, 0), ("another", 2)):
        with h5py.File(folder / "other.nir", "a") as file:
            file.attrs["network_id"] = network
        assert autosnn("check-export", folder).code == code
    with h5py.File(folder / "recording.nir", "a") as file:
        del file.attrs["network_id"]  # as versions before wrote it
    assert autosnn("check-export", folder).code == 0


def test_a_recording_of_events_is_compared_too(folder: Path, autosnn: Autosnn) -> None:
    nir.write_data(folder / "other.nir", changed(folder, lambda spikes: spikes.to_event(200, 5e-5)))
    outcome = autosnn("check-export", folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert "other.nir: 0 of 800 differ (0 %)" in outcome.out


def test_recordings_that_dont_fit_are_refused(folder: Path, autosnn: Autosnn) -> None:
    def shorter(spikes: nir.TimeGriddedData) -> nir.TimeGriddedData:
        return nir.TimeGriddedData(spikes.data[:, :1], spikes.dt)

    nir.write_data(folder / "other.nir", changed(folder, shorter))
    outcome = autosnn("check-export", folder)
    assert outcome.code == 2
    assert "other.nir: fc_neuron has spikes of (4, 1, 100) (images, timesteps, ne" in outcome.err
    strange = nir.NIRGraphData({"a": changed(folder, lambda spikes: spikes).nodes["fc_neuron"]})
    nir.write_data(folder / "other.nir", strange)
    outcome = autosnn("check-export", folder)
    assert outcome.code == 2
    assert "other.nir: it has none of the nodes fc_neuron, " in outcome.err


def test_there_must_be_something_to_compare(folder: Path, finished: Path, autosnn: Autosnn) -> None:
    (folder / "network.nir").write_text("not a recording")
    outcome = autosnn("check-export", folder)
    assert outcome.code == 2
    assert "has no other recording; let a reader write its spikes" in outcome.err
    outcome = autosnn("check-export", finished)
    assert outcome.code == 2
    assert "has no recording.nir; make it with autosnn export" in outcome.err


def test_a_path_of_the_supernet_is_written(
    finished: Path, tmp_path: Path, autosnn: Autosnn
) -> None:
    outcome = autosnn("export", finished, "--blocks", SKIPS, "--output", tmp_path / "new/path")
    assert (outcome.code, outcome.err) == (0, "")
    assert nir.read(tmp_path / "new/path/network.nir").metadata["blocks"] == SKIPS.replace(
        ",", ", "
    )


def test_it_is_written_to_the_run_itself(run: Path, autosnn: Autosnn) -> None:
    assert autosnn("export", run / "retrained.ckpt").code == 0
    assert (run / "export/network.nir").exists()


def test_what_cant_be_written_is_refused_before_anything_is(
    finished: Path,
    make_run: Callable[..., Path],
    tiny: tuple[str, ...],
    tmp_path: Path,
    autosnn: Autosnn,
) -> None:
    relus = make_run("train", "--neuron", "ANN", "--blocks", SKIPS, *tiny)
    for arguments, message in (
        ((relus,), "a network without spiking neurons can't be exported"),
        ((finished, "--format", "nri"), "unknown format 'nri'; did you mean 'nir'?"),
        ((tmp_path / "nowhere",), "nowhere"),
        ((), "Missing argument: a run's folder or a checkpoint"),
        ((finished, "--network", "AutoSNN-0"), "a run has its own weights"),
    ):
        outcome = autosnn("export", *arguments, "--output", tmp_path / "export")
        assert outcome.code == 2
        assert message in outcome.err
        assert not (tmp_path / "export").exists()
