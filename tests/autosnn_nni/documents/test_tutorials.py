"""The tutorials, step by step in an empty folder, with fewer images and epochs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.autosnn_nni.conftest import EXECUTABLE
from tests.autosnn_nni.documents.pages import ROOT, Block, Command, blocks, steps

TUTORIALS = ROOT / "docs/tutorials"
#: What makes a search short. It comes last on the line, and the last value counts.
SHORT = (
    *("--channels", 2, "--timesteps", 2, "--images", 60, "--supernet-epochs", 1),
    *("--rounds", 1, "--retrain-epochs", 1, "--no-baselines"),
)
SHORTER = {"search": SHORT, "trust": ("--sample", 2), "table": ("--seeds", 2)}
#: Those of NNI's manager are run by its own tests, and weights of the package by theirs.
NOT_RUN = ("view", "register", "unregister", "--pretrained")
#: Three candidates are 243 trainings.
LONG, QUICK = '["skip", "SCB_k3", "SRB_k3"]', '["skip"]'


@pytest.fixture
def follow(
    autosnn: Callable[..., Any],
    start: Callable[..., Any],
    registries: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], None]:
    """Do everything that a page says, in order."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}

    def run(step: Command) -> None:
        if step.program == "python":
            command = EXECUTABLE.with_name("python")
            outcome = start(*step.arguments, command=command, cwd=tmp_path).wait()
        elif step.program == "autosnn" and not set(NOT_RUN) & set(step.arguments):
            outcome = autosnn(*step.arguments, *SHORTER.get(step.arguments[0], ()))
        else:
            return
        assert outcome.code == 0, (str(step), outcome.err)

    def do(step: Command | Block) -> None:
        if isinstance(step, Command):
            run(step)
        elif step.title:
            Path(step.title).write_text(step.text.replace(LONG, QUICK))
        elif step.language == "python":
            exec(compile(step.text, "page", "exec"), names)

    def whole(page: str) -> None:
        for step in steps(TUTORIALS / page):
            do(step)

    return whole


@pytest.mark.long
def test_the_digits_their_report_and_their_winner_in_python(
    follow: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    follow("digits.md")
    follow("front.md")
    follow("python.md")
    assert Path("runs/mine/report.html").exists()
    assert "92.71%, 29,371 spikes per image" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize("page", ["chip.md", "events.md", "table.md"])
def test_one_page(page: str, follow: Callable[[str], None]) -> None:
    follow(page)


@pytest.mark.long
@pytest.mark.data
def test_fashion_mnist(follow: Callable[[str], None]) -> None:
    follow("fashion-mnist.md")


def test_the_configuration_for_nnictl_is_the_examples_with_a_smaller_search() -> None:
    (block,) = blocks(TUTORIALS / "nni.md", "yaml")
    page = yaml.safe_load(block.text)
    example = yaml.safe_load((ROOT / "examples/digits/nnictl.yml").read_text())
    differ = {name for name in example if page[name] != example[name]}
    assert page.keys() == example.keys()
    assert differ == {"trialCodeDirectory", "maxTrialNumber", "tuner"}
    arguments = page["tuner"]["classArgs"]
    assert page["maxTrialNumber"] == arguments["rounds"] * arguments["population"]
    assert arguments.keys() - example["tuner"]["classArgs"].keys() == {"mutated", "crossed"}
