"""Data sets by name, their splits, and batches augmented as tensors (paper, A.1 and A.2)."""

# These imports register the data sets; image sets come first in lists.
# isort: off
from autosnn_nni.data import image_sets as _image_sets  # noqa: F401
from autosnn_nni.data import event_sets as _event_sets  # noqa: F401

# isort: on
from autosnn_nni.data.augment import crop_and_flip, cut_out
from autosnn_nni.data.batches import Batches
from autosnn_nni.data.dataset import (
    DATASETS,
    DataInfo,
    DataSet,
    DataSource,
    register_dataset,
)
from autosnn_nni.data.images import Images
from autosnn_nni.data.sources import find_source, load_dataset
from autosnn_nni.data.splits import Splits, split

__all__ = [
    "DATASETS",
    "Batches",
    "DataInfo",
    "DataSet",
    "DataSource",
    "Images",
    "Splits",
    "crop_and_flip",
    "cut_out",
    "find_source",
    "load_dataset",
    "register_dataset",
    "split",
]
