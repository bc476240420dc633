"""What NNI has stored under earlier names still opens."""

import json
from importlib import import_module

import nni
import pytest

from autosnn_nni.manager.platforms import LocalAutoSNNConfig
from autosnn_nni.moved import MOVED
from autosnn_nni.nas.trial_engine import TrialModelSpace
from autosnn_nni.nas.trial_evaluator import TrialEvaluator
from autosnn_nni.tuner import AutoSNNTuner

#: A trial's parameters in the database of an experiment of version 0.1.0, shortened.
STORED = {
    "status": "frozen",
    "model_symbol": {"__nni_type__": "path:autosnn_nni.search_spaces.space.SpikingSpace"},
    "model_args": [],
    "model_kwargs": {"space": "SNN_1", "shape": [1, 8, 8], "classes": 10},
    "evaluator": {
        "run": "/runs/digits",
        "scratch": False,
        "epochs": None,
        "lambda_": None,
        "data_dir": None,
        "device": "auto",
        "__instance_type__": "path:autosnn_nni.trial_evaluator.TrialEvaluator",
    },
    "sample": {f"tbd{number}": "skip" for number in range(1, 6)},
    "metrics": {"intermediates": [], "__instance_type__": "path:nni.nas.space.metrics.Metrics"},
    "__instance_type__": "path:autosnn_nni.trial_engine.TrialModelSpace",
}


def test_a_stored_trial_opens() -> None:
    model = nni.load(json.dumps(STORED))
    assert type(model) is TrialModelSpace
    assert model.evaluator == TrialEvaluator("/runs/digits")
    assert model.sample == STORED["sample"]


@pytest.mark.parametrize("name", MOVED)
def test_an_earlier_name_is_the_module_of_today(name: str) -> None:
    module = import_module(name)
    assert module is import_module(MOVED[name])
    assert module.__spec__.name == MOVED[name]


def test_registered_names_stay() -> None:
    """NNI's registration stores them: they can't move."""
    assert AutoSNNTuner.__module__ == "autosnn_nni.tuner"
    assert LocalAutoSNNConfig.__module__ == "autosnn_nni.manager.platforms"
    assert import_module("autosnn_nni.manager.trial_keeper")
