"""Objectives by name: what architectures are compared by.

To add one, write a function that makes it, and one ``OBJECTIVES.add`` line. Names may have an
argument: ``energy:loihi``, ``memory:4``.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from autosnn_nni.energy import ENERGY
from autosnn_nni.errors import UserError
from autosnn_nni.numbers import format_quantity
from autosnn_nni.registry import Registry
from autosnn_nni.strategies.measurements import Measurements


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What architectures are compared by.

    ``value`` computes it from what was measured of an architecture; NaN if it is not known.
    ``title`` is the label of plot axes. The ``unit`` of its values is ``""`` for counts, ``"%"``
    for fractions that are shown as percentages, ``"J"``, ``"B"`` or ``"ms"``. If ``maximised``,
    higher values are better. ``higher`` and ``lower`` say in words how a network with such a value
    differs from another. A ``timed`` one needs ``milliseconds``, which are only measured for it.
    ``name`` is set when it is found by its name.
    """

    title: str
    value: Callable[[Measurements], float]
    unit: str = ""
    maximised: bool = False
    higher: str = "higher"
    lower: str = "lower"
    timed: bool = False
    name: str = ""

    def cost(self, one: Measurements) -> float:
        """The value as a cost: lower is better."""
        return -self.value(one) if self.maximised else self.value(one)

    def word(self, is_higher: bool) -> str:
        """What to call a network whose value is higher than another's, or lower."""
        return self.higher if is_higher else self.lower

    @property
    def label(self) -> str:
        """What it is called in a sentence: ``energy (loihi)``."""
        kind, _, argument = self.name.partition(":")
        return f"{kind} ({argument})" if argument else kind

    @property
    def factor(self) -> float:
        """Axes show so many times the value."""
        return 100.0 if self.unit == "%" else 1.0

    def text(self, value: float) -> str:
        """The value with its unit, for people."""
        return format_quantity(value, self.unit)


def accuracy() -> Objective:
    """The share of the images that are classified correctly."""
    return Objective(
        title="accuracy (%)",
        value=lambda one: one.accuracy,
        unit="%",
        maximised=True,
        higher="more accurate",
        lower="less accurate",
    )


def spikes() -> Objective:
    """Spikes per image, summed over timesteps (Eq. 3)."""
    return Objective(
        title="spikes per image",
        value=lambda one: one.spikes,
        higher="more spikes",
        lower="fewer spikes",
    )


def synops() -> Objective:
    """Synaptic operations per image: each spike counts as often as it has targets."""
    return Objective(title="synaptic operations per image", value=lambda one: one.synops)


def energy(model: str = "cmos45") -> Objective:
    """Joules per image by one of the energy models; ``model`` is its name."""
    found = ENERGY[model]
    return Objective(
        title=f"energy per image, {found.title}",
        value=lambda one: found.joules(one.synops, one.macs),
        unit="J",
    )


def parameters() -> Objective:
    """Weights and all else that is trained."""
    return Objective(title="parameters", value=lambda one: one.parameters)


def memory(bits: str = "8") -> Objective:
    """Bytes of all parameters, with so many ``bits`` each."""
    if not bits.isdigit() or not 1 <= int(bits) <= 64:
        raise UserError(f"memory:{bits} must have a number of bits from 1 to 64, as in memory:8")
    return Objective(
        title=f"weight memory at {bits} bits",
        value=lambda one: one.parameters * int(bits) / 8,
        unit="B",
    )


def neurons() -> Objective:
    """Spiking neurons."""
    return Objective(title="neurons", value=lambda one: one.neurons)


def timesteps() -> Objective:
    """The number of timesteps T, which differs if several are searched."""
    return Objective(title="timesteps", value=lambda one: one.timesteps)


def milliseconds() -> Objective:
    """The time of one image on this machine; it differs from one measurement to the next."""
    return Objective(
        title="time of an image (ms)", value=lambda one: one.milliseconds, unit="ms", timed=True
    )


OBJECTIVES: Registry[Callable[..., Objective]] = Registry("objective")
OBJECTIVES.add("accuracy", accuracy)
OBJECTIVES.add("spikes", spikes)
OBJECTIVES.add("synops", synops)
OBJECTIVES.add("energy", energy)
OBJECTIVES.add("parameters", parameters)
OBJECTIVES.add("memory", memory)
OBJECTIVES.add("neurons", neurons)
OBJECTIVES.add("timesteps", timesteps)
OBJECTIVES.add("milliseconds", milliseconds)


def find_objective(name: str) -> Objective:
    """The objective ``name``, with an argument behind a colon or without one.

    Raises :class:`UserError` for an unknown name and for an argument that it does not take.
    """
    kind, colon, argument = name.partition(":")
    make = OBJECTIVES[kind]
    if colon and not inspect.signature(make).parameters:
        raise UserError(f"objective {kind!r} takes no argument; leave out {colon + argument!r}")
    made = make(argument) if colon else make()
    if not isinstance(made, Objective):
        raise UserError(f"objective {kind!r} must be an Objective; let its function return one")
    return replace(made, name=name)


def check_objectives(names: Sequence[str]) -> None:
    """Raise :class:`UserError` unless they are accuracy and others, each of them once."""
    for name in names:
        find_objective(name)
    if "accuracy" not in names or len(names) < 2 or len(set(names)) < len(names):
        raise UserError(
            "objectives must be accuracy and one or more others, each of them once, as in "
            f"accuracy,energy; not {','.join(names)}"
        )


def costs_among(names: Sequence[str]) -> list[Objective]:
    """The objectives among ``names`` without accuracy, in order."""
    return [find_objective(name) for name in names if name != "accuracy"]


ACCURACY, SPIKES = find_objective("accuracy"), find_objective("spikes")
#: The paper's, which are always measured.
BOTH = (ACCURACY, SPIKES)
