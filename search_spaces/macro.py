"""Macro architectures by name (paper Figure 7): what is fixed around the TBD blocks.

A new macro architecture is one declaration and one ``MACROS.add`` line.
"""

from dataclasses import dataclass

from autosnn_nni.registry import Registry


@dataclass(frozen=True)
class TBD:
    """A to-be-determined block of ``width`` x C channels."""

    width: int
    stride: int = 1


@dataclass(frozen=True)
class Pool:
    """A 2x2 pooling layer between TBD blocks: ``"max"``, or ``"average"`` followed by neurons.

    An average of spikes is at most 1: a leaky neuron hardly reaches its threshold of 1 on it until
    training has raised its alpha.
    """

    kind: str = "max"


@dataclass(frozen=True)
class Macro:
    """The stages between the stem (conv 3x3 to C channels) and the fully connected layer.

    ``global_pool`` adds a global average pool with neurons before the fully connected layer.
    """

    stages: tuple[TBD | Pool, ...]
    global_pool: bool = False

    @property
    def tbd_blocks(self) -> int:
        """How many blocks are to be determined."""
        return sum(isinstance(stage, TBD) for stage in self.stages)

    def output_side(self, side: int) -> int:
        """The side that is left of an image's: pools round halves down, strides round them up."""
        for stage in self.stages:
            if not isinstance(stage, TBD):
                side //= 2
            elif stage.stride == 2:
                side = (side + 1) // 2
        return side


MACROS: Registry[Macro] = Registry("space")


def _five_blocks(pool: Pool) -> tuple[TBD | Pool, ...]:
    return (TBD(1), pool, TBD(2), TBD(2), pool, TBD(4), TBD(4), pool)


_STRIDED = (TBD(1), TBD(2, 2), TBD(2), TBD(2), TBD(4, 2), TBD(4), TBD(4), TBD(8, 2))

MACROS.add("SNN_1", Macro(_five_blocks(Pool("max"))))
MACROS.add("SNN_2", Macro(_five_blocks(Pool("max")), global_pool=True))
MACROS.add("SNN_3", Macro(_STRIDED))
MACROS.add("SNN_4", Macro(_five_blocks(Pool("average"))))
