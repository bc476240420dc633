"""The search's bar and its forecast."""

import pytest

from autosnn_nni import progress
from autosnn_nni.progress import SearchProgress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> "Clock":
    clock = Clock()
    monkeypatch.setattr(progress.time, "perf_counter", lambda: clock.now)
    return clock


class Clock:
    now = 0.0


def generation(search: SearchProgress, clock: Clock, size: int, before: float, each: float) -> None:
    """Scored in four parts."""
    with search.generation(size) as advance:
        clock.now += before
        advance(0.0, "")
        for part in range(1, 5):
            clock.now += each
            advance(part / 4, "")


def test_the_first_part_foretells_the_whole(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    search = SearchProgress(1000)
    with search.searching(0, 3125):
        generation(search, clock, 125, before=4.0, each=8.0)  # 36 s for each of 25
        generation(search, clock, 125, before=4.0, each=80.0)
    forecast, bar = capsys.readouterr().err.splitlines()
    assert forecast == "3,125 architectures on 1,000 images: about 15 min"
    assert " 250/3125 architectures " in bar


def test_a_search_that_goes_on_counts_what_is_done(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    search = SearchProgress(360)
    with search.searching(150, 200):
        generation(search, clock, 10, before=0.0, each=0.5)
    forecast, bar = capsys.readouterr().err.splitlines()
    assert forecast == "50 more architectures on 360 images: about 10 s"
    assert " 160/200 architectures " in bar


@pytest.mark.parametrize(
    ("seconds", "said"), [(3, "3 s"), (99, "99 s"), (300, "5 min"), (12_600, "3.5 h")]
)
def test_it_speaks_in_fitting_units(
    seconds: float, said: str, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    search = SearchProgress(1)
    with search.searching(0, 4):
        generation(search, clock, 1, before=0.0, each=seconds / 16)
    assert capsys.readouterr().err.splitlines()[0].endswith(f"about {said}")


def test_nothing_is_shown_outside_of_a_search(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    generation(SearchProgress(1), clock, 1, before=0.0, each=1.0)
    assert capsys.readouterr().err == ""
