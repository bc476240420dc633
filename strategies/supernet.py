"""Training of the supernet, one path at a time, with paths that a seed reproduces.

NNI's own sampling draws from new system entropy at every step, so runs could be neither repeated
nor resumed. Here the paths of an epoch depend on the seed and the epoch number. Processes that
train together use different paths: n processes need 1/n of the steps per epoch, and there is still
one path per mini-batch.
"""

import itertools
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from nni.nas.oneshot.pytorch.sampling import RandomSamplingLightningModule
from nni.nas.strategy import RandomOneShot
from pytorch_lightning import LightningModule
from torch import Tensor

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import Architecture, to_sample
from autosnn_nni.strategies.sampling import SAMPLINGS, Sampling


class _SeededPaths(RandomSamplingLightningModule):
    """Trains one path on every batch of the loader; ``per_step`` batches make an optimiser step."""

    def __init__(self, training_module: LightningModule, sampling: Sampling, seed: int) -> None:
        super().__init__(training_module)
        self._sampling = sampling
        self._seed = seed
        self._paths: Iterator[Architecture] = iter(())  # none before an epoch begins
        self._teacher_votes: Tensor | None = None

    def setup(self, stage: str) -> None:
        """Let Lightning accumulate the gradients of a step's paths, and count the steps by it."""
        self.trainer.accumulate_grad_batches = self._sampling.per_step
        super().setup(stage)

    def on_train_epoch_start(self) -> Any:
        trainer = self.trainer
        process = f"/{trainer.global_rank}" if trainer.global_rank else ""
        self._paths = self._sampling.paths(Random(f"{self._seed}/{trainer.current_epoch}{process}"))
        return super().on_train_epoch_start()

    def resample(self) -> dict[str, str]:
        sample = to_sample(next(self._paths))
        for module in self.supernet_modules():
            module.resample(memo=sample)
        return sample

    def training_step(self, batch: Any, batch_index: int) -> Any:
        if not self._sampling.distils:
            return super().training_step(batch, batch_index)
        if batch_index % self._sampling.per_step:
            return super().training_step((*batch, self._teacher_votes), batch_index)
        outputs = super().training_step(batch, batch_index)
        self._teacher_votes = outputs["votes"]
        return outputs


class SinglePathOneShot(RandomOneShot):
    """NNI's ``RandomOneShot`` with seeded paths (paper Section 4.2).

    ``sampling`` is one of ``SAMPLINGS``. If it distils, the training module gets batches of images,
    labels and a teacher's votes, and returns its own as ``votes``. Raises :class:`UserError` for an
    unknown sampling, and for several processes if a step trains several paths.
    """

    def __init__(self, seed: int = 0, sampling: str = "uniform") -> None:
        super().__init__()
        self.seed = seed
        self.sampling = SAMPLINGS[sampling]

    def configure_oneshot_module(self, training_module: LightningModule) -> _SeededPaths:
        """Wrap the training module in the module that samples the paths."""
        sampling, trainer = self._sampling(), self.model_space.evaluator.trainer
        if sampling.per_step > 1 and trainer.num_devices * trainer.num_nodes > 1:
            # torch would not exchange the gradients of blocks outside a step's last path.
            raise UserError("several processes need --sampling uniform; use it or a single process")
        return _SeededPaths(training_module, sampling, self.seed)

    def train_dataloader(
        self, train_dataloader_fn: Callable[[], Any], val_dataloader_fn: Callable[[], Any]
    ) -> Any:
        """Repeat every batch once per path of a step."""
        batches, times = train_dataloader_fn(), self._sampling().per_step
        return batches if times == 1 else _Repeated(batches, times)

    def _sampling(self) -> Sampling:
        return self.sampling(self.model_space.model_space)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the state is in the run directory, because NNI only saves at the end."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to restore from NNI's own store."""


class _Repeated:
    """Batches, each repeated ``times`` times in a row."""

    def __init__(self, batches: Any, times: int) -> None:
        self.batches = batches
        self.times = times

    def __len__(self) -> int:
        return len(self.batches) * self.times

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches:
            yield from itertools.repeat(batch, self.times)
