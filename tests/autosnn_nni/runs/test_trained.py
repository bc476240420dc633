"""Loading the trained network of a run."""

from pathlib import Path

import pytest
import torch

from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.trained import load_trained

CPU = Machine(device="cpu")


@pytest.mark.parametrize(
    ("file", "setting", "blocks"),
    [
        ("retrained.ckpt", "retrain_epochs", None),
        ("supernet.ckpt", "supernet_epochs", ("skip", "skip", "skip", "skip", "skip")),
    ],
)
def test_weights_of_an_unfinished_training_are_told(
    run: Path,
    caplog: pytest.LogCaptureFixture,
    file: str,
    setting: str,
    blocks: tuple[str, ...] | None,
) -> None:
    load_trained(run, blocks, CPU)
    assert caplog.text == ""
    content = torch.load(run / file, weights_only=True)
    done = content["epoch"] + 1
    content["autosnn"]["settings"][setting] = done + 5
    torch.save(content, run / file)
    load_trained(run, blocks, CPU)
    assert f"{run / file} was trained for {done} of its {done + 5} epochs" in caplog.text
