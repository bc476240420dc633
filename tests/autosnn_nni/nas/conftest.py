from pathlib import Path

import pytest
from nni.tools.nnictl.config_utils import Experiments


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of experiments that start in this process."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("NNI_CONFIG_DIR", str(tmp_path_factory.mktemp("nni")))
    # NNI looks where its list of experiments lies when it is imported.
    manifest = (str(folder / "nni-experiments"),)
    monkeypatch.setattr(Experiments.__init__, "__defaults__", manifest)
    return folder
