"""The settings of training."""

from dataclasses import dataclass, replace

from autosnn_nni.scoring.batches import Scoring
from autosnn_nni.scoring.device import torch_device


@dataclass(frozen=True, kw_only=True)
class Training:
    """The settings of training (Section A.1); ``device`` is ``cpu``, ``cuda`` or ``auto``.

    ``loss`` is one of ``LOSSES``; ``spike_regularisation`` is Table 10's lambda_reg, the weight
    of the mean firing rate in it. ``precision`` is ``32``, or ``bf16`` for convolutions and fully
    connected layers in bfloat16. Several ``devices`` train in data-parallel processes
    with ``batch_size`` images each.
    """

    epochs: int
    batch_size: int = 96
    learning_rate: float = 1e-3
    precision: str = "32"
    seed: int = 0
    loss: str = "mse"
    spike_regularisation: float = 0.0
    device: str = "auto"
    devices: int = 1

    def with_epochs(self, epochs: int) -> "Training":
        """Return the same settings with another number of epochs."""
        return replace(self, epochs=epochs)

    @property
    def scoring(self) -> Scoring:
        """Scoring with the same batch size, on the same device."""
        return Scoring(batch_size=self.batch_size, device=self.device)

    @property
    def torch_device(self) -> str:
        """``cpu`` or ``cuda``; raises :class:`UserError` if ``device`` is not available."""
        return torch_device(self.device)
