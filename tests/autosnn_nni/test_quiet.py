"""Nothing reaches the terminal that a user can't act on."""

import logging
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autosnn_nni.quiet import be_quiet

pytestmark = pytest.mark.slow

Autosnn = Callable[..., Any]
Args = tuple[str, ...]
#: Title, bar, how much of how much, note, time: nothing is cut off in 80 columns.
BAR = re.compile(r"(Supernet|Search|Training[\w ]*?) +[━╸╺ ]* \d+/\d+ (epochs|architectures)[^…]*")
FORECAST = re.compile(r"[\d,]+ architectures on [\d,]+ images: about [\d.]+ (s|min|h)")
#: These short runs end with such supernets.
AT_CHANCE = re.compile(
    r"autosnn: The supernet is at chance \(mean accuracy on D_val [\d.]+ %, chance 10 %\): "
    r"its ranking says nothing\. Train it longer: --supernet-epochs\."
)
TITLE = r"\s+(Test split of digits|D_val of digits, after training)\s*"
TABLE = re.compile(rf"[┏┃┡│└].*[┓┃┩│┘]|{TITLE}|Report: runs/\w+/report\.html")
CHATTER = re.compile(
    r"warn|\b(info|debug|error|gpu|tpu|nni|trainer)\b|weights_only|litlogger|pkg_resources",
    re.IGNORECASE,
)
COMMANDS = """
import sys
from autosnn_nni.cli.app import main
for command in {commands}:
    sys.argv = ["autosnn", *command]
    try:
        main()
    except SystemExit as exit_:
        assert not exit_.code, command
"""


def test_a_whole_run_prints_bars_and_the_result_alone(reference: tuple[Path, Any]) -> None:
    run, outcome = reference
    supernet, forecast, search, at_chance, *bars = outcome.err.splitlines()
    assert FORECAST.fullmatch(forecast), forecast
    assert AT_CHANCE.fullmatch(at_chance), at_chance
    assert len(bars) == len([*run.glob("finalists/*"), *run.glob("baselines/*")]) > 4
    for line in [supernet, search, *bars]:
        assert BAR.fullmatch(line), line
    for line in outcome.out.splitlines():
        assert TABLE.fullmatch(line), line
    assert not CHATTER.search(outcome.err)
    assert not CHATTER.search(outcome.out)


def test_the_other_commands_are_as_quiet(
    finished: Path, tmp_path: Path, start: Autosnn, tiny: Args
) -> None:
    blocks = ",".join(["skip"] * 5)
    commands = [
        ["supernet", "--output", "runs/a", *tiny],
        ["search", "--output", "runs/a"],
        ["train", "--output", "runs/b", "--blocks", blocks, *tiny],
        ["describe", "--blocks", blocks, "--run", str(finished)],
        ["evaluate", str(finished)],
        ["report", "runs/a"],
    ]
    script = COMMANDS.format(commands=commands)
    outcome = start("-c", script, command=sys.executable, cwd=tmp_path).wait()
    assert outcome.code == 0, outcome.err
    lines = outcome.err.splitlines()
    others = (FORECAST, AT_CHANCE)
    bars = [line for line in lines if not any(one.fullmatch(line) for one in others)]
    assert len(bars) == len(lines) - len(others) == 1 + (1 + 1 + 1) + 1
    for line in bars:
        assert BAR.fullmatch(line), line
    assert not CHATTER.search(outcome.out)
    assert outcome.out.startswith("Supernet: runs/a/supernet.ckpt (N_avg ")


def test_a_failed_run_prints_its_own_line_alone(tmp_path: Path, start: Autosnn, tiny: Args) -> None:
    """NNI announces what fails inside its strategies and engines."""
    options = ("--learning-rate", "1e37", "--neuron", "ANN")
    outcome = start("supernet", "--output", tmp_path / "run", *tiny, *options).wait()
    assert outcome.code == 2
    assert outcome.out == ""
    bar, line = outcome.err.splitlines()
    assert BAR.fullmatch(bar)
    assert line.startswith("autosnn: training diverged")


def test_other_warnings_are_still_shown() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        be_quiet()
        warnings.warn("your data look odd", UserWarning, stacklevel=1)
        warnings.warn("pkg_resources is deprecated as an API", UserWarning, stacklevel=1)
    assert [str(one.message) for one in caught] == ["your data look odd"]


@pytest.mark.parametrize("name", ["nni.nas.oneshot", "pytorch_lightning.utilities.rank_zero"])
def test_warnings_of_nni_and_lightning_are_still_shown(name: str) -> None:
    be_quiet()
    assert logging.getLogger(name).isEnabledFor(logging.WARNING)
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
