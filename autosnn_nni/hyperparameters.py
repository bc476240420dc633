"""How networks are trained: the numbers alone."""

from dataclasses import dataclass, replace

import torch

from autosnn_nni.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Training:
    """How networks are trained (Section A.1); ``device`` is ``cpu``, ``cuda`` or ``auto``.

    ``loss`` is one of ``LOSSES``; ``spike_regularisation`` is Table 10's lambda_reg, the mean
    firing rate's weight in it.
    ``precision`` is ``32``, or ``bf16`` for convolutions and fully connected layers in bfloat16.

    Batch norm's statistics are computed anew on ``calibration_batches`` batches of D_train before
    a network is evaluated; 0 keeps those of training. A search scores on the first ``val_images``
    of D_val, by default on all. Several ``devices`` train in data-parallel processes,
    ``batch_size`` images each.
    """

    epochs: int
    batch_size: int = 96
    learning_rate: float = 1e-3
    precision: str = "32"
    seed: int = 0
    loss: str = "mse"
    spike_regularisation: float = 0.0
    calibration_batches: int = 4
    val_images: int | None = None
    device: str = "auto"
    devices: int = 1

    def with_epochs(self, epochs: int) -> "Training":
        """The same for another number of epochs."""
        return replace(self, epochs=epochs)

    @property
    def torch_device(self) -> str:
        """``cpu`` or ``cuda``; raises :class:`UserError` where the one asked for is not there."""
        found = "cuda" if torch.cuda.is_available() else "cpu"
        if self.device not in ("auto", "cpu", "cuda"):
            raise UserError(f"--device must be auto, cpu or cuda, not {self.device!r}")
        if self.device == "cuda" and found != "cuda":
            raise UserError("--device cuda: torch finds no GPU here; use --device cpu")
        return found if self.device == "auto" else self.device
