"""Files are there whole or not at all."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosnn_nni import files
from autosnn_nni.errors import UserError
from autosnn_nni.files import (
    clear_temporaries,
    read_json,
    write_json,
    write_whole,
    write_whole_with,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(JSON)
def test_json_comes_back_as_it_was(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == value


@pytest.mark.parametrize("content", ["text: λ\n", b"\x00\xff", ""])
def test_text_and_bytes_are_written_as_they_are(content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "a new folder/file"
    write_whole(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(path.parent.iterdir()) == [path]


def test_a_written_file_may_be_read_by_others(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "for all")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    seen = []

    def write(temporary: Path) -> None:
        temporary.write_text("ne")
        seen.append(path.read_text())
        temporary.write_text("new")
        assert temporary.parent == path.parent  # else the last step could not be a rename

    write_whole_with(path, write)
    assert seen == ["old"]
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt(), ValueError()]
)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    error: BaseException, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise error

    with pytest.raises(UserError if isinstance(error, OSError) else type(error)):
        write_whole_with(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_the_users_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*/file \(No space left on device\).*free"):
        write_whole(tmp_path / "file", "text")
    assert not list(tmp_path.iterdir())


def test_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "file", []

    def fsync(handle: int) -> None:
        synced.append((os.fstat(handle).st_size, path.exists()))

    monkeypatch.setattr(files.os, "fsync", fsync)
    write_whole(path, "text")
    assert synced == [(4, False)]


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*choose another --output"):
        write_whole(tmp_path / "file/inside", "text")


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "does not exist"), ("{", "cannot be read"), (b"\xff", "cannot be read")],
)
def test_json_that_cannot_be_read_is_named(
    content: str | bytes | None, fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "state.json"
    if content is not None:
        write_whole(path, content)
    with pytest.raises(UserError, match=rf"state\.json {fault}"):
        read_json(path)


def test_a_folder_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_json(tmp_path)


def test_temporaries_of_the_killed_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / ".file.tmp"
    kept.write_text("the user's")

    def killed(temporary: Path) -> None:
        temporary.rename(temporary.with_name("moved"))  # so that it is not cleaned up
        os.link(tmp_path / "moved", temporary)
        left.append(temporary.name)
        raise SystemExit

    left: list[str] = []
    with pytest.raises(SystemExit):
        write_whole_with(tmp_path / "file", killed)
    (tmp_path / "moved").rename(tmp_path / left[0])
    clear_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]
