"""Downloads from a real server, on this machine: what they show, keep and leave."""

import hashlib
import io
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torchvision.datasets
from spikingjelly.datasets import CIFAR10DVS

from autosnn_nni.data import load_dataset
from autosnn_nni.data.downloads import downloading
from autosnn_nni.data.recordings import Recordings
from tests.autosnn_nni.conftest import message
from tests.autosnn_nni.data.test_torchvision_files import TRAIN, write_svhn

FILES = ("train_32x32.mat", "test_32x32.mat")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """A server of tests keeps no log."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Print no error if a client stops reading: torchvision does to learn of redirections."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which its files are served."""
    folder = tmp_path / "server"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def svhn(server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a server that has files called as those of SVHN."""
    folder, address = server
    write_svhn(folder)
    parts = {
        name.partition("_")[0]: [f"{address}/{name}", name, md5((folder / name).read_bytes())]
        for name in FILES
    }
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", parts)
    return folder


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


Shown = Callable[[], str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    """What is printed to standard error; nothing to standard output."""

    def read() -> str:
        out, err = capsys.readouterr()
        assert out == ""
        return err

    return read


def test_every_file_has_a_bar_with_its_size(svhn: Path, tmp_path: Path, shown: Shown) -> None:
    folder = tmp_path / "data"
    assert len(load_dataset("SVHN", folder).train) == TRAIN
    for line, name in zip(shown().splitlines(), FILES, strict=True):
        size = f"{(svhn / name).stat().st_size / 1000:.1f}"
        assert line.startswith("Downloading SVHN ")
        assert f" {size}/{size} kB " in line
    assert {file.name for file in folder.iterdir()} == set(FILES)
    load_dataset("SVHN", folder)
    assert shown() == ""  # what is there is not downloaded again


@pytest.mark.parametrize("fault", ["missing", "half"])
def test_a_download_that_fails_leaves_nothing(
    fault: str, svhn: Path, tmp_path: Path, shown: Shown
) -> None:
    file = svhn / "test_32x32.mat"
    file.unlink() if fault == "missing" else file.write_bytes(bytes(1000))
    said = message("SVHN", tmp_path / "data")
    assert f"SVHN is not in {tmp_path}/data and could not be downloaded (" in said
    assert shown().startswith("Downloading SVHN ")
    assert [path.name for path in tmp_path.iterdir()] == ["server"]


def test_archives_of_recordings_have_bars_too(
    server: tuple[Path, str], tmp_path: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = server
    content = bytes(2_000_000)
    (folder / "deer.zip").write_bytes(content)
    resource = ("deer.zip", f"{address}/deer.zip", md5(content))
    monkeypatch.setattr(CIFAR10DVS, "resource_url_md5", staticmethod(lambda: [resource]))
    recordings = Recordings("CIFAR10DVS", tmp_path / "data", ("deer.zip",))
    recordings.download()
    assert recordings.missing() == []
    (line,) = shown().splitlines()
    assert line.startswith("Downloading CIFAR10DVS ")
    assert "2.0/2.0 MB" in line


def test_a_terminal_sees_the_bar_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import utils

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, before = Terminal(), utils.tqdm
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", terminal)
    with downloading("A", tmp_path), utils.tqdm(total=4000) as bar:
        bar.update(1000)
        bar.update(3000)
    assert "0.0/4.0 kB" in terminal.getvalue()
    assert "4.0/4.0 kB" in terminal.getvalue()
    assert utils.tqdm is before
