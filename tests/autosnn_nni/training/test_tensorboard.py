"""Curves for TensorBoard, read back with TensorBoard's own reader."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from autosnn_nni.files import read_json

Autosnn = Callable[..., Any]


@pytest.fixture(scope="module")
def logged(make_run: Callable[..., Path], tiny: tuple[str, ...]) -> Path:
    return make_run("search", "--tensorboard", *tiny)


def board(run: Path, name: str) -> EventAccumulator:
    events = EventAccumulator(str(run / "tensorboard" / name))
    events.Reload()
    return events


def scalars(events: EventAccumulator, name: str) -> list[float]:
    return [event.value for event in events.Scalars(name)]


@pytest.mark.parametrize("name", ["supernet", "retrained"])
def test_the_curves_are_those_of_the_run(logged: Path, name: str) -> None:
    events, curve = board(logged, name), pd.read_csv(logged / f"{name}.csv")
    for column in ("loss", "accuracy", "spikes"):
        assert scalars(events, column) == pytest.approx(curve[column].tolist())
    assert [event.step for event in events.Scalars("loss")] == [1, 2]


def test_a_network_is_logged_layer_by_layer(logged: Path) -> None:
    events = board(logged, "retrained")
    layers = [one["name"] for one in read_json(logged / "result.json")["layers"]]
    tags = events.Tags()["scalars"]
    by_layer = [scalars(events, f"spikes of layers/{name}") for name in layers]
    assert {f"firing rates of layers/{name}" for name in layers} <= set(tags)
    total = [sum(epoch) for epoch in zip(*by_layer, strict=True)]
    assert total == pytest.approx(scalars(events, "spikes"))


def test_the_search_has_its_front_as_a_picture(logged: Path) -> None:
    events = board(logged, "search")
    assert [event.step for event in events.Images("search")] == [1, 2]
    assert events.Images("search")[0].encoded_image_string.startswith(b"\x89PNG")
    best = pd.read_csv(logged / "candidates.csv").groupby("generation")["fitness"].max().cummax()
    assert scalars(events, "best fitness") == pytest.approx(best.tolist())


def test_without_the_option_nothing_is_written(finished: Path) -> None:
    assert not (finished / "tensorboard").exists()


def test_results_are_the_same_with_it(logged: Path, finished: Path) -> None:
    for name in ("best.json", "candidates.csv", "search.json", "result.json"):
        assert (logged / name).read_bytes() == (finished / name).read_bytes()
