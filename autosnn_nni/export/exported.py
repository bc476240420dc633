"""What an export is made of."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from autosnn_nni.data import Batches, DataSet
from autosnn_nni.export.convert import graph_of
from autosnn_nni.export.graph import Graph
from autosnn_nni.export.quantised import quantised
from autosnn_nni.scoring.evaluation import Evaluation, evaluate
from autosnn_nni.search_spaces import Architecture, NetworkConfig, SpikingNetwork, to_text
from autosnn_nni.version import __version__

#: Test images whose spikes are recorded.
RECORDED = 4
#: Test images that are evaluated at once.
_BATCH = 128


@dataclass(frozen=True, eq=False)
class Exported:
    """A trained network to be written: in eval mode, with the batch norm it is tested with.

    ``bits`` is the number of those of its weights, if they are quantised.
    """

    network: SpikingNetwork
    config: NetworkConfig
    blocks: Architecture
    dataset: DataSet
    bits: int | None = None

    def quantised(self, bits: int) -> "Exported":
        """The same with weights of so many bits; raises :class:`UserError` if that can't be."""
        return replace(self, network=quantised(self.network, bits), bits=bits)

    def tested(self) -> Evaluation:
        """Results of the network, as it is, on the test split."""
        weight = self.network.fc.linear.weight
        test, device = self.dataset.test, str(weight.device)
        batches = Batches(test, self.dataset, batch_size=_BATCH, device=device)
        return evaluate(self.network, ((x.to(weight), labels) for x, labels in batches))

    @cached_property
    def graph(self) -> Graph:
        """The network as a graph; raises :class:`UserError` if it can't be one."""
        return graph_of(self.network, self.config)

    @property
    def rows(self) -> Tensor:
        """The numbers of the first test images."""
        return torch.arange(min(RECORDED, len(self.dataset.test)))

    @property
    def images(self) -> Tensor:
        """The first test images as the network gets them, in the type of its weights."""
        images = self.dataset.test.subset(self.rows)
        ((batch, _),) = Batches(images, self.dataset, batch_size=RECORDED, device="cpu")
        return batch.to(self.network.fc.linear.weight)

    @cached_property
    def network_id(self) -> str:
        """A checksum of the weights and of T, by which recordings tell whose they are."""
        digest = hashlib.sha256(str(self.graph.timesteps).encode())
        for name, value in self.network.state_dict().items():
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def about(self) -> dict[str, str]:
        """Where the network comes from, and how its images were normalised."""
        return {
            "made_by": f"autosnn-nni {__version__}",
            "network_id": self.network_id,
            "space": self.config.space,
            "blocks": to_text(self.blocks),
            "channels": str(self.config.channels),
            "neuron": self.config.neuron,
            "dataset": self.dataset.name,
            "normalisation": self._normalisation,
            **({} if self.bits is None else {"weight_bits": str(self.bits)}),
        }

    @property
    def _normalisation(self) -> str:
        if self.dataset.events:
            return "none: numbers of events"
        mean, std = (", ".join(map(repr, one)) for one in (self.dataset.mean, self.dataset.std))
        return f"(pixel / 255 - mean) / std for each channel, mean {mean}, std {std}"
