"""Which network fits which chip: facts about chips, what may be mapped, and how much fits."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
