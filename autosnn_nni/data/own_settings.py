"""Default settings for a user's own data."""

from collections.abc import Mapping
from typing import Any

#: Those that were measured on Fashion-MNIST.
SETTINGS: Mapping[str, Any] = {
    "batch_size": 64,
    "schedule": "one-cycle",
    "augmentation": "none",
    "supernet_epochs": 12,
    "retrain_epochs": 10,
}
