"""The batches that networks are trained on."""

from autosnn_nni.data import Batches, Splits
from autosnn_nni.training.hyperparameters import Training


def train_batches(data: Splits, training: Training, *, cutout: bool = False) -> Batches:
    """Shuffled, augmented batches of D_train (Section A.1)."""
    return Batches(
        data.train,
        data.dataset,
        batch_size=training.batch_size,
        shuffle=True,
        augment=True,
        cutout=cutout,
        seed=training.seed,
        device=training.torch_device,
    )
