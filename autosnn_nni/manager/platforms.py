"""Platforms ``local_autosnn`` and ``remote_autosnn``: NNI's own, with a safe manager.

Once registered with NNI (``autosnn register``), this module is imported by nnictl whenever it reads
a configuration. A platform's validation is the only place where nnictl runs our code before it
starts the manager.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from nni.experiment.config.training_services import LocalConfig, RemoteConfig
from nni.tools.package_utils import get_algo_meta

from autosnn_nni.errors import UserError
from autosnn_nni.manager.checks import check_run, check_tuner, is_ours
from autosnn_nni.manager.guard import LOOPBACK, guard
from autosnn_nni.manager.nnictl import improve_nnictl, is_viewing, name_only_loopback


@dataclass(init=False)
class LocalAutoSNNConfig(LocalConfig):
    """NNI's local platform; ``listen`` is the address that the manager listens on."""

    platform: Literal["local_autosnn"] = "local_autosnn"
    listen: str = LOOPBACK

    def _canonicalize(self, parents: list[Any]) -> None:
        super()._canonicalize(parents)
        self.nni_manager_ip = LOOPBACK
        self._experiment = parents[0]

    def _validate_canonical(self) -> None:
        _prepare_manager(self, self._experiment)
        super()._validate_canonical()


@dataclass(init=False)
class RemoteAutoSNNConfig(RemoteConfig):
    """NNI's remote platform; ``listen`` is the address that the manager listens on.

    The workers connect to ``nni_manager_ip``: 127.0.0.1 through an ssh tunnel, or an address that
    ``listen`` opens to them.
    """

    platform: Literal["remote_autosnn"] = "remote_autosnn"
    listen: str = LOOPBACK

    def _canonicalize(self, parents: list[Any]) -> None:
        super()._canonicalize(parents)
        self.nni_manager_ip = vars(self)["nni_manager_ip"] or LOOPBACK
        self._experiment = parents[0]

    def _validate_canonical(self) -> None:
        self._check_address()
        _prepare_manager(self, self._experiment)
        super()._validate_canonical()

    def _check_address(self) -> None:
        if self.listen != LOOPBACK == self.nni_manager_ip:
            raise UserError(
                f"trainingService.nniManagerIp: the manager listens on {self.listen}; set the "
                "address at which the workers reach this machine"
            )


def _prepare_manager(service: Any, experiment: Any) -> None:
    """Check the experiment, and prepare the environment that its manager inherits."""
    # Trials run with the Python of nnictl, even if its environment is not activated.
    folder = str(Path(sys.executable).parent)
    if folder not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    if not is_viewing():
        _check_service(service)
        _check(experiment)
    ours = is_ours(experiment.tuner)
    guard(service.listen, choices=(experiment.search_space or ()) if ours else ())
    if service.listen == LOOPBACK:
        name_only_loopback()


def _check_service(service: Any) -> None:
    if not isinstance(service.listen, str):
        raise UserError(f"trainingService.listen: must be an address, not {service.listen!r}")
    if service.reuse_mode:
        raise UserError(
            f"trainingService.reuseMode: not supported by {service.platform}; leave it out"
        )


_checked: set[str] = set()


def _check(experiment: Any) -> None:
    key = repr(experiment)
    tuner = experiment.tuner
    if key in _checked or tuner is None:  # NNI validates a configuration several times
        return
    if tuner.name is not None and get_algo_meta(tuner.name) is None:
        raise UserError(f"tuner.name: NNI has no tuner {tuner.name!r}; is it registered?")
    if is_ours(tuner):
        check_tuner(tuner.class_args or {})
        check_run(Path(experiment.trial_code_directory), experiment.search_space)
    _checked.add(key)


improve_nnictl()

nni_training_service_info = SimpleNamespace(
    config_class=LocalAutoSNNConfig, node_module_path=Path(__file__), node_class_name="unused"
)
