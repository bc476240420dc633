import math
from dataclasses import replace
from typing import Any

import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.training.hyperparameters import Training


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, not -1"),
        ({"devices": 0}, "devices must be at least 1, not 0"),
        ({"learning_rate": math.nan}, "learning_rate must be positive, and at most 1e37, not nan"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, and at most 1e37, not 0.0"),
        ({"precision": "16"}, "precision must be 32 or bf16, not '16'"),
        ({"device": "gpu"}, "device must be auto, cpu or cuda, not 'gpu'"),
        ({"schedule": "one_cycle"}, "unknown schedule 'one_cycle'; did you mean 'one-cycle'"),
        ({"augmentation": "cut"}, "augmentation must be paper, crop, flip or none, not 'cut'"),
        ({"loss": "msee"}, "unknown loss 'msee'; did you mean 'mse'"),
    ],
)
def test_what_cannot_be_trained_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError) as caught:
        Training(**{"epochs": 1, **change})
    assert named in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_rate_is_the_schedules_unless_it_is_named() -> None:
    constant = Training(epochs=1)
    cycle = replace(constant, schedule="one-cycle")
    assert (constant.peak_rate, cycle.peak_rate) == (1e-3, 1e-2)
    assert replace(cycle, learning_rate=0.5).peak_rate == 0.5
