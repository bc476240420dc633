"""Networks by name: hand-made ones, and what searches found: the paper's, and this package's.

To add one, write one ``NETWORKS.add`` line. A macro architecture without TBD blocks needs none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.architecture import Architecture, from_text
from autosnn_nni.search_spaces.macros import MACROS


@dataclass(frozen=True)
class Network:
    """The name of a macro architecture, and the blocks that fill it."""

    space: str
    blocks: Architecture = ()


class _Networks(Registry[Network]):
    """Those that were added, and every macro architecture without TBD blocks, plugins' too."""

    def __getitem__(self, name: str) -> Network:
        return Network(name) if _is_by_hand(name) else super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        return _is_by_hand(name) or super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        yield from filter(_is_by_hand, MACROS)
        yield from super().__iter__()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_by_hand(name: object) -> bool:
    return name in MACROS and not MACROS[str(name)].tbd_blocks


NETWORKS = _Networks("network", reserved=_is_by_hand, signs="_-.")

#: Architectures found on SNN_1: by evolution with this lambda (Figure 11), without spiking neurons
#: (Figure 12, Table 7), and by random search on the same supernet (Table 5).
_FOUND = {
    "AutoSNN-0": "SRB_k5,SRB_k5,SRB_k5,SCB_k5,SRB_k5",
    "AutoSNN-0.08": "SRB_k5,SRB_k5,skip,SRB_k3,SRB_k5",
    "AutoSNN-0.16": "SRB_k5,SRB_k5,skip,SRB_k5,SRB_k5",
    "AutoSNN-0.24": "skip,SRB_k5,skip,SCB_k5,SRB_k5",
    "AutoSNN-ANN": "SRB_k5,SRB_k3,SCB_k3,SCB_k5,SRB_k5",
    "WS-random-0": "SCB_k5,SCB_k5,SRB_k5,SCB_k5,SRB_k5",
    "WS-random-0.08": "SRB_k5,SRB_k5,SRB_k3,SCB_k3,SRB_k5",
    # By this package on Fashion-MNIST with lambda = 0 (docs/results.md).
    "AutoSNN-Fashion-0": "SRB_k5,SRB_k5,SRB_k3,SCB_k5,SRB_k5",
}

for _name, _blocks in _FOUND.items():
    NETWORKS.add(_name, Network("SNN_1", from_text(_blocks)))
