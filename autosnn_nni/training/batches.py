"""The batches that networks are trained on."""

from dataclasses import replace

from autosnn_nni.data import Batches, DataSet, Splits
from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import NetworkConfig
from autosnn_nni.training.hyperparameters import Training


def check_images(config: NetworkConfig, data: DataSet) -> None:
    """Raise :class:`UserError` unless networks of ``config`` take the images of ``data``."""
    taken = tuple(config.shape)
    if taken != data.shape:
        raise UserError(f"the space takes images of {taken}, the data have {data.shape}")
    if config.classes < data.classes:
        raise UserError(f"the space has {config.classes} classes, the data have {data.classes}")


def train_batches(data: Splits, training: Training, *, cutout: bool = False) -> Batches:
    """Shuffled, augmented batches of D_train (Section A.1).

    Squares are cut out only with ``cutout``, and if the training's augmentation is the paper's. In
    a distributed training each process gets its share of them.
    """
    flip_only = training.augmentation == "flip"
    return Batches(
        data.train,
        replace(data.dataset, padding=0) if flip_only else data.dataset,
        batch_size=training.batch_size,
        shuffle=True,
        augment=training.augmentation != "none",
        cutout=cutout and training.augmentation == "paper",
        seed=training.seed,
        device=training.torch_device,
        distributed=True,
    )
