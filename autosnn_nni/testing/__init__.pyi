from .blocks import BlockContract
from .searches import SearchContract
from .spaces import SpaceContract

__all__ = ["BlockContract", "SearchContract", "SpaceContract"]
