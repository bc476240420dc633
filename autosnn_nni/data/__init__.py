"""Data sets by name, their splits, and batches augmented as tensors (paper, A.1 and A.2)."""

from autosnn_nni.data import sets as _sets  # noqa: F401  (registers data sets)
from autosnn_nni.data import sets_events as _sets_events  # noqa: F401  (registers data sets)
from autosnn_nni.data.augment import crop_and_flip, cut_out
from autosnn_nni.data.batches import Batches
from autosnn_nni.data.images import (
    DATASETS,
    DataInfo,
    DataSet,
    DataSource,
    Images,
    load_dataset,
    register_dataset,
)
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
    "load_dataset",
    "register_dataset",
    "split",
]
