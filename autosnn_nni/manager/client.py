"""Requests of trials and the tuner to the manager that has started them."""

import ipaddress
import os
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests

_TIMEOUT = 20.0


@dataclass(frozen=True)
class Manager:
    """NNI's manager at ``url``, e.g. ``http://localhost:8080``, with its prefix if it has one."""

    url: str

    @classmethod
    def of_tuner(cls) -> "Manager":
        """The manager of this tuner's process."""
        channel = os.environ["NNI_TUNER_COMMAND_CHANNEL"]  # ws://localhost:8080/prefix/tuner
        return cls("http" + channel.removeprefix("ws").removesuffix("/tuner"))

    @classmethod
    def of_trial(cls) -> "Manager":
        """The manager of this trial, if both run on the same machine."""
        channel = os.environ["NNI_TRIAL_COMMAND_CHANNEL"]  # http://localhost:8080/prefix/env/...
        return cls(channel.partition("/env/")[0])

    def experiment(self) -> dict[str, Any]:
        """The experiment's configuration."""
        profile: dict[str, Any] = self._get("experiment")
        params: dict[str, Any] = profile["params"]
        return params

    def trial(self, identifier: str) -> dict[str, Any]:
        """The record of a trial, as soon as it has parameters."""
        end = time.monotonic() + _TIMEOUT
        while time.monotonic() < end:
            record: dict[str, Any] = self._get(f"trial-jobs/{identifier}") or {}
            if record.get("hyperParameters"):
                return record
            time.sleep(0.05)
        raise TimeoutError(f"NNI's manager has no parameters for trial {identifier}")

    def stop(self) -> None:
        """Stop the experiment and the manager."""
        requests.delete(f"{self.url}/api/v1/nni/experiment", timeout=_TIMEOUT)

    def exposed(self) -> bool:
        """Whether other machines can reach the manager."""
        port = urlsplit(self.url).port
        return any(
            not ipaddress.ip_address(connection.laddr.ip).is_loopback
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        )

    def _get(self, path: str) -> Any:
        answer = requests.get(f"{self.url}/api/v1/nni/{path}", timeout=_TIMEOUT)
        return answer.json() if answer.ok and answer.content else None
