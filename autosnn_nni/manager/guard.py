"""Environment variables that make NNI's manager load ``preload.js``.

That file fixes what NNI 3.0 has no option for: the manager listens on all interfaces, parameters
reach the wrong trial, the manager waits for a dead tuner, it outlives a killed client, and its web
UI hides what matters and takes icons from the net.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autosnn_nni.manager.columns import first_columns

#: Only this machine can reach the manager at this address.
LOOPBACK = "127.0.0.1"

_PRELOAD = Path(__file__).with_name("preload.js")
_NAMES = (
    *("NODE_OPTIONS", "AUTOSNN_NODE_OPTIONS"),
    *("AUTOSNN_LISTEN", "AUTOSNN_OWNER", "AUTOSNN_COLUMNS"),
)


def guard(listen: str = LOOPBACK, owner: int | None = None, choices: Iterable[str] = ()) -> None:
    """Make the managers that this process starts from now on load ``preload.js``.

    They listen on the address ``listen`` and, with an ``owner``, end with that parent process.
    ``choices`` are those of AutoSNN's architectures, which their web UI shows first; in another
    experiment there are none. Prints a warning if other machines can reach them.
    """
    if listen != LOOPBACK:
        sys.stderr.write(
            f"autosnn: warning: NNI's manager listens on {listen} without a password; anyone who "
            "reaches its port can run code as you\n"
        )
    before = os.environ.get("AUTOSNN_NODE_OPTIONS", os.environ.get("NODE_OPTIONS", ""))
    os.environ["AUTOSNN_NODE_OPTIONS"] = before
    os.environ["NODE_OPTIONS"] = f'{before} --require="{_PRELOAD}"'.strip()
    os.environ["AUTOSNN_LISTEN"] = listen
    os.environ["AUTOSNN_OWNER"] = "" if owner is None else str(owner)
    labels = list(choices)
    os.environ["AUTOSNN_COLUMNS"] = json.dumps(first_columns(labels)) if labels else ""


@contextmanager
def guarded(listen: str = LOOPBACK, choices: Iterable[str] = ()) -> Iterator[None]:
    """Context manager: managers started in it listen on ``listen`` and end with this process."""
    before = {name: os.environ.get(name) for name in _NAMES}
    guard(listen, os.getpid(), choices)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
