"""What is checked of a checkpoint from which a training is to be resumed."""

from pathlib import Path

import pytest
import torch

from autosnn_nni.errors import UserError
from autosnn_nni.runs.checks import check_resumed
from autosnn_nni.runs.directory import load_run


def test_a_setting_that_a_checkpoint_lacks_has_its_value_from_before(run: Path) -> None:
    found = load_run(run)
    content = torch.load(found.retrained, weights_only=True)
    del content["autosnn"]["settings"]["batch_norm"]
    torch.save(content, found.retrained)
    about = {key: content["autosnn"][key] for key in ("kind", "blocks", "settings")}
    settings = found.settings.to_json()
    check_resumed(found, {**about, "settings": settings})
    with pytest.raises(UserError, match="batch_norm is timestep there, kept here"):
        check_resumed(found, {**about, "settings": {**settings, "batch_norm": "kept"}})
