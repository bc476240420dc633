"""A network's votes at every timestep."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from autosnn_nni.search_spaces.layers import VotingLayer
from autosnn_nni.search_spaces.spikes import Watch


class StepVotes(Watch):
    """The votes ``[N, classes]`` of every timestep in a forward pass, with their gradient."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.votes: list[Tensor] = []

    def _watch(self) -> Iterator[RemovableHandle]:
        for module in self.network.modules():
            if isinstance(module, VotingLayer):
                yield module.register_forward_hook(self._add)

    def _add(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self.votes.extend(output.unbind() if output.dim() == 3 else [output])
