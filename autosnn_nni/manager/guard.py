"""The environment in which NNI's manager starts, so that it loads ``preload.js``.

NNI 3.0 has no option for what that file cures: a manager that listens to the whole network,
parameters that reach the wrong trial, a dead tuner that is waited for, a manager that outlives a
killed client.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Only this machine reaches the manager.
LOOPBACK = "127.0.0.1"

_PRELOAD = Path(__file__).with_name("preload.js")
_NAMES = ("NODE_OPTIONS", "AUTOSNN_NODE_OPTIONS", "AUTOSNN_LISTEN", "AUTOSNN_OWNER")


def guard(listen: str = LOOPBACK, owner: int | None = None) -> None:
    """Let the managers that this process starts from now on load ``preload.js``.

    They listen on the address ``listen`` and, with an ``owner``, end when that parent process
    does. Warns where others than this machine can reach them.
    """
    if listen != LOOPBACK:
        sys.stderr.write(
            f"autosnn: warning: NNI's manager listens on {listen} without a password; whoever "
            "reaches its port can run code as you\n"
        )
    before = os.environ.get("AUTOSNN_NODE_OPTIONS", os.environ.get("NODE_OPTIONS", ""))
    os.environ["AUTOSNN_NODE_OPTIONS"] = before
    os.environ["NODE_OPTIONS"] = f'{before} --require="{_PRELOAD}"'.strip()
    os.environ["AUTOSNN_LISTEN"] = listen
    os.environ.pop("AUTOSNN_OWNER", None)
    if owner is not None:
        os.environ["AUTOSNN_OWNER"] = str(owner)


@contextmanager
def guarded(listen: str = LOOPBACK) -> Iterator[None]:
    """Managers started within end with this process, and listen on the address ``listen``."""
    before = {name: os.environ.get(name) for name in _NAMES}
    guard(listen, owner=os.getpid())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
