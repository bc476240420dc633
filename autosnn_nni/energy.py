"""Energy models by name: what operations cost, and who says so.

To add one, write one ``ENERGY.add`` line. The numbers are those of a chip's or a process's
operations alone. What memory, routing and placement add differs by chip and by network: placement
alone moves a chip's energy by 40 %, so none of these energies is more exact than that.
"""

from dataclasses import dataclass

from autosnn_nni.registry import Registry

_PICO = 1e-12
_SENECA = "table 3 of the SENECA paper (PMC10326429)"


@dataclass(frozen=True)
class EnergyModel:
    """Picojoules of a synaptic operation (AC) and of a multiply-accumulate (MAC).

    ``source`` says where the numbers are from.
    """

    title: str
    synop: float
    mac: float
    source: str

    def joules(self, synops: float, macs: float) -> float:
        """The energy of so many operations, in joules."""
        return _PICO * (self.synop * synops + self.mac * macs)


def _chip(title: str, synop: float) -> EnergyModel:
    """A chip, on which a multiplication is taken for a synaptic operation."""
    return EnergyModel(title, synop, synop, _SENECA)


ENERGY: Registry[EnergyModel] = Registry("energy model")
ENERGY.add(
    "cmos45",
    EnergyModel("45 nm CMOS, 32 bits", 0.9, 4.6, "Horowitz, ISSCC 2014"),
)
ENERGY.add("truenorth", _chip("TrueNorth", 2.5))
ENERGY.add("loihi", _chip("Loihi", 23.6))
ENERGY.add("spinnaker", _chip("SpiNNaker", 45))
ENERGY.add("spinnaker2", _chip("SpiNNaker2", 10))
ENERGY.add("seneca", _chip("SENECA", 2.8))
ENERGY.add("tianjic", _chip("Tianjic", 1.54))
ENERGY.add("odin", _chip("ODIN", 12.7))


def energies(synops: float, macs: float) -> dict[str, float]:
    """The energy of so many operations in joules, by the name of every model."""
    return {name: model.joules(synops, macs) for name, model in ENERGY.items()}
