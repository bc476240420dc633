"""Containers often run as a user without a name or a home folder; torch and NNI ask for both."""

import getpass
import os
from pathlib import Path


def have_a_user() -> None:
    """Give a user without a name its number, and one without a home the root folder."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = str(os.getuid())
    try:
        Path.home()
    except (KeyError, RuntimeError):
        os.environ["HOME"] = "/"
