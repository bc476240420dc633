from .blocks import BlockContract
from .exports import ExportContract
from .objectives import ObjectiveContract
from .searches import SearchContract
from .spaces import SpaceContract

__all__ = [
    "BlockContract",
    "ExportContract",
    "ObjectiveContract",
    "SearchContract",
    "SpaceContract",
]
