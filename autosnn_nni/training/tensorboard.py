"""A training in TensorBoard, epoch by epoch: loss, accuracy, spikes, and those of every layer."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import TensorBoardLogger

from autosnn_nni.search_spaces.spikes import SpikeCounter


def board_of(checkpoint: Path, folder: Path) -> TensorBoardLogger:
    """Lightning's logger in ``folder``, under the name of the ``checkpoint`` beside that folder.

    That of ``runs/a/baselines/SCB_k3/retrained.ckpt`` in ``runs/a/tensorboard`` is
    ``baselines/SCB_k3/retrained``.
    """
    name = checkpoint.relative_to(folder.parent).with_suffix("")
    return TensorBoardLogger(folder, name=str(name), version="")


class OnBoard(Callback):
    """Logs the last of a training curve's ``rows()``, and spikes and firing rate of every layer.

    Spikes are per image, summed over all timesteps, means over the images of the epoch. A supernet
    trains other layers with every batch: there ``by_layer`` is to be false.
    """

    def __init__(
        self, rows: Callable[[], Sequence[Mapping[str, float]]], *, by_layer: bool
    ) -> None:
        self._rows = rows
        self._by_layer = by_layer
        self._watching = ExitStack()
        self._counter: SpikeCounter | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count."""
        if self._by_layer:
            model: Any = pl_module.model
            self._counter = self._watching.enter_context(SpikeCounter(model))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the epoch."""
        self._watching.close()
        *_, row = self._rows()
        values = {name: row[name] for name in ("loss", "accuracy", "spikes")}
        for one in self._counter.layers() if self._counter else ():
            values[f"spikes of layers/{one.name}"] = one.spikes
            values[f"firing rates of layers/{one.name}"] = one.firing_rate
        if trainer.logger is not None:
            trainer.logger.log_metrics(values, step=int(row["epoch"]) + 1)
            trainer.logger.save()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop counting."""
        self._watching.close()
