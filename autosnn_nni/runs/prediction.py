"""What a trained network makes of single images."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autosnn_nni.data import Batches, DataSet, Images
from autosnn_nni.data.pictures import read_picture
from autosnn_nni.energy import energies
from autosnn_nni.errors import UserError
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.trained import load_trained
from autosnn_nni.search_spaces import (
    Architecture,
    OperationCounter,
    SpikeCounter,
    SpikingNetwork,
    StepVotes,
    fold_batch_norm,
)


@dataclass(frozen=True)
class Prediction:
    """The class of an image, and what finding it took.

    ``name`` is the class's, if classes have names, else its number. Both are ``None`` if no voting
    neuron fired.
    ``votes`` are those of every class after each timestep, as means over the timesteps so far: the
    last ones decide. ``energy`` is in joules, by the name of a model.
    """

    label: int | None
    name: str | None
    votes: tuple[tuple[float, ...], ...]
    spikes: float
    synops: float
    macs: float
    energy: dict[str, float]


@dataclass(frozen=True, eq=False)
class Predictor:
    """A trained network, and the data set whose images it knows."""

    network: SpikingNetwork
    dataset: DataSet

    @property
    def shape(self) -> tuple[int, ...]:
        """``(C, H, W)`` of an image, or ``(T, 2, H, W)`` of a recording."""
        return self.dataset.test.shape

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes; their numbers, if they have none."""
        return self.dataset.names or tuple(map(str, range(self.dataset.classes)))

    def predict(self, images: Any) -> list[Prediction]:
        """Predictions for images uint8 ``[N, C, H, W]`` or recordings ``[N, T, 2, H, W]``.

        Tensors or arrays; images are scaled and normalised here, and must have the data set's size.
        Raises :class:`UserError` for another shape, and for images that are not from 0 to 255.
        """
        pixels = torch.as_tensor(images)
        if tuple(pixels.shape[1:]) != self.shape:
            raise UserError(f"images have the shape {tuple(pixels.shape[1:])}, not {self.shape}")
        if not self.dataset.events:
            _check_pixels(pixels)
        labels = torch.zeros(len(pixels), dtype=torch.long)
        batches = Batches(Images(pixels, labels), self.dataset, batch_size=1, device="cpu")
        return list(self._predicted(image for image, _ in batches))

    def predict_files(self, paths: Iterable[Path]) -> list[Prediction]:
        """Predictions for pictures of any size, recordings, or arrays in ``.npy`` files."""
        sensor = self.dataset.sensor
        return self.predict(torch.stack([read_picture(path, self.shape, sensor) for path in paths]))

    @torch.inference_mode()
    def _predicted(self, images: Iterable[Tensor]) -> Iterator[Prediction]:
        network = fold_batch_norm(self.network)
        for image in images:
            spikes, operations = SpikeCounter(network), OperationCounter(network)
            with spikes, operations, StepVotes(network) as steps:
                votes = network(image)
            summed = torch.stack([one[0] for one in steps.votes]).cumsum(0)
            means = summed.double() / torch.arange(1, len(summed) + 1).view(-1, 1)
            synops, macs = operations.synops, operations.macs
            label = int(votes.argmax()) if votes.any() else None
            yield Prediction(
                label=label,
                name=None if label is None else self.names[label],
                votes=tuple(tuple(row) for row in means.numpy().round(6).tolist()),
                spikes=spikes.spikes,
                synops=synops,
                macs=macs,
                energy=energies(synops, macs),
            )


def _check_pixels(pixels: Tensor) -> None:
    """Refuse images in [0, 1], as of torchvision's ``ToTensor``, or normalised ones."""
    if pixels.dtype == torch.uint8 or not pixels.numel():
        return
    low, high = pixels.min().item(), pixels.max().item()
    whole = not pixels.is_floating_point() and pixels.dtype != torch.bool
    if whole and low >= 0 and high <= 255:
        return
    kind = str(pixels.dtype).removeprefix("torch.")
    scaled = low >= 0 and high <= 1
    wanted = "(255 * images).byte()" if scaled else "them neither scaled nor normalised"
    raise UserError(
        f"images are uint8 from 0 to 255; these are {kind} from {low:g} to {high:g}: give {wanted}"
    )


def load(
    path: Path | str, blocks: Architecture | None = None, data_dir: Path | None = None
) -> Predictor:
    """A run's trained network, or with ``blocks`` a path of its supernet, on the CPU.

    Batch norm is computed again on D_train, as for every result of the run, so the run's data must
    be there. Raises :class:`UserError` if there are no weights or no data.
    """
    found = load_trained(Path(path), blocks, Machine(data_dir, "cpu"))
    return Predictor(found.calibrated(), found.data.dataset)
