from pathlib import Path

from autosnn_nni.runs.settings import Settings
from autosnn_nni.runs.used_settings import used_settings


def test_unset_settings_are_what_was_used() -> None:
    used = used_settings(Settings().to_json())
    assert None not in used.values()
    assert [] not in used.values()
    assert (used["rounds"], used["images"], used["chip"]) == (10, "all", "none")


def test_an_exhaustive_search_has_no_limit() -> None:
    assert used_settings({"strategy": "exhaustive", "rounds": None})["rounds"] == "all"


def test_a_run_of_an_earlier_version_used_the_defaults_of_its_data_set() -> None:
    used = used_settings(Settings.before())
    assert used["timesteps"] == Settings().timesteps
    assert used["candidates"] == list(Settings().candidates)
    assert used["learning_rate"] == 0.001


def test_what_is_not_here_stays_unknown(tmp_path: Path) -> None:
    moved = {**Settings.before(), "dataset": str(tmp_path / "moved"), "strategy": "elsewhere"}
    used = used_settings(moved)
    assert (used["batch_size"], used["rounds"], used["images"]) == (None, None, "all")
