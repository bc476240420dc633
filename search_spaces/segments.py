"""A supernet cut before every TBD block: architectures that begin alike have segments in common.

In eval mode, and in train mode on the same batches, the activations behind a segment are decided by
the blocks up to there, so that what architectures have in common has to be computed once only.
"""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikingjelly.activation_based import functional
from torch import Tensor, nn

from autosnn_nni.search_spaces.network import SpikingNetwork, mean_votes, subnet


class Segment(nn.Module):
    """Consecutive stages of a network, run over all its timesteps; its weights are the network's.

    Batch norm's statistics are its own, a copy. The ``first`` one begins with the images, the
    ``last`` one ends with the votes.
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
        """Activations at every step to those behind the segment, both lists.

        The steps are ``[N, C, H, W]`` each, or of ``multi_step`` networks a single
        ``[T, N, C, H, W]``. The first segment takes images, the last one gives votes
        ``[N, classes]``.
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
    """One segment's place: the TBD blocks that are decided in it, and its stages."""

    labels: tuple[str, ...]
    stages: tuple[str, ...]
    first: bool
    last: bool

    def choice(self, sample: Mapping[str, str]) -> tuple[str, ...]:
        """What ``sample`` decides in this segment."""
        return tuple(sample[label] for label in self.labels)

    def segment(self, supernet: SpikingNetwork, sample: Mapping[str, str]) -> Segment:
        """The segment of ``sample``'s network."""
        path = subnet(supernet, sample)
        return Segment(path, self.stages, first=self.first, last=self.last)


def cut(supernet: SpikingNetwork, labels: Collection[str]) -> list[Cut]:
    """The segments of a supernet whose TBD blocks are ``labels``, in order."""
    rows: list[tuple[tuple[str, ...], list[str]]] = [((), [])]
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
    for path, _ in stage.named_modules(prefix=name):
        last = path.rpartition(".")[2]
        if last in labels:
            yield last
