"""The names in all registries, which need torch."""

from collections.abc import Callable, Iterable

from autosnn_nni.chips import CHIPS
from autosnn_nni.data import DATASETS
from autosnn_nni.energy import ENERGY
from autosnn_nni.export import EXPORTS
from autosnn_nni.search_spaces import BLOCKS, MACROS, NETWORKS, NEURONS, OPERATIONS, SURROGATES
from autosnn_nni.strategies import OBJECTIVES, SAMPLINGS, SEARCHES
from autosnn_nni.training.losses import LOSSES
from autosnn_nni.training.schedules import SCHEDULES

_NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "spaces": lambda: [name for name, macro in MACROS.items() if macro.tbd_blocks],
    "blocks": lambda: BLOCKS,
    "operations": lambda: OPERATIONS,
    "networks": lambda: NETWORKS,
    "neurons": lambda: NEURONS,
    "surrogates": lambda: SURROGATES,
    "datasets": lambda: DATASETS,
    "samplings": lambda: SAMPLINGS,
    "losses": lambda: LOSSES,
    "schedules": lambda: SCHEDULES,
    "strategies": lambda: SEARCHES,
    "objectives": lambda: OBJECTIVES,
    "energy-models": lambda: ENERGY,
    "chips": lambda: CHIPS,
    "formats": lambda: EXPORTS,
}


def registered() -> dict[str, list[str]]:
    """The registered names by kind, those of loaded plugins included."""
    return {kind: list(names()) for kind, names in _NAMES.items()}
