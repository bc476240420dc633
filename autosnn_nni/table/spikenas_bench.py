"""SpikeNAS-Bench (Sun et al. 2025), read from a user's own copy: nothing of it is in this package.

A cell has six edges, each with one of five operations: 15,625 networks on CIFAR-10, one training
each. There are no counts of spikes: in their place is the firing rate of all neurons.
"""

import re
from functools import cached_property
from pathlib import Path

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture, to_text
from autosnn_nni.strategies import Choices
from autosnn_nni.table.table import Entry, Measured, Tabular

#: None, the identity, and a 3x3 convolution behind neurons with a low, middle or high threshold.
OPERATIONS = ("zeroize", "skip", "conv_low", "conv_middle", "conv_high")
_EDGES = 6
_FILE = "train_process.txt"


class SpikeNASBench(Tabular):
    """The networks in ``folder``, which has one folder for each: ``0/train_process.txt``, ...

    Edges are in the order of the files' numbers: 0-1, 0-2, 0-3, 1-2, 1-3, 2-3. Raises
    :class:`UserError` if the folder is another one.
    """

    seeds = 1
    has_scores = False
    choices = Choices([OPERATIONS] * _EDGES)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not self.is_in(folder):
            raise UserError(f"{folder} is no SpikeNAS-Bench; it should have folders 0, 1, ...")
        self._read: dict[Architecture, _Log] = {}

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether a folder looks like a copy."""
        return (folder / "0" / _FILE).is_file()

    @cached_property
    def architectures(self) -> list[Architecture]:
        """Those that are in the folder."""
        numbers = sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())
        return [_architecture(number) for number in numbers if number < self.choices.size]

    def _find(
        self, blocks: Architecture, seed: int | None, epoch: float | None, timesteps: int | None
    ) -> Entry:
        """Accuracies, and the firing rate in place of all counts."""
        if seed not in (None, 0) or timesteps is not None:
            raise UserError("SpikeNAS-Bench has one seed and one number of timesteps")
        log = self._log(blocks)
        last = len(log.val_accuracies)
        at = last if epoch is None else int(epoch)
        if not 1 <= at <= last or (epoch is not None and at != epoch):
            raise UserError(f"{to_text(blocks)} has epochs 1 to {last}, not {epoch:g}")
        return Entry(
            (0,),
            log.seconds * at / last,
            _measured(log.val_accuracies[at - 1], log.firing_rate),
            _measured(log.test_accuracy, log.firing_rate) if at == last else None,
            log.parameters if at == last else None,
            None,
        )

    def _log(self, blocks: Architecture) -> "_Log":
        if blocks not in self._read:
            self._read[blocks] = _Log(self.folder / str(_number(blocks)) / _FILE)
        return self._read[blocks]


class _Log:
    """One network's file; raises :class:`UserError` if it is not as it should be."""

    def __init__(self, path: Path) -> None:
        try:
            _, parameters, _, *epochs, test, rates, time = path.read_text().splitlines()
            self.parameters = int(parameters.split(":")[1])
            self.val_accuracies = [float(line.split(",")[3]) / 100 for line in epochs]
            self.test_accuracy = float(test.split(":")[1]) / 100
            self.firing_rate = float(rates.split(":")[1].split(",")[-1])
            hours, minutes, seconds = map(float, re.findall(r"[\d.]+", time))
            self.seconds = 3600 * hours + 60 * minutes + seconds
        except (OSError, ValueError, IndexError) as error:
            raise UserError(f"{path} is no network of SpikeNAS-Bench ({error})") from error


def _measured(accuracy: float, firing_rate: float) -> Measured:
    return Measured(accuracy, firing_rate, firing_rate, firing_rate)


def _architecture(number: int) -> Architecture:
    """The operations that are the digits of ``number``, the lowest first."""
    base = len(OPERATIONS)
    return tuple(OPERATIONS[number // base**edge % base] for edge in range(_EDGES))


def _number(blocks: Architecture) -> int:
    if len(blocks) != _EDGES or not set(blocks) <= set(OPERATIONS):
        raise UserError(
            f"{to_text(blocks)} is no network of SpikeNAS-Bench; give {_EDGES} of "
            f"{', '.join(OPERATIONS)}"
        )
    return sum(
        OPERATIONS.index(block) * len(OPERATIONS) ** edge for edge, block in enumerate(blocks)
    )
