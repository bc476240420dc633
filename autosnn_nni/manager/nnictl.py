"""What nnictl prints with the plugin: one line for every mistake, and where an experiment answers.

NNI 3.0 shows a traceback for a wrong configuration, and names addresses at which its manager does
not listen.
"""

import linecache
import logging
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from nni.experiment import config, launcher
from nni.experiment.config import utils
from nni.experiment.config.training_service import TrainingServiceConfig
from nni.experiment.config.utils import camel_case

from autosnn_nni.errors import UserError
from autosnn_nni.manager.checks import is_ours
from autosnn_nni.manager.experiments import check_stopped, forget_interrupted, wait_until_up
from autosnn_nni.manager.guard import LOOPBACK
from autosnn_nni.manager.ports import check_port
from autosnn_nni.registry import hint


def is_nnictl() -> bool:
    """Whether this process is nnictl."""
    return Path(sys.argv[0]).stem == "nnictl"


def is_viewing() -> bool:
    """Whether this process is ``nnictl view``."""
    return is_nnictl() and sys.argv[1:2] == ["view"]


def improve_nnictl() -> None:
    """Let nnictl, if this process is one, say what a user has to know."""
    if is_nnictl():
        sys.excepthook = _say_in_one_line
        logging.getLogger("nni.experiment").setLevel(logging.NOTSET)  # see autosnn_nni.quiet
        launcher._ensure_port_idle = _ensure_port_idle
        launcher._check_rest_server = wait_until_up
        launcher.start_experiment = _without_interrupted(launcher.start_experiment)


def _without_interrupted(start: Callable[..., Any]) -> Callable[..., Any]:
    """``start`` of an experiment, whose own search submits what a last session has interrupted."""

    def start_experiment(action: str, identifier: str, experiment: Any, *arguments: Any) -> Any:
        if action == "resume" and is_ours(experiment.tuner):
            check_stopped(identifier)
            forget_interrupted(Path(experiment.experiment_working_directory, identifier))
        return start(action, identifier, experiment, *arguments)

    return start_experiment


def name_only_loopback() -> None:
    """Let NNI name only the address that answers, where it would name all of this machine."""
    logging.getLogger("nni.experiment").addFilter(_only_loopback)


def _only_loopback(record: logging.LogRecord) -> bool:
    urls = re.fullmatch(r"(Web portal URLs: \S*?)http://.*:(\d+)", str(record.msg))
    if urls:
        record.msg = f"{urls[1]}http://{LOOPBACK}:{urls[2]}"
    return True


def _ensure_port_idle(port: int, message: str | None = None) -> None:
    check_port(port)


def _say_in_one_line(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """The hook for errors that nothing has caught; exits with 2 if the user can correct them."""
    message = str(error) if isinstance(error, UserError) else configuration_mistake(error)
    if message is None:
        sys.__excepthook__(kind, error, trace)
        return
    sys.stderr.write(f"autosnn: {' '.join(message.split())}\n")
    raise SystemExit(2)


def configuration_mistake(error: BaseException) -> str | None:
    """What NNI has found to be wrong in a configuration; ``None`` for every other error."""
    calls = [call for call in traceback.walk_tb(error.__traceback__) if _in_config(call[0])]
    if not calls:
        return None
    configs = [frame.f_locals.get("self") for frame, _ in calls]
    field = re.search(r"(\w+) does not have field\(s\) (\w+)", str(error))
    if field:
        known = [camel_case(one.name) for one in utils.fields(configs[-1])]
        return f"configuration: {field[1]} has no field {field[2]!r}; {hint(field[2], known)}"
    sections = map(_wrong_section, filter(_is_experiment, configs))
    return next(filter(None, sections), f"configuration: {_as_written(_reason(error, calls))}")


def _in_config(frame: FrameType) -> bool:
    return Path(config.__file__).parent in Path(frame.f_code.co_filename).parents


def _is_experiment(one: object) -> bool:
    return isinstance(one, config.ExperimentConfig)


def _wrong_section(experiment: Any) -> str | None:
    """A section that NNI could not read, and has left as it was."""
    tuner, service = experiment.tuner, experiment.training_service
    if isinstance(tuner, str):
        return f"tuner: needs fields, such as name, and is {tuner!r}"
    if isinstance(service, TrainingServiceConfig):
        return None
    platform = service.get("platform") if isinstance(service, dict) else None
    if platform is None:
        return "trainingService: needs one platform, as in {platform: local_autosnn}"
    classes = utils.internal._all_subclasses(TrainingServiceConfig)
    known = sorted(str(one.platform) for one in classes if hasattr(one, "platform"))
    return f"trainingService.platform: NNI has no {platform!r}; {hint(str(platform), known)}"


def _reason(error: BaseException, calls: list[tuple[FrameType, int]]) -> str:
    """The message, or the condition that NNI has found not to be so."""
    lines = [linecache.getline(frame.f_code.co_filename, line).strip() for frame, line in calls]
    asserted = next((line for line in lines if line.startswith("assert ")), None)
    if asserted is None:
        return str(error).removeprefix("ExperimentConfig: ")
    needed = re.sub(r"self\.|utils\.|^assert ", "", asserted)
    return f"NNI needs {needed} ({error})".removesuffix(" ()")


def _as_written(message: str) -> str:
    """The message with names of fields as they are in files."""
    return re.sub(r"\b[a-z]+(_[a-z]+)+\b", lambda name: camel_case(name[0]), message)
