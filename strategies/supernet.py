"""Single-path uniform sampling with paths that a seed reproduces.

NNI's own sampling draws from fresh system entropy at every step, so no run could be repeated or
gone on with. Here the paths of an epoch follow from the seed and the epoch's number. Processes that
train together take their own paths: so many processes make so many fewer steps of an epoch, but it
still has one path per mini-batch.
"""

from random import Random
from typing import Any

from nni.nas.oneshot.pytorch.sampling import RandomSamplingLightningModule
from nni.nas.strategy import RandomOneShot
from pytorch_lightning import LightningModule

from autosnn_nni.search_spaces import to_sample
from autosnn_nni.strategies.choices import Choices


class _SeededPaths(RandomSamplingLightningModule):
    def __init__(self, training_module: LightningModule, choices: Choices, seed: int) -> None:
        super().__init__(training_module)
        self._choices = choices
        self._seed = seed
        self._rng = Random(seed)

    def on_train_epoch_start(self) -> Any:
        trainer = self.trainer
        process = f"/{trainer.global_rank}" if trainer.global_rank else ""
        self._rng.seed(f"{self._seed}/{trainer.current_epoch}{process}")
        return super().on_train_epoch_start()

    def resample(self) -> dict[str, str]:
        sample = to_sample(self._choices.random(self._rng))
        for module in self.supernet_modules():
            module.resample(memo=sample)
        return sample


class UniformPaths(RandomOneShot):
    """NNI's ``RandomOneShot`` (paper Section 4.2) with seeded paths."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def configure_oneshot_module(self, training_module: LightningModule) -> _SeededPaths:
        """NNI's wrapper of the training module, which samples the paths."""
        return _SeededPaths(training_module, Choices.of(self.model_space), self.seed)

    def state_dict(self) -> dict[str, Any]:
        """Nothing for NNI to store: the run directory is the state (NNI saves at the end only)."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to restore from NNI's own store."""
