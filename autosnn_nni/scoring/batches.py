"""Settings of scoring, and the batches used for it."""

from dataclasses import dataclass
from itertools import islice

from torch import Tensor

from autosnn_nni.data import Batches, Images, Splits
from autosnn_nni.scoring.device import torch_device
from autosnn_nni.search_spaces import SpikingNetwork

Batch = tuple[Tensor, Tensor]

#: Images evaluated at a time, so few that activations stay in the processor's cache.
CPU_CHUNK = 32
#: Batches that are only tested have at least so many pixels: those of 128 images of 32x32.
PIXELS = 2**17


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How networks with given weights are scored; ``device`` is ``cpu``, ``cuda`` or ``auto``.

    Batch norm statistics are first computed again on ``calibration_batches`` batches of D_train;
    with 0, those of training are used. A search scores on ``val_images`` images of D_val, by
    default on all.
    """

    batch_size: int = 96
    calibration_batches: int = 4
    val_images: int | None = None
    device: str = "auto"

    @property
    def torch_device(self) -> str:
        """``cpu`` or ``cuda``; raises :class:`UserError` if ``device`` is not available."""
        return torch_device(self.device)


def plain_batches(data: Splits, images: Images, scoring: Scoring) -> Batches:
    """Batches of ``images`` to test on: in order, without augmentation, on the device.

    They can be of any size: results are equal up to rounding. Small images take less time in
    larger batches.
    """
    *_, height, width = data.dataset.shape
    return _batches(data, images, scoring, max(scoring.batch_size, PIXELS // (height * width)))


def _batches(data: Splits, images: Images, scoring: Scoring, size: int) -> Batches:
    return Batches(images, data.dataset, batch_size=size, device=scoring.torch_device)


def val_batches(data: Splits, scoring: Scoring) -> list[Batch]:
    """The plain batches of D_val that a search scores on."""
    return list(plain_batches(data, data.val.sample(scoring.val_images), scoring))


def calibration_batches(data: Splits, scoring: Scoring) -> list[Batch]:
    """The plain batches of D_train for computing batch norm statistics."""
    found = _batches(data, data.train.mixed(), scoring, scoring.batch_size)
    batches = islice(found, min(scoring.calibration_batches, len(found)))
    return [batch for batch in batches if len(batch[1]) > 1]  # one image may have no variance


def chunks(batch: Tensor, network: SpikingNetwork) -> tuple[Tensor, ...]:
    """Split a batch, or its labels, into the parts that ``network`` evaluates one by one."""
    whole = batch.is_cuda or network.multi_step  # layer by layer, the kernels go image by image
    return batch.split(len(batch) if whole else CPU_CHUNK)
