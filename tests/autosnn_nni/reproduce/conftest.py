"""A recipe of four trainings that takes seconds, and where it has been run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RECIPE = """
title: Two spaces
figure: bubbles
seeds: [0, 1]
settings: {dataset: CIFAR10, channels: 16, timesteps: 8, retrain_epochs: 600}
smoke: {seeds: [0, 1]}
rows:
  - {name: one, space: SNN_1, blocks: SCB_k3, paper: {accuracy: 86.93, spikes: 154}}
  - {name: two, network: CIFARNet-Fang, paper: {accuracy: 80.82, parameters: 0.16}}
"""


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "own.yml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def reproduced(
    tmp_path_factory: pytest.TempPathFactory, recipe_file: Path, autosnn: Callable[..., Any]
) -> tuple[Path, Any]:
    """The folder of the recipe's results, and what the command has printed."""
    folder = tmp_path_factory.mktemp("reproduced")
    outcome = autosnn("reproduce", recipe_file, "--scale", "smoke", "--output", folder)
    assert outcome.code == 0, outcome.err
    return folder / "smoke", outcome
