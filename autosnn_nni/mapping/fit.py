"""Whether a network fits a chip, and if not, why."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from autosnn_nni.chips import CHIPS, Chip, Cores
from autosnn_nni.errors import UserError
from autosnn_nni.export import Graph, graph_of
from autosnn_nni.mapping.layers import Layer, Mapping
from autosnn_nni.search_spaces import NetworkConfig, build_network

#: So many layers with the same problem are named.
_NAMED = 3


@dataclass(frozen=True)
class Fit:
    """How a network fits a chip; it does if there are no ``problems``.

    ``layers`` are those on the chip, in order, and ``cores`` how many cores each needs; ``host``
    are the names of what the chip's host computes. ``illegal`` ones can't be mapped wherever they
    are, with whatever other layers.
    """

    problems: tuple[str, ...]
    layers: tuple[Layer, ...] = ()
    cores: tuple[int, ...] = ()
    host: tuple[str, ...] = ()
    illegal: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it fits."""
        return not self.problems


def fits_of(
    config: NetworkConfig, blocks: Sequence[str], names: Iterable[str], *, pixels: bool
) -> dict[str, Fit]:
    """How the architecture ``blocks`` fits each of the chips; weights don't matter.

    ``pixels`` tells images from events, which are spikes.
    """
    chips = {name: CHIPS[name] for name in names}
    own, blocks = config.stand_alone(blocks)
    try:
        graph = graph_of(build_network(own, blocks).eval(), own)
    except UserError as error:
        return dict.fromkeys(chips, Fit((str(error),)))
    return {name: fit(graph, chip, pixels=pixels) for name, chip in chips.items()}


def fit_of(config: NetworkConfig, blocks: Sequence[str], name: str, *, pixels: bool) -> Fit:
    """The same for one chip."""
    return fits_of(config, blocks, [name], pixels=pixels)[name]


def fit(graph: Graph, chip: Chip, *, pixels: bool) -> Fit:
    """How a network's graph fits ``chip``."""
    mapped = Mapping(graph, chip, pixels=pixels).result()
    place = _by_layer if chip.layer_per_core else _spread
    cores, problems = place(mapped.layers, chip)
    known = (f"{problem} ({_named(names)})" for problem, names in mapped.problems.items())
    return Fit((*known, *problems), mapped.layers, cores, mapped.host, mapped.illegal)


def _named(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    first, more = ", ".join(names[:_NAMED]), len(names) - _NAMED
    return f"{first} and {more} more" if more > 0 else first


def _by_layer(layers: Sequence[Layer], chip: Chip) -> tuple[tuple[int, ...], list[str]]:
    """Each layer has a core for itself."""
    from scipy.sparse import csr_array  # late, because it takes half a second
    from scipy.sparse.csgraph import maximum_bipartite_matching

    kinds = [kind for kind in chip.cores for _ in range(kind.count)]
    needs = [needed(layer, chip) for layer in layers]
    possible = np.array([[_has_room(kind, *need) for kind in kinds] for need in needs])
    ones = tuple(1 for _ in layers)
    problems = [
        f"{layer.name}: {weights:,} weights and {neurons:,} neurons, for which no core has room"
        for layer, (neurons, weights), row in zip(layers, needs, possible, strict=True)
        if not row.any()
    ]
    if len(layers) > len(kinds):
        problems.append(f"{len(layers)} layers, but {len(kinds)} cores")
    elif layers and not problems:
        matched = maximum_bipartite_matching(csr_array(possible), perm_type="column")
        if (matched < 0).any():
            problems.append("each layer has room in some core, but not all of them at once")
    return ones, problems


def needed(layer: Layer, chip: Chip) -> tuple[int, int]:
    """Neurons and weights of a layer, as ``chip`` counts them."""
    if chip.layer_per_core:
        return layer.padded_neurons, layer.padded_weights
    return layer.neurons, layer.weights if chip.shared_weights else layer.connections


def _has_room(kind: Cores, neurons: int, weights: int) -> bool:
    return neurons <= kind.neurons and weights <= kind.weights


def _spread(layers: Sequence[Layer], chip: Chip) -> tuple[tuple[int, ...], list[str]]:
    """A layer is spread over cores: so many as it needs at least."""
    (kind,) = chip.cores
    cores = tuple(_cores(layer, kind, chip) for layer in layers)
    total = sum(cores)
    return cores, [f"it needs {total} cores, but there are {kind.count}"] * (total > kind.count)


def _cores(layer: Layer, kind: Cores, chip: Chip) -> int:
    neurons, weights = needed(layer, chip)
    memory = weights * chip.weight_bits / 8 + neurons * chip.potential
    shares = [neurons / kind.neurons, memory / kind.weights]
    if kind.axons is not None:
        shares.extend((layer.inputs / kind.axons, neurons / kind.axons))
    return max(1, *map(math.ceil, shares))
