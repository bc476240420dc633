"""A tiny trained network, and a folder of weights to which it has been added."""

from collections.abc import Callable
from pathlib import Path

import pytest

from autosnn_nni.pretrained.add import add

NETWORK = ("--network", "AutoSNN-0.08")


@pytest.fixture(scope="session")
def trained(make_run: Callable[..., Path], tiny: tuple[str, ...]) -> Path:
    """The folder of its training, to be read only."""
    return make_run("train", *NETWORK, *tiny)


@pytest.fixture(scope="session")
def added(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of weights, to be read only."""
    folder = tmp_path_factory.mktemp("pretrained")
    add(trained, folder)
    return folder
