"""Segments of a supernet, which is cut before every TBD block.

In eval mode, and in train mode on the same batches, a segment's output depends only on the blocks
up to its end, so a prefix that several architectures share has to be computed only once.
"""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikingjelly.activation_based import functional
from torch import Tensor, nn

from autosnn_nni.search_spaces.architecture import TIMESTEPS
from autosnn_nni.search_spaces.network import SpikingNetwork, is_choice, mean_votes, subnet


class Segment(nn.Module):
    """Consecutive stages of a network, run over all timesteps; weights are shared with it.

    Batch norm statistics are a copy. The ``first`` segment begins with the images, the ``last`` one
    ends with the votes.
    """

    def __init__(
        self, network: SpikingNetwork, stages: Sequence[str], *, first: bool, last: bool
    ) -> None:
        super().__init__()
        self.encoder = network.encoder if first else None
        self.layers = nn.Sequential(
            *([network.stem.neuron] if first else []),
            *(network.stages[name] for name in stages),
            *([network.fc] if last else []),
        )
        self.last = last
        self.multi_step = network.multi_step
        shared = {id(weights): weights for weights in self.parameters()}
        self._modules = copy.deepcopy(self._modules, shared)

    def forward(self, x: Any) -> Any:
        """Map a list of activations, one per step, to the list of the segment's outputs.

        A step is ``[N, C, H, W]``; ``multi_step`` networks have a single one, ``[T, N, C, H, W]``.
        The first segment takes images, the last one returns votes ``[N, classes]``.
        """
        steps: Sequence[Tensor] = x if self.encoder is None else self.encoder(x)
        try:
            outputs = map(self.layers, steps)
            if self.last:
                return mean_votes(outputs, multi_step=self.multi_step)
            return list(outputs)
        finally:
            functional.reset_net(self)


@dataclass(frozen=True)
class Cut:
    """A segment's position in the supernet: the labels of its choices, and its stages."""

    labels: tuple[str, ...]
    stages: tuple[str, ...]
    first: bool
    last: bool

    def choice(self, sample: Mapping[str, str]) -> tuple[str, ...]:
        """The choices of ``sample`` in this segment."""
        return tuple(sample[label] for label in self.labels)

    def segment(self, supernet: SpikingNetwork, sample: Mapping[str, str]) -> Segment:
        """Make this segment of ``sample``'s network."""
        path = subnet(supernet, sample)
        return Segment(path, self.stages, first=self.first, last=self.last)


def cut(supernet: SpikingNetwork, labels: Collection[str]) -> list[Cut]:
    """Cut a supernet whose choices are ``labels`` into segments, in order.

    Timesteps are chosen in the first one, because all activations and statistics depend on them.
    """
    first = (TIMESTEPS,) if TIMESTEPS in labels else ()
    rows: list[tuple[tuple[str, ...], list[str]]] = [(first, [])]
    for name, stage in supernet.stages.items():
        own = tuple(dict.fromkeys(_labels(name, stage, labels)))
        if own:
            rows.append((own, []))
        rows[-1][1].append(name)
    return [
        Cut(own, tuple(stages), first=place == 0, last=place == len(rows) - 1)
        for place, (own, stages) in enumerate(rows)
    ]


def _labels(name: str, stage: nn.Module, labels: Collection[str]) -> Iterator[str]:
    for path, module in stage.named_modules(prefix=name):
        last = path.rpartition(".")[2]
        if is_choice(last, module, labels):
            yield last
