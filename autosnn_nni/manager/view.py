"""A run's search in NNI's web UI: every evaluated architecture as a finished trial."""

import hashlib
import sys
from pathlib import Path

from nni.experiment.config import AlgorithmConfig, ExperimentConfig, LocalConfig

from autosnn_nni.errors import UserError
from autosnn_nni.files import write_whole
from autosnn_nni.manager.database import Profile, as_database
from autosnn_nni.manager.guard import LOOPBACK
from autosnn_nni.manager.ports import check_port
from autosnn_nni.manager.viewer import viewing
from autosnn_nni.runs.directory import check_writable
from autosnn_nni.runs.run_files import RunFiles, not_a_run
from autosnn_nni.runs.search_state import searched
from autosnn_nni.runs.settings import Settings
from autosnn_nni.search_spaces import TIMESTEPS, timesteps_name, to_sample
from autosnn_nni.strategies import History

_EVERYONE = "0.0.0.0"


def view(run: Path, port: int, listen: str = LOOPBACK) -> None:
    """Show a run's search at ``port`` of the address ``listen``, until Ctrl-C, which it raises.

    Raises :class:`UserError` if the run has no search or the port is in use.
    """
    history = _read_search(run)
    _check_address(port, listen)
    check_writable(run)
    profile = _profile(run.resolve(), history)
    write_whole(profile.database, as_database(profile, history))
    with viewing(profile, port, listen) as manager:
        sys.stdout.write(f"NNI's web UI of {run}: http://{LOOPBACK}:{port} (Ctrl-C closes it)\n")
        sys.stdout.flush()
        if manager.wait() != 0:
            raise RuntimeError(
                f"NNI's manager has ended unexpectedly; see {profile.logs} for the reason"
            )


def _read_search(run: Path) -> History:
    files = RunFiles(run)
    if not files.settings_file.exists():
        raise not_a_run(files)
    return searched(run)


def _check_address(port: int, listen: str) -> None:
    check_port(port)
    if listen not in (LOOPBACK, _EVERYONE):
        raise UserError(
            f"--listen must be {LOOPBACK}, or {_EVERYONE} for all addresses of this machine, not "
            f"{listen}: NNI connects to its manager at {LOOPBACK}"
        )


def _profile(path: Path, history: History) -> Profile:
    """The same experiment for the same folder, so that NNI lists a run only once."""
    files = RunFiles(path)
    written = [files.search_state, files.supernet]
    times = [one.stat().st_mtime for one in written if one.exists()]
    spans = history.times.values()
    return Profile(
        id=f"autosnn-{hashlib.sha256(bytes(path)).hexdigest()[:8]}",
        config=_config(path, history).canonical_copy(),
        start=round(1000 * min([*times, *(start for start, _ in spans)])),
        end=round(1000 * max((end for _, end in spans), default=times[0])),
    )


def _config(path: Path, history: History) -> ExperimentConfig:
    files = RunFiles(path)
    written = files.read_settings()
    try:
        settings = Settings.completed(written)
        candidates = settings["candidates"] or _default_candidates(settings["space"])
        choices = {label: list(candidates) for label in to_sample(history[0].blocks)}
        if TIMESTEPS in choices:
            choices[TIMESTEPS] = [timesteps_name(count) for count in settings["timesteps"]]
        tuner = AlgorithmConfig(name=settings["strategy"], class_args={"optimize_mode": "maximize"})
    except (KeyError, TypeError, UserError):
        raise UserError(f"{files.settings_file} is not a run's settings; restore it") from None
    return ExperimentConfig(
        experiment_name=path.name,
        experiment_working_directory=files.nni,
        search_space={
            label: {"_type": "choice", "_value": names} for label, names in choices.items()
        },
        trial_command=f"autosnn search --output {path}",
        trial_code_directory=path,
        trial_concurrency=1,
        max_trial_number=len(history),
        tuner=tuner,
        # If given by name, it would be looked up in files that NNI writes to its own folder.
        training_service=LocalConfig(),
    )


def _default_candidates(space: str) -> tuple[str, ...]:
    from autosnn_nni.search_spaces import MACROS  # late: most runs say theirs, and torch is slow

    return MACROS[space].candidates
