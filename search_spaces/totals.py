"""Totals of a part of a network, which add up to those of the whole one."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from torch import Tensor, nn

from autosnn_nni.search_spaces.operations import OperationCounter
from autosnn_nni.search_spaces.spikes import SpikeTotal


@dataclass(frozen=True)
class Totals:
    """What the first part of a network has sent and computed, over all images and timesteps.

    ``outputs`` counts those of neurons. ``averages`` tells whether what the part gives to the next
    one are averages of spikes.
    """

    spikes: Tensor | float = 0.0
    outputs: int = 0
    synops: Tensor | float = 0.0
    macs: Tensor | float = 0.0
    averages: bool = False


class TotalCounter:
    """Counts spikes and operations of one part of a network; used as a context manager.

    ``spiking`` tells whether the whole network has spiking neurons.
    """

    def __init__(self, part: nn.Module, *, spiking: bool) -> None:
        self._spikes = SpikeTotal(part) if spiking else None
        self._operations = OperationCounter(part, spiking=spiking)
        self._contexts = ExitStack()

    def __enter__(self) -> Self:
        for counter in (self._spikes, self._operations):
            if counter is not None:
                self._contexts.enter_context(counter)
        return self

    def __exit__(self, *_: object) -> None:
        self._contexts.close()

    def begin(self, inputs: Sequence[Tensor], before: Totals) -> None:
        """Say what the part gets: the outputs of the one before it, whose totals are ``before``."""
        self._before = before
        self._operations.take_for_averages(inputs if before.averages else ())

    def end(self, outputs: Sequence[Tensor] | Tensor) -> Totals:
        """The totals of the parts so far, this one included.

        It has given ``outputs``: a list of activations, or votes.
        """
        before = self._before
        spikes, neurons = self._spikes.take() if self._spikes else (0.0, 0)
        synops, macs = self._operations.take()
        return Totals(
            before.spikes + spikes,
            before.outputs + neurons,
            before.synops + synops,
            before.macs + macs,
            isinstance(outputs, list) and any(map(self._operations.is_average, outputs)),
        )
