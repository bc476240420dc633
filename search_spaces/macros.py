"""Macro architectures by name: search spaces and hand-made networks.

To add one, declare it in one ``MACROS.add`` line. Hand-made networks have no TBD blocks; like the
search spaces they begin with a convolution to C channels (3x3 by default) and end with a voting
layer.
"""

from dataclasses import replace
from typing import Any

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.cell import (
    BACKWARD,
    FORWARD,
    OPERATIONS,
    Activation,
    Cell,
    Reduction,
)
from autosnn_nni.search_spaces.macro import Macro
from autosnn_nni.search_spaces.stages import TBD, Fixed, FullyConnected, GlobalPool, Pool, Stage

MACROS: Registry[Macro] = Registry("space")

_MAX, _AVERAGE, _MEAN, _SUM = Pool("max"), Pool("average"), Pool("mean"), Pool("sum")


def _tbd(*widths: int) -> tuple[Stage, ...]:
    return tuple(TBD(width) for width in widths)


def _conv(*widths: int) -> tuple[Stage, ...]:
    return tuple(Fixed("conv_k3", width) for width in widths)


def _srb(*widths: int) -> tuple[Stage, ...]:
    return tuple(Fixed("SRB_k3", width) for width in widths)


def _halving(width: int) -> Stage:
    return Fixed("SRB_k3", width, stride=2)


def _by_hand(*stages: Stage, **options: Any) -> Macro:
    return Macro(stages, stem=(), **options)


def _snn(pool: Pool) -> tuple[Stage, ...]:
    return (*_tbd(1), pool, *_tbd(2, 2), pool, *_tbd(4, 4), pool)


# Figure 7.
MACROS.add("SNN_1", Macro(_snn(_MAX)))
MACROS.add("SNN_2", Macro((*_snn(_MAX), GlobalPool())))
MACROS.add(
    "SNN_3", Macro((TBD(1), TBD(2, 2), *_tbd(2, 2), TBD(4, 2), *_tbd(4, 4), TBD(8, stride=2)))
)
MACROS.add("SNN_4", Macro(_snn(_AVERAGE)))

# Table 6: one more TBD block before each pool. The other space of eight blocks there is SNN_3.
MACROS.add("SNN_1_8", Macro((*_tbd(1, 1), _MAX, *_tbd(2, 2, 2), _MAX, *_tbd(4, 4, 4), _MAX)))

# For chips like Speck: no residual blocks, all spikes of a pool's window are passed on, and one
# neuron votes for each class.
MACROS.add("Speck", Macro(_snn(_SUM), voters=1, candidates=("skip", "SCB_k3", "SCB_k5")))

# Tables 3 and 4: networks of Wu et al. 2019, Fang et al. 2021, Lee et al. 2020, Zheng et al. 2021.
MACROS.add(
    "CIFARNet-Wu",
    _by_hand(
        *_conv(2),
        _AVERAGE,
        *_conv(4),
        _AVERAGE,
        *_conv(8, 4),
        FullyConnected(8),
        FullyConnected(4),
    ),
)
MACROS.add(
    "CIFARNet-Fang",
    _by_hand(*_conv(1, 1), _MAX, *_conv(1, 1, 1), _MAX, FullyConnected(8)),
)
MACROS.add(
    "ResNet11-Lee",
    _by_hand(_AVERAGE, *_srb(2), _halving(4), *_srb(8), _halving(8), FullyConnected(16)),
)
MACROS.add(
    "ResNet19-Zheng",
    _by_hand(
        *_srb(1, 1, 1),
        _halving(2),
        *_srb(2, 2),
        _halving(4),
        *_srb(4),
        _AVERAGE,
        FullyConnected(2),
    ),
)

# Versions for event data: Fang's with four and with five halvings, Zheng's after the deep stem.
_CONV_POOL = (*_conv(1), _MAX)
MACROS.add("CIFARNet-Fang-DVS4", _by_hand(_MAX, *(_CONV_POOL * 3), FullyConnected(4)))
MACROS.add("CIFARNet-Fang-DVS5", _by_hand(_MAX, *(_CONV_POOL * 4), FullyConnected(4)))
MACROS.add(
    "ResNet17-Zheng-DVS",
    Macro(
        (
            _halving(1),
            *_srb(1, 1),
            _halving(2),
            *_srb(2, 2, 2),
            _AVERAGE,
            FullyConnected(4),
        )
    ),
)

# Table 4, other networks for gestures: He et al. 2020 and Kaiser et al. 2020 (DECOLLE; its layers
# have local losses there), both on frames of 32x32.
MACROS.add(
    "SCNN-He", _by_hand(*_conv(2), _AVERAGE, *_conv(2), _AVERAGE, FullyConnected(4), shrink=4)
)
MACROS.add(
    "DECOLLE-Kaiser",
    _by_hand(_MAX, Fixed("conv_k7", 2), Fixed("conv_k7", 2), _MAX, kernel=7, shrink=4),
)

# Table 11: VGG9 with batch norm through time (Kim and Panda 2020), VGG16 with a single batch norm
# (Kim and Panda 2021). In the originals the input is noise around the image, and the last layer
# never fires.
_VGG9 = (*_conv(1), _MEAN, *_conv(2, 2), _MEAN, *_conv(4, 4, 4), _MEAN)
MACROS.add("VGG9-BNTT", _by_hand(*_VGG9, FullyConnected(16), batch_norm="time"))
MACROS.add(
    "VGG16-SALT",
    _by_hand(
        *(*_VGG9, *_conv(8, 8, 8), _MEAN, *_conv(8, 8, 8), _MEAN),
        FullyConnected(64),
        FullyConnected(64),
        batch_norm="last",
    ),
)

# SNASNet (Kim et al. 2022), with forward connections only and with backward ones too. In the
# authors' code the last layer has no neurons.
_CELLS = (Cell(1), Reduction(2), Cell(2), Activation(), _MEAN, FullyConnected(8))
_SNASNET = Macro(_CELLS, stem=(), currents=True, candidates=FORWARD, blocks=OPERATIONS)
MACROS.add("SNASNet-Fw", _SNASNET)
MACROS.add("SNASNet-Bw", replace(_SNASNET, candidates=FORWARD + BACKWARD))
