"""Networks by name: hand-made ones, and what searches found: the paper's, and this package's.

To add one, write one ``NETWORKS.add`` line. A macro architecture without TBD blocks needs none.
"""

from dataclasses import dataclass

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.architecture import Architecture, from_text
from autosnn_nni.search_spaces.macros import MACROS


@dataclass(frozen=True)
class Network:
    """The name of a macro architecture, and the blocks that fill it."""

    space: str
    blocks: Architecture = ()


NETWORKS: Registry[Network] = Registry("network", signs="_-.")

for _name, _macro in MACROS.items():
    if not _macro.tbd_blocks:
        NETWORKS.add(_name, Network(_name))

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


def find_network(name: str) -> Network:
    """The network of this name, which a plugin may have added as a macro architecture.

    Raises :class:`UserError` if there is none.
    """
    by_hand = name in MACROS and not MACROS[name].tbd_blocks
    return Network(name) if by_hand else NETWORKS[name]
