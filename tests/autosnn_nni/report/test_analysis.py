from pathlib import Path

import pytest

from autosnn_nni.report.analysis import contenders, stage_caption, stage_spikes, stages
from autosnn_nni.runs.contents import read_contents


def test_the_spikes_of_the_stages_are_those_of_the_network(run: Path) -> None:
    contents = read_contents(run)
    assert contents.result
    total = sum(stage_spikes(stage, contents.result) or 0 for stage in stages(contents))
    assert total == pytest.approx(contents.result.spikes)


def test_a_stage_is_not_mixed_up_with_one_whose_name_it_starts(run: Path) -> None:
    contents = read_contents(run)
    skip = next(stage for stage in stages(contents) if stage.block == "skip")
    assert stage_spikes(skip, contents.result) is None
    assert stage_caption(skip, contents.result) == "adds no spikes"


def test_the_winner_comes_before_the_baselines(run: Path) -> None:
    labels = [network.label for network in contenders(read_contents(run))]
    assert labels == ["Winner", "SCB_k3 throughout", "SRB_k3 throughout"]
