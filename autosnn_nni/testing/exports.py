"""What a format of exports must hold."""

from pathlib import Path

import pytest
import torch

from autosnn_nni.errors import UserError
from autosnn_nni.export import EXPORTS
from autosnn_nni.testing.contract import Contract
from autosnn_nni.testing.samples import exported


class ExportContract(Contract):
    """Files where they belong, and a network that is left as it was."""

    def test_it_writes_the_files_that_it_names(self, name: str, tmp_path: Path) -> None:
        """All of them are in the folder, and there is nothing else."""
        folder = tmp_path / "new"
        folder.mkdir()
        paths = EXPORTS[name](exported(), folder)
        assert paths
        assert sorted(paths) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
        assert all(path.stat().st_size > 0 for path in paths)

    def test_it_leaves_the_network_as_it_was(self, name: str, tmp_path: Path) -> None:
        """Its weights, its mode and its votes."""
        found = exported()
        inputs = found.images
        before = {key: value.clone() for key, value in found.network.state_dict().items()}
        with torch.no_grad():
            votes = found.network(inputs)
        EXPORTS[name](found, tmp_path)
        after = found.network.state_dict()
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)
        assert not found.network.training
        with torch.no_grad():
            assert torch.equal(found.network(inputs), votes)

    def test_it_refuses_networks_that_send_no_spikes(self, name: str, tmp_path: Path) -> None:
        """In one line, and leaves nothing behind."""
        with pytest.raises(UserError) as caught:
            EXPORTS[name](exported(neuron="ANN"), tmp_path)
        assert "\n" not in str(caught.value)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
