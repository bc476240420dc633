"""`nnictl create` as a user runs it: real nnictl, real manager, real trials."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from nni.experiment.config import ExperimentConfig

from autosnn_nni.manager.nnictl import configuration_mistake
from autosnn_nni.nas.trial import Trial
from autosnn_nni.runs.directory import load_run
from autosnn_nni.runs.machine import Machine
from autosnn_nni.runs.search_state import load_history
from autosnn_nni.search_spaces import Architecture, from_sample
from autosnn_nni.strategies import Choices, Evaluated, Evolution, History, find_objective
from tests.autosnn_nni.manager.conftest import (
    BIN,
    CANDIDATES,
    SPACE,
    Experiment,
    Nnictl,
    metrics,
    parameters,
    reachable,
    wait_for,
)

pytestmark = pytest.mark.manager

WriteConfig = Callable[..., Path]
SEARCH = Evolution(rounds=2, population=4, mutated=2, crossed=2, seed=3)
CPU = Machine(device="cpu")

#: What trials report.
METRICS = (
    *("default", "accuracy", "spikes", "synops", "macs"),
    *("parameters", "neurons", "timesteps", "energy"),
)


def inherited(run: Path, blocks: Architecture) -> Mapping[str, float]:
    """What a trial of these blocks must report."""
    return Trial(load_run(run), CPU).inherit(blocks)


def plain(line: str) -> str:
    """A line of nnictl without colours."""
    return re.sub(r"\x1b\[\d+m", "", line)


def searched(run: Path, lost: set[Architecture]) -> History:
    """The search in this process; trials of ``lost`` die."""
    history = History()
    for generation in 1, 2:
        population = SEARCH.propose(Choices([tuple(CANDIDATES)] * 5), history)
        history.extend(
            Evaluated.of(blocks, inherited(run, blocks), generation)
            for blocks in population
            if blocks not in lost
        )
    return history


def kill_trial(experiment: Experiment) -> Architecture:
    """Kill -9 a trial at work; gives what it would have evaluated."""
    trial = wait_for(lambda: experiment.trials("RUNNING"), "a running trial")[0]
    for process in psutil.process_iter():
        try:
            if process.environ().get("NNI_TRIAL_JOB_ID") == trial["trialJobId"]:
                process.kill()
        except psutil.Error:
            continue
    return from_sample(parameters(trial))


@pytest.fixture(scope="module")
def searching(nnictl: Nnictl, write_config: WriteConfig) -> tuple[Experiment, Architecture]:
    """A search that is done, and the architecture whose trial was killed in it."""
    experiment = nnictl.create(write_config())
    lost = kill_trial(experiment)
    experiment.wait()
    return experiment, lost


def test_trials_search_as_the_search_in_process_does(
    searching: tuple[Experiment, Architecture], finished: Path
) -> None:
    experiment, lost = searching
    succeeded = experiment.trials("SUCCEEDED")
    expected = {one.blocks: one for one in searched(finished, {lost})}
    assert {from_sample(parameters(trial)) for trial in succeeded} == set(expected)
    assert len(succeeded) == len(expected) == 7
    for trial in succeeded:
        one = expected[from_sample(parameters(trial))]
        energy = find_objective("energy").value(one)
        assert metrics(trial) == {"default": one.fitness, **one.measured, "energy": energy}


def test_a_killed_trial_is_reported_as_failed(
    searching: tuple[Experiment, Architecture],
) -> None:
    experiment, lost = searching
    (failed,) = experiment.trials("FAILED")
    assert from_sample(parameters(failed)) == lost
    assert "finalMetricData" not in failed
    assert experiment.get("check-status")["errors"] == []


def test_parameters_are_the_blocks_alone(searching: tuple[Experiment, Architecture]) -> None:
    """So the web UI has one column, and one axis, per TBD block."""
    for trial in searching[0].trials():
        assert sorted(parameters(trial)) == sorted(SPACE)
        assert set(parameters(trial).values()) <= set(CANDIDATES)


def test_the_web_ui_shows_blocks_accuracy_and_spikes(
    searching: tuple[Experiment, Architecture], web_ui: Callable[[str], Any]
) -> None:
    experiment, lost = searching
    page = web_ui(f"http://127.0.0.1:{experiment.port}")
    page.open()
    expected = {trial["sequenceId"]: trial for trial in experiment.trials()}
    rows = {int(row["sequenceId"]): row for row in page.rows()}
    assert rows.keys() == expected.keys()
    for number, row in rows.items():
        blocks = {label: row[f"space/{label}"] for label in SPACE}
        assert blocks == parameters(expected[number])
        if from_sample(blocks) != lost:
            reported = metrics(expected[number])
            for name in "accuracy", "spikes", "energy":
                shown = float(row[f"metric/{name}"])
                assert shown == pytest.approx(reported[name], rel=5e-3)
    assert list(page.axes()) == [*SPACE, "default", "accuracy", "spikes", "energy"]
    assert "[object Object]" not in page.text


def test_an_experiment_of_another_tuner_has_the_page_that_nni_gives_it(
    nnictl: Nnictl, write_config: WriteConfig, web_ui: Callable[[str], Any]
) -> None:
    own = {"trialCommand": "true", "maxTrialNumber": 1, "trialConcurrency": 1}
    experiment = nnictl.create(write_config(tuner={"name": "Random"}, **own))
    wait_for(lambda: experiment.trials("SUCCEEDED"), "the trial")
    page = web_ui(f"http://127.0.0.1:{experiment.port}")
    page.browser.get(page.url)
    wait_for(lambda: page.browser.current_url == f"{page.url}/oview", "the overview", 30)
    page.open_trials()
    columns = {name for name in page.rows()[0] if not name.startswith("_")}
    assert columns == {"sequenceId", "id", "duration", "status", "latestAccuracy"}
    experiment.kill()


def test_results_are_exported_as_a_table(
    searching: tuple[Experiment, Architecture], nnictl: Nnictl, tmp_path: Path
) -> None:
    experiment, _ = searching
    table = tmp_path / "trials.csv"
    options = ("--filename", table, "--type", "csv")
    assert nnictl("experiment", "export", experiment.identifier, *options).returncode == 0
    rows = pd.read_csv(table)
    assert len(rows) == 7
    assert {*SPACE, "default", "accuracy", "spikes"} < set(rows.columns)


def test_other_machines_are_refused(
    searching: tuple[Experiment, Architecture], other_address: str
) -> None:
    assert reachable("127.0.0.1", searching[0].port)
    assert not reachable(other_address, searching[0].port)


def test_the_trials_environment_is_the_user_s(
    searching: tuple[Experiment, Architecture],
) -> None:
    """What makes the manager safe is not inherited by what it starts."""
    children = searching[0].process().children(recursive=True)
    assert children  # the tuner
    for child in children:
        assert not {"NODE_OPTIONS", "AUTOSNN_LISTEN"} & child.environ().keys()


def test_the_run_is_left_as_it_was(
    searching: tuple[Experiment, Architecture], finished: Path
) -> None:
    assert not list(finished.rglob("*nni*"))
    assert len(load_history(load_run(finished))) > 0


def test_nnictl_says_nothing_that_a_user_can_t_act_on(
    searching: tuple[Experiment, Architecture], nnictl: Nnictl
) -> None:
    experiment, _ = searching
    created, *steps, urls, stop, reference = experiment.said.splitlines()
    assert experiment.identifier in created
    assert all(
        step.endswith(("Starting web server...", "Setting up...")) for step in map(plain, steps)
    )
    assert plain(urls).endswith(f"Web portal URLs: http://127.0.0.1:{experiment.port}")
    assert "To stop experiment run" in stop
    assert "Reference" in reference
    listed = nnictl("experiment", "list")
    assert listed.stderr == ""
    assert f"Id: {experiment.identifier}" in listed.stdout


def test_a_search_whose_trials_all_die_is_an_error(
    nnictl: Nnictl, write_config: WriteConfig
) -> None:
    """NNI on its own would wait for its dead tuner for ever."""
    experiment = nnictl.create(write_config(trialCommand="false"))
    wait_for(lambda: experiment.status == "ERROR", "the error")
    (error,) = experiment.get("check-status")["errors"]
    assert "dispatcher.log" in error
    log = nnictl.home / "nni-experiments" / experiment.identifier / "log/dispatcher.log"
    assert "every trial of generation 1 failed" in log.read_text()
    assert nnictl("stop", experiment.identifier).returncode == 0


def test_a_tuner_that_fails_when_nothing_follows_is_an_error(
    nnictl: Nnictl, write_config: WriteConfig, tmp_path: Path
) -> None:
    """NNI looks for a failure only at its next command: here, and by chance elsewhere, never."""
    (tmp_path / "failing.py").write_text(
        "import time\n"
        "from nni.tuner import Tuner\n"
        "class Failing(Tuner):\n"
        "    def update_search_space(self, search_space):\n"
        "        time.sleep(1)\n"
        "        raise RuntimeError('this tuner always fails')\n"
    )
    tuner = {"className": "failing.Failing", "codeDirectory": str(tmp_path)}
    experiment = nnictl.create(write_config(tuner))
    wait_for(lambda: experiment.status == "ERROR", "the error")
    log = nnictl.home / "nni-experiments" / experiment.identifier / "log/dispatcher.log"
    assert "this tuner always fails" in log.read_text()
    assert nnictl("stop", experiment.identifier).returncode == 0


def test_a_stopped_search_is_resumed(
    nnictl: Nnictl, write_config: WriteConfig, finished: Path
) -> None:
    """Also after kill -9 of the manager, when NNI has saved nothing of its own."""
    experiment = nnictl.create(write_config(maxTrialNumber=20))
    identifier = experiment.identifier
    wait_for(lambda: len(experiment.trials("SUCCEEDED")) >= 5, "five trials")
    manager = experiment.kill()
    wait_for(lambda: not manager.is_running(), "the manager's end")
    outcome = nnictl("resume", identifier, "--port", experiment.port)
    assert outcome.returncode == 0, outcome.stderr
    assert identifier in outcome.stdout
    assert f"http://127.0.0.1:{experiment.port}" in outcome.stdout
    expected = {one.blocks for one in searched(finished, set())}

    def succeeded() -> list[Architecture]:
        return [from_sample(parameters(trial)) for trial in experiment.trials("SUCCEEDED")]

    wait_for(lambda: experiment.status == "TUNER_NO_MORE_TRIAL", "the end of the search")
    assert set(succeeded()) == expected
    # What was at work when the manager was killed is run once, not by NNI and by the search.
    assert len(experiment.trials()) == len(expected)
    numbers = [trial["sequenceId"] for trial in experiment.trials()]
    assert len(set(numbers)) == len(numbers)
    assert nnictl("stop", identifier).returncode == 0


def test_the_best_of_a_run_are_trained_from_scratch(
    nnictl: Nnictl, write_config: WriteConfig, finished: Path
) -> None:
    experiment = nnictl.create(
        write_config(
            tuner={"name": "AutoSNN", "classArgs": {"best": 2}},
            trialCommand="autosnn trial --from-scratch --epochs 1 --device cpu --lambda 0",
            maxTrialNumber=2,
        )
    )
    experiment.wait()
    trials = experiment.trials("SUCCEEDED")
    best = {one.blocks for one in load_history(load_run(finished)).top(2)}
    assert {from_sample(parameters(trial)) for trial in trials} == best
    for trial in trials:
        reported = metrics(trial)
        assert reported["default"] == reported["accuracy"]  # lambda is 0
        assert set(reported) == {*METRICS, "test_accuracy", "test_spikes"}
    experiment.kill()


@pytest.mark.long
def test_on_nni_s_own_platform_every_trial_still_runs_what_is_recorded(
    nnictl: Nnictl, write_config: WriteConfig, finished: Path, other_address: str
) -> None:
    """There NNI hands out parameters by whoever asks first; every fifth trial dies before."""
    search = {"strategy": "random", "rounds": 1, "population": 10, "open_to_network": True}
    experiment = nnictl.create(
        write_config(
            tuner={"name": "AutoSNN", "classArgs": search},
            trainingService={"platform": "local"},
            trialCommand="test $((NNI_TRIAL_SEQ_ID % 5)) -ne 0 && autosnn trial --device cpu",
            trialConcurrency=4,
            maxTrialNumber=10,
        ),
        path=str(BIN),
    )
    assert reachable(other_address, experiment.port)  # asked for by open_to_network
    experiment.wait()
    trials = experiment.trials("SUCCEEDED")
    assert len(trials) == 8
    for trial in trials:
        assert metrics(trial) == inherited(finished, from_sample(parameters(trial)))
    experiment.kill()


def test_an_open_manager_is_stopped_before_the_first_trial(
    nnictl: Nnictl, write_config: WriteConfig
) -> None:
    experiment = nnictl.create(write_config(trainingService={"platform": "local"}), path=str(BIN))
    wait_for(lambda: not reachable("127.0.0.1", experiment.port), "the manager's end")
    log = nnictl.home / "nni-experiments/_latest/log/dispatcher.log"
    # NNI closes the port first; the tuner's process has half a minute to say why.
    wait_for(lambda: "NNI's manager is open to the network" in log.read_text(), "the reason", 30)
    assert not list(nnictl.home.glob("nni-experiments/_latest/environments/*/trials/*"))


def test_listening_to_the_network_is_an_option_that_warns(
    nnictl: Nnictl, write_config: WriteConfig, other_address: str
) -> None:
    config = write_config(
        tuner={"name": "AutoSNN", "classArgs": {"open_to_network": True}},
        trainingService={"platform": "local_autosnn", "listen": "0.0.0.0"},
    )
    experiment = nnictl.create(config)
    assert reachable(other_address, experiment.port)
    assert "autosnn: warning: NNI's manager listens on 0.0.0.0" in experiment.said
    experiment.kill()


REFUSED = [
    (
        {"searchSpace": {**SPACE, "tbd2": {"_type": "choice", "_value": ["skip", "SRB_k9"]}}},
        ("searchSpace.tbd2", "no block 'SRB_k9'", "did you mean 'SRB_k"),
    ),
    (
        {"searchSpace": {**SPACE, "tbd1": {"_type": "choice", "_value": ["skip", "skip"]}}},
        ("searchSpace.tbd1: 'skip' is named twice",),
    ),
    (
        {"searchSpace": {**SPACE, "tbd1": {"_type": "uniform", "_value": [0, 1]}}},
        ("tbd1", "choice"),
    ),
    (
        {"searchSpace": {**SPACE, "tbd6": SPACE["tbd1"]}},
        ("searchSpace", "tbd1, tbd2, tbd3", "tbd6"),
    ),
    (
        {"searchSpace": {label: SPACE[label] for label in ("tbd1", "tbd2")}},
        ("searchSpace: SNN_1 has the TBD blocks", "not tbd1, tbd2"),
    ),
    (
        {"tuner": {"name": "AutoSNN", "classArgs": {"roundz": 3}}},
        (
            "tuner.classArgs",
            "no argument 'roundz'",
            "known: max_spikes, min_accuracy, max, min, rounds",
        ),
    ),
    (
        {"tuner": {"name": "AutoSNN", "classArgs": {"rounds": "ten"}}},
        ("tuner.classArgs", "rounds must be a whole number, not 'ten'"),
    ),
    (
        {"tuner": {"name": "AutoSNN", "classArgs": {"best": 0}}},
        ("tuner.classArgs", "best must be at least 1, not 0"),
    ),
    (
        {"tuner": {"name": "AutoSNN", "classArgs": {"strategy": "evolutoin"}}},
        ("tuner.classArgs", "unknown strategy 'evolutoin'", "did you mean 'evolution'"),
    ),
    ({"tuner": {"name": "AutoSMM"}}, ("tuner.name", "AutoSMM", "registered")),
    ({"trialCodeDirectory": "/nowhere"}, ("trialCodeDirectory: /nowhere is not a run",)),
    (
        {"trainingService": {"platform": "local_autosn"}},
        ("trainingService.platform: NNI has no 'local_autosn'; did you mean 'local_autosnn'?",),
    ),
]


@pytest.mark.parametrize(("fields", "fragments"), REFUSED, ids=lambda case: str(case)[:40])
def test_a_wrong_configuration_is_refused_with_one_line(
    fields: dict[str, Any], fragments: tuple[str, ...], nnictl: Nnictl, write_config: WriteConfig
) -> None:
    refuse(nnictl, write_config(**fields), *fragments)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"trialConcurency": 1}, "ExperimentConfig has no field 'trialconcurency'; did you mean"),
        ({"trialConcurrency": 0}, "NNI needs trialConcurrency > 0"),
        ({"trialConcurrency": "two"}, "type of trialConcurrency ('two') is not <class 'int'>"),
        ({"maxTrialDuration": "5 weeks"}, "NNI needs maxTrialDuration is None or"),
        ({"logLevel": "loud"}, "NNI needs logLevel in ['fatal', 'error',"),
        ({"trainingService": {"platform": "local", "reuseMod": True}}, "LocalConfig has no field"),
    ],
)
def test_what_nni_finds_wrong_in_its_own_fields_is_said_in_one_line(
    fields: dict[str, Any], message: str
) -> None:
    valid = {"trialConcurrency": 1, "trialCommand": "true", "searchSpace": SPACE}
    sections = {"tuner": {"name": "Random"}, "trainingService": {"platform": "local"}}
    with pytest.raises(Exception) as caught:  # noqa: PT011
        ExperimentConfig(**{**valid, **sections, **fields}).validate()
    assert str(configuration_mistake(caught.value)).startswith(f"configuration: {message}")


def test_another_error_is_not_of_the_configuration() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        int("x")
    assert configuration_mistake(caught.value) is None


def refuse(nnictl: Nnictl, config: Path, *fragments: str, port: int = 9) -> None:
    """nnictl ends with one line that says all of ``fragments``, and has started nothing."""
    before = set(nnictl.home.glob("nni-experiments/*/db"))
    outcome = nnictl("create", "--config", config, "--port", port)
    assert outcome.returncode == 2, outcome
    assert outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("autosnn: ")
    for fragment in fragments:
        assert fragment in line, line
    assert set(nnictl.home.glob("nni-experiments/*/db")) == before


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "copy")


def test_a_run_without_a_supernet_is_refused(
    nnictl: Nnictl, write_config: WriteConfig, copy: Path
) -> None:
    (copy / "supernet.ckpt").unlink()
    config = write_config(trialCodeDirectory=str(copy))
    refuse(
        nnictl, config, "trialCodeDirectory", "has no supernet", f"autosnn supernet --output {copy}"
    )


def test_a_supernet_of_other_settings_is_refused(
    nnictl: Nnictl, write_config: WriteConfig, copy: Path
) -> None:
    settings = copy / "settings.json"
    settings.write_text(settings.read_text().replace('"timesteps": 2', '"timesteps": 3'))
    config = write_config(trialCodeDirectory=str(copy))
    refuse(nnictl, config, "trialCodeDirectory", "timesteps is 2 there, 3 here")


def test_a_broken_supernet_is_refused(
    nnictl: Nnictl, write_config: WriteConfig, copy: Path
) -> None:
    os.truncate(copy / "supernet.ckpt", 1000)
    config = write_config(trialCodeDirectory=str(copy))
    refuse(nnictl, config, "trialCodeDirectory", "supernet.ckpt", "broken")


def test_a_busy_port_is_named(
    nnictl: Nnictl, write_config: WriteConfig, searching: tuple[Experiment, Architecture]
) -> None:
    port = searching[0].port
    refuse(nnictl, write_config(), f"port {port} is in use", "--port", port=port)


def test_a_trial_by_hand_says_what_it_is_for(nnictl: Nnictl, finished: Path) -> None:
    outcome = nnictl("trial", finished, command="autosnn")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("autosnn: this command runs as a trial of NNI")


def test_nni_forgets_what_is_unregistered(tmp_path: Path) -> None:
    mine = Nnictl(tmp_path, tmp_path / "config")
    assert mine("register", command="autosnn").returncode == 0
    assert mine("register", command="autosnn").returncode == 0  # again: nothing changes
    assert "AutoSNN" in mine("algo", "list").stdout
    services = mine("trainingservice", "list").stdout
    assert services.split() == ["autosnn_nni.manager.platforms"]
    outcome = mine("unregister", command="autosnn")
    assert outcome.returncode == 0
    assert str(tmp_path / "config") in outcome.stdout
    assert "AutoSNN" not in mine("algo", "list").stdout
    assert mine("trainingservice", "list").stdout.split() == []
    assert mine("unregister", command="autosnn").returncode == 0
