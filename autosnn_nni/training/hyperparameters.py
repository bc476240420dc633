"""The settings of training."""

from dataclasses import dataclass, replace
from pathlib import Path

from autosnn_nni.errors import UserError
from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.scoring.device import DEVICES, torch_device
from autosnn_nni.training.bounds import AUGMENTATIONS, MAX_LEARNING_RATE, PRECISIONS
from autosnn_nni.training.losses import LOSSES
from autosnn_nni.training.schedules import SCHEDULES


@dataclass(frozen=True, kw_only=True)
class Training:
    """The settings of training (Section A.1); ``device`` is ``cpu``, ``cuda`` or ``auto``.

    ``learning_rate`` is the peak of ``schedule``, one of ``SCHEDULES``, by default the schedule's.
    ``loss`` is one of ``LOSSES``; ``spike_regularisation`` is Table 10's lambda_reg, the weight
    of the mean firing rate in it. ``augmentation`` of images is one of ``AUGMENTATIONS``:
    ``paper``; ``crop``, crops and flips alone; ``flip``; ``none``. ``precision`` is ``32``, or
    ``bf16`` for convolutions and fully connected layers in bfloat16. Several ``devices`` train in
    data-parallel processes with ``batch_size`` images each. ``tensorboard`` is the folder for its
    curves beside the checkpoints' folders, if they are wanted.

    Raises :class:`UserError` that names a value with which nothing can be trained.
    """

    epochs: int
    batch_size: int = 96
    learning_rate: float | None = None
    schedule: str = "constant"
    precision: str = "32"
    seed: int = 0
    loss: str = "mse"
    spike_regularisation: float = 0.0
    augmentation: str = "paper"
    device: str = "auto"
    devices: int = 1
    tensorboard: Path | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "devices"):
            if getattr(self, name) < 1:
                raise UserError(f"Training: {name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.peak_rate <= MAX_LEARNING_RATE:
            raise UserError(
                f"Training: learning_rate must be positive, and at most 1e37, not {self.peak_rate}"
            )
        if self.precision not in PRECISIONS:
            raise UserError(f"Training: precision must be 32 or bf16, not {self.precision!r}")
        if self.device not in DEVICES:
            raise UserError(f"Training: device must be auto, cpu or cuda, not {self.device!r}")
        if self.augmentation not in AUGMENTATIONS:
            raise UserError(
                "Training: augmentation must be paper, crop, flip or none, not "
                f"{self.augmentation!r}"
            )
        LOSSES[self.loss]

    def with_epochs(self, epochs: int) -> "Training":
        """Return the same settings with another number of epochs."""
        return replace(self, epochs=epochs)

    @property
    def peak_rate(self) -> float:
        """The highest learning rate."""
        rate = self.learning_rate
        return SCHEDULES[self.schedule].peak_rate if rate is None else rate

    @property
    def scoring(self) -> Scoring:
        """Scoring with the same batch size, on the same device."""
        return Scoring(batch_size=self.batch_size, device=self.device)

    @property
    def torch_device(self) -> str:
        """``cpu`` or ``cuda``; raises :class:`UserError` if ``device`` is not available."""
        return torch_device(self.device)
