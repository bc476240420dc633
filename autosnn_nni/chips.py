"""Facts about chips, each with its source and date.

To add a chip, write one ``CHIPS.add`` line.
"""

from dataclasses import dataclass

from autosnn_nni.errors import UserError
from autosnn_nni.registry import Registry

_KI = 1024


@dataclass(frozen=True, kw_only=True)
class Cores:
    """Equal cores: ``count`` of them, each with so many neurons and so much memory for weights.

    Memories are in bytes, for weights of the chip's number of bits. ``axons`` is how many different
    neurons may send spikes to a core.
    """

    count: int
    neurons: int
    weights: int
    axons: int | None = None


@dataclass(frozen=True, kw_only=True)
class Chip:
    """What can be mapped to a chip, and how much of it.

    ``date`` is when the ``source`` was published; of documentation, when the facts were taken down.

    If a ``layer_per_core`` is the rule, a layer with its neurons has a core for itself; else it is
    spread over as many cores as it needs. With ``shared_weights`` a core holds a convolution's
    kernel once, otherwise a weight for every connection. ``leaks``, ``max_pools`` and ``sums`` (of
    several layers' currents) say what neurons can do. ``None`` stands for no limit: on the side of
    a kernel and of a layer's input, its channels, the strides, the sides of sum-pools, and to how
    many layers a layer may send (``fan_out``). ``potential`` is the memory of a neuron that lies
    beside the weights, in bytes. ``approximate`` records hold less than the whole truth. Raises
    :class:`UserError` for several kinds of cores over which layers are to be spread.
    """

    title: str
    source: str
    date: str
    cores: tuple[Cores, ...]
    layer_per_core: bool = False
    shared_weights: bool = True
    weight_bits: int = 8
    potential: int = 0
    neurons: bool = True
    leaks: bool = True
    max_pools: bool = True
    sums: bool = True
    kernel: int | None = None
    side: int | None = None
    channels: int | None = None
    strides: tuple[int, ...] | None = None
    pools: tuple[int, ...] | None = None
    fan_out: int | None = None
    approximate: bool = False

    def __post_init__(self) -> None:
        if len(self.cores) != 1 and not self.layer_per_core:
            raise UserError(
                f"chip {self.title!r} has {len(self.cores)} kinds of cores; without layer_per_core "
                "give one"
            )

    @property
    def core_count(self) -> int:
        """The number of cores."""
        return sum(kind.count for kind in self.cores)


CHIPS: Registry[Chip] = Registry("chip")
CHIPS.add(
    "speck",
    Chip(
        title="Speck (DYNAP-CNN)",
        source="SynSense's documentation of sinabs-dynapcnn and samna",
        date="2026-11",
        # A weight has 8 bits, a potential 16: memories are in words there.
        cores=(
            Cores(count=3, neurons=64 * _KI, weights=16 * _KI),
            Cores(count=2, neurons=32 * _KI, weights=32 * _KI),
            Cores(count=2, neurons=16 * _KI, weights=64 * _KI),
            Cores(count=2, neurons=16 * _KI, weights=16 * _KI),
        ),
        layer_per_core=True,
        leaks=False,
        max_pools=False,
        sums=False,
        kernel=16,
        side=64,
        channels=1024,
        strides=(1, 2, 4, 8),
        pools=(1, 2, 4),
        fan_out=2,
    ),
)
CHIPS.add(
    "loihi",
    Chip(
        title="Loihi",
        source="Davies et al., IEEE Micro 2018",
        date="2018-01",
        cores=(Cores(count=128, neurons=1024, weights=128 * _KI, axons=4096),),
        shared_weights=False,
    ),
)
CHIPS.add(
    "loihi2",
    Chip(
        title="Loihi 2",
        source="Intel's technology brief; a core's memory from a secondary source",
        date="2021-09",
        cores=(Cores(count=128, neurons=8192, weights=192 * _KI),),
        approximate=True,
    ),
)
CHIPS.add(
    "spinnaker2",
    Chip(
        title="SpiNNaker2",
        source="Gonzalez et al., arXiv 2401.04491",
        date="2024-01",
        # Memory is the limit, not the number of neurons.
        cores=(Cores(count=152, neurons=2**31, weights=128 * _KI),),
        potential=4,
        approximate=True,
    ),
)
CHIPS.add(
    "akida",
    Chip(
        title="Akida 1.0",
        source="BrainChip's documentation of MetaTF",
        date="2026-11",
        cores=(Cores(count=80, neurons=2**31, weights=100 * _KI),),
        neurons=False,
        approximate=True,
    ),
)
