"""A user without a name, and one without a home."""

import getpass
import os
from pathlib import Path

import pytest

from autosnn_nni.containers import have_a_user


def nobody(uid: int) -> None:
    raise KeyError(f"getpwuid(): uid not found: {uid}")


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)


@pytest.mark.usefixtures("nameless")
def test_a_user_without_a_name_and_a_home_gets_both(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        getpass.getuser()
    monkeypatch.setenv("LOGNAME", "")
    monkeypatch.setenv("HOME", "/gone")
    del os.environ["HOME"]
    have_a_user()
    assert getpass.getuser() == str(os.getuid())
    assert Path.home() == Path("/")


def test_a_user_with_a_name_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody")
    monkeypatch.setenv("HOME", "/home/somebody")
    have_a_user()
    assert (getpass.getuser(), str(Path.home())) == ("somebody", "/home/somebody")
