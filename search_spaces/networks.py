"""Networks by name: those made by hand, and the architectures that the paper's searches have found.

A new one is one ``NETWORKS.add`` line.
"""

from dataclasses import dataclass

from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces.architecture import Architecture, from_text
from autosnn_nni.search_spaces.macros import MACROS


@dataclass(frozen=True)
class Network:
    """A macro architecture by name, and the blocks that fill it."""

    space: str
    blocks: Architecture = ()


NETWORKS: Registry[Network] = Registry("network")

for _name, _macro in MACROS.items():
    if not _macro.tbd_blocks:
        NETWORKS.add(_name, Network(_name))

#: Found on SNN_1 by the evolution with this lambda (Figure 11), without spiking neurons (Figure 12,
#: Table 7), and by the random search on the same supernet (Table 5).
_FOUND = {
    "AutoSNN-0": "SRB_k5,SRB_k5,SRB_k5,SCB_k5,SRB_k5",
    "AutoSNN-0.08": "SRB_k5,SRB_k5,skip,SRB_k3,SRB_k5",
    "AutoSNN-0.16": "SRB_k5,SRB_k5,skip,SRB_k5,SRB_k5",
    "AutoSNN-0.24": "skip,SRB_k5,skip,SCB_k5,SRB_k5",
    "AutoSNN-ANN": "SRB_k5,SRB_k3,SCB_k3,SCB_k5,SRB_k5",
    "WS-random-0": "SCB_k5,SCB_k5,SRB_k5,SCB_k5,SRB_k5",
    "WS-random-0.08": "SRB_k5,SRB_k5,SRB_k3,SCB_k3,SRB_k5",
}

for _name, _blocks in _FOUND.items():
    NETWORKS.add(_name, Network("SNN_1", from_text(_blocks)))
