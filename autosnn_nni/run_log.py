"""The log of a run: what its process did and when, for people who look at it later."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autosnn_nni.errors import UserError
from autosnn_nni.registry import hint
from autosnn_nni.version import __version__

#: What ``--log-level`` accepts.
LEVELS = ("debug", "info", "warning", "error")

LOG = logging.getLogger("autosnn_nni.run")
LOG.propagate = False  # NNI and Lightning have handlers of their own
LOG.addHandler(logging.NullHandler())


def check_level(level: str) -> None:
    """Raise :class:`UserError` for a level that is none of :data:`LEVELS`."""
    if level not in LEVELS:
        raise UserError(f"unknown --log-level {level!r}; {hint(level, LEVELS)}")


@contextmanager
def logged(path: Path, level: str) -> Iterator[None]:
    """Context manager in which :data:`LOG` is appended to the file ``path``, and errors too."""
    handler = _File(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(level.upper())
    LOG.info("autosnn-nni %s: %s", __version__, " ".join(sys.argv[1:]))
    try:
        yield
        LOG.info("done")
    except UserError as error:
        LOG.error("%s", error)
        raise
    except KeyboardInterrupt:
        LOG.warning("stopped")
        raise
    except BaseException:
        LOG.exception("failed")
        raise
    finally:
        LOG.removeHandler(handler)
        handler.close()


class _File(logging.FileHandler):
    """A log that can't be written, as on a full disk, is no reason to end the work."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Leave the record out."""
