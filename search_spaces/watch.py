"""Observe layers with hooks while a network runs."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from autosnn_nni.search_spaces.layers import VotingLayer


class Watch(ABC):
    """Context manager that observes layers: ``with SpikeCounter(network) as spikes: ...``."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._hooks: list[RemovableHandle] = []

    @abstractmethod
    def _watch(self) -> Iterator[RemovableHandle]:
        """Register the hooks."""

    def __enter__(self) -> Self:
        self._hooks = list(self._watch())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for hook in self._hooks:
            hook.remove()


class StepVotes(Watch):
    """The votes ``[N, classes]`` of every timestep in a forward pass, differentiable."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.votes: list[Tensor] = []

    def _watch(self) -> Iterator[RemovableHandle]:
        for module in self.network.modules():
            if isinstance(module, VotingLayer):
                yield module.register_forward_hook(self._add)

    def _add(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self.votes.extend(output.unbind() if output.dim() == 3 else [output])
