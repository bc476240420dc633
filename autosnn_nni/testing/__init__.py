"""What the pieces of a plugin must hold, as classes for pytest.

A file of tests subclasses a contract and says the names that the plugin has registered::

    import mine  # registers the block "wide"
    from autosnn_nni.testing import BlockContract


    class TestWide(BlockContract):
        names = ("wide",)

The project's own blocks, spaces and searches are held to the same classes. They need pytest. The
names in ``__init__.pyi`` are imported on first use, because torch and NNI take seconds.
"""

import pkgutil
import sys

import lazy_loader

if pytest := sys.modules.get("pytest"):  # failures show what was compared, as in own tests
    for module in pkgutil.iter_modules(__path__):
        pytest.register_assert_rewrite(f"{__name__}.{module.name}")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
