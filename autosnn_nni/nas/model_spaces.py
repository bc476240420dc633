"""NNI's format of models in this process, with a defect of its own handled."""

from typing import Any

from nni.nas.space import RawFormatModelSpace


class OwnSamples:
    """Every frozen model has a sample of its own: NNI's GridSearch goes on to change its one."""

    def freeze(self, sample: Any) -> Any:
        """Freeze with a copy of ``sample``."""
        frozen: Any = super()
        return frozen.freeze(dict(sample))


class InProcessModelSpace(OwnSamples, RawFormatModelSpace):
    """Models as they are, evaluated in this process."""
