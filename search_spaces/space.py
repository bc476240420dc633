"""NNI's model space of a macro architecture."""

from collections.abc import Callable, Mapping
from typing import Any

from nni.nas.nn.pytorch import LayerChoice, ModelSpace
from torch import Tensor, nn

from autosnn_nni.search_spaces.build import assemble
from autosnn_nni.search_spaces.config import NetworkConfig


class SpikingSpace(ModelSpace):
    """NNI's model space of a macro architecture: one ``LayerChoice`` per TBD block.

    Labels are ``tbd1`` to ``tbdN``, and ``timesteps`` if there are several to choose from.
    Candidates are chosen by name. The keyword arguments are those of :class:`NetworkConfig`.
    """

    def __init__(self, space: str, **config: Any) -> None:
        super().__init__()
        self.config = NetworkConfig(space, **config)
        self.network = assemble(self.config, _layer_choice)

    def forward(self, images: Tensor) -> Tensor:
        """Map images ``[N, C, H, W]`` to mean votes ``[N, classes]``."""
        return self.network(images)


def _layer_choice(label: str, makers: Mapping[str, Callable[[], nn.Module]]) -> nn.Module:
    blocks = {name: make() for name, make in makers.items()}
    return LayerChoice(blocks, label=label)
