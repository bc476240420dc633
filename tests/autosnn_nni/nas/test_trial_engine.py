"""What NNI's engine would do for ever."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from nni.nas.space import ModelStatus

from autosnn_nni.nas.trial_engine import TrialEngine


def test_waiting_for_trials_ends_when_the_manager_has_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """NNI's manager no longer tells of trials that end then."""
    job = SimpleNamespace(hyperParameters=[SimpleNamespace(parameter_id=0)])
    manager = SimpleNamespace(
        port=1,
        id="failed",
        get_status=lambda: "ERROR",
        list_trial_jobs=lambda: [job],
        _checkpoint_directory=tmp_path / "checkpoint",
    )
    engine = TrialEngine.__new__(TrialEngine)
    engine.nodejs_binding, engine._stopped = manager, False
    model = SimpleNamespace(status=ModelStatus.Training)
    monkeypatch.setattr(engine, "_find_reference_model", lambda identifier: model)
    with pytest.raises(RuntimeError, match="NNI's manager has ended"):
        engine.wait_models()
