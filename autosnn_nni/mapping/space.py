"""Which architectures of a space fit a chip."""

import itertools
from dataclasses import dataclass
from functools import cache
from random import Random

from autosnn_nni.errors import UserError
from autosnn_nni.mapping.fit import Fit, fit_of
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import Architecture, NetworkConfig
from autosnn_nni.strategies import Choices, Search

#: So many random architectures tell how much of a larger space fits.
_SAMPLE = 250


@dataclass(frozen=True)
class Share:
    """``fitting`` of ``tried`` architectures fit: all of the space, or a random sample."""

    fitting: int
    tried: int
    whole: bool


class Fitting:
    """Tells whether an architecture of ``config`` fits a chip, which takes a tenth of a second.

    What it has found out is kept, and a block that can't be mapped is not tried again in its place.
    """

    def __init__(self, config: NetworkConfig, chip: str, *, pixels: bool) -> None:
        self.config, self.chip, self.pixels = config, chip, pixels
        self._places = list(config.choices)
        self._known: dict[Architecture, Fit] = {}
        self._illegal: dict[tuple[str, str], Fit] = {}

    def __call__(self, blocks: Architecture) -> bool:
        """Whether it fits."""
        return self.fit(blocks).fits

    def fit(self, blocks: Architecture) -> Fit:
        """How it fits, or a reason why it does not."""
        if blocks not in self._known:
            places = zip(self._places, blocks, strict=True)
            found = next((self._illegal[one] for one in places if one in self._illegal), None)
            self._known[blocks] = found or self._tried(blocks)
        return self._known[blocks]

    def _tried(self, blocks: Architecture) -> Fit:
        found = fit_of(self.config, blocks, self.chip, pixels=self.pixels)
        owners = {name.partition("_")[0] for name in found.illegal}
        for place, block in zip(self._places, blocks, strict=True):
            if place in owners:
                self._illegal[place, block] = found
        return found

    def share(self) -> Share:
        """How much of the space fits; raises :class:`UserError` with a reason if nothing does."""
        choices = Choices(self.config.choices.values())
        whole = choices.size <= _SAMPLE
        drawn = (
            list(itertools.product(*choices))
            if whole
            else choices.unseen(Random(0), _SAMPLE, set())
        )
        fitting = sum(map(self, drawn))
        if not fitting:
            those = f"the {len(drawn)}" if whole else f"{len(drawn)} random"
            why = "; ".join(self.fit(drawn[0]).problems)
            raise UserError(f"none of {those} architectures fits {self.chip}: {why}")
        return Share(fitting, len(drawn), whole)


@cache
def _fitting(config: NetworkConfig, chip: str, pixels: bool) -> Fitting:
    return Fitting(config, chip, pixels=pixels)


def fitting_of(settings: Settings) -> Fitting:
    """Which architectures fit the chip of a run; the same object for the same space and chip."""
    return _fitting(settings.network, str(settings.chip), settings.pixels)


def search_of(settings: Settings) -> Search:
    """The search of a run; with a chip, it proposes only what fits."""
    search = settings.search
    return search if settings.chip is None else search.only(fitting_of(settings))
