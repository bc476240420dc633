"""Earlier names of modules that NNI's stored experiments refer to."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

#: NNI writes the class paths of evaluators and models into every experiment.
MOVED = {
    "autosnn_nni.evaluators": "autosnn_nni.nas.evaluators",
    "autosnn_nni.trial_engine": "autosnn_nni.nas.trial_engine",
    "autosnn_nni.trial_evaluator": "autosnn_nni.nas.trial_evaluator",
    "autosnn_nni.training_free": "autosnn_nni.nas.training_free",
}


class _MovedModules(MetaPathFinder, Loader):
    """Import hook from earlier module names to the current ones."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Put the current module into ``sys.modules``, from where Python takes it afterwards."""
        sys.modules[module.__name__] = import_module(MOVED[module.__name__])


def find_moved_modules() -> None:
    """Make imports of earlier names work; called once when the package is imported."""
    sys.meta_path.append(_MovedModules())
