"""The names that options accept, as ``autosnn list`` prints them."""

from collections.abc import Callable, Iterable

from autosnn_nni.chips import CHIPS
from autosnn_nni.data import DATASETS
from autosnn_nni.energy import ENERGY
from autosnn_nni.errors import UserError
from autosnn_nni.export import EXPORTS
from autosnn_nni.pretrained import read_index
from autosnn_nni.reproduce.recipes import recipe_names
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
    "pretrained": lambda: [f"{entry.network} {entry.dataset}" for entry in read_index()],
    "samplings": lambda: SAMPLINGS,
    "losses": lambda: LOSSES,
    "schedules": lambda: SCHEDULES,
    "strategies": lambda: SEARCHES,
    "objectives": lambda: OBJECTIVES,
    "energy-models": lambda: ENERGY,
    "chips": lambda: CHIPS,
    "formats": lambda: EXPORTS,
    "recipes": recipe_names,
}


def names(kind: str) -> Iterable[str]:
    """The registered names of a kind."""
    if kind not in _NAMES:
        raise UserError(f"unknown list {kind!r}; known: {', '.join(_NAMES)}")
    return _NAMES[kind]()
