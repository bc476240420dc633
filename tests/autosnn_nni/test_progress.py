"""Progress: the display of all steps, the search's bar and its forecast."""

import re
import sys
from io import StringIO

import pytest

from autosnn_nni import progress
from autosnn_nni.progress import SearchProgress, progress_bar, steps
from autosnn_nni.steps import Step, time_left


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


def terminal(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """Put a terminal of 80 columns in the place of standard error."""
    screen = StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    for name, value in {"COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


PLAN = [
    Step("Supernet", 2, "epochs", "supernet"),
    Step("Training SCB_k3", 4, "epochs", "training"),
    Step("Training the winner", 4, "epochs", "training"),
]


def last_screen(screen: StringIO) -> list[str]:
    """What the terminal shows in the end, line by line."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    return text[text.rindex("All ") :].splitlines()


def test_a_terminal_shows_all_steps_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with steps(PLAN), progress_bar("Supernet", 2, "epochs") as advance:
        advance(1, "loss 0.012")
    lines = last_screen(screen)
    assert [line[:20].strip() for line in lines] == ["All", *(one.title for one in PLAN)]
    assert "0/3" in lines[0]
    assert "1/2" in lines[1]
    assert "epochs loss 0.012" in lines[1]
    assert "0/4" in lines[2]
    assert all(len(line) <= 80 for line in lines)


def test_the_time_of_steps_to_come_is_told_from_those_of_their_kind() -> None:
    planned = [
        Step("one", 4, "epochs", "training", done=4, speed=0.5),
        Step("two", 4, "epochs", "training", done=1),
        Step("three", 200, "architectures", "search"),
    ]
    assert time_left(planned[:2]) == "about 6 s left"
    assert time_left(planned) == "at least 6 s left"
    assert time_left(planned[2:]) == time_left([]) == ""


def test_a_search_on_80_columns_is_not_squeezed(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    plan = [Step("Search", None, "architectures"), *PLAN]
    with steps(plan):
        search = SearchProgress(360)
        with search.searching(1000, 3125), search.generation(125) as advance:
            advance(0.5, "")
    line = next(one for one in reversed(screen.getvalue().splitlines()) if "/3125" in one)
    assert "1062/3125 architectures" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)


def test_a_step_that_was_not_planned_gets_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with steps(PLAN), progress_bar("Finalist 1 of 3", 4, "epochs") as advance:
        advance(4, "")
    every, *_, finalist = last_screen(screen)
    assert "1/4" in every
    assert "Finalist 1 of 3" in finalist


def test_elsewhere_each_bar_is_printed_when_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with steps(PLAN):
        with progress_bar("Supernet", 2, "epochs") as advance:
            advance(2, "")
        assert "2/2" in capsys.readouterr().err


def test_quiet_shows_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress._Shown, "quiet", False)
    progress.be_silent()
    with steps(PLAN), progress_bar("Supernet", 2, "epochs") as advance:
        advance(2, "")
    generation(SearchProgress(1), Clock(), 1, before=0.0, each=0.0)
    assert capsys.readouterr().err == ""
