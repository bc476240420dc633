"""The build backend, without building a wheel."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from setuptools import build_meta

from autosnn_nni.kernels.c import build_kernels
from autosnn_nni.pretrained.index import FOLDER

ROOT = Path(build_kernels.__file__).parents[3]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the backend compiles to."""
    monkeypatch.setattr(build_kernels, "LIBRARY", tmp_path / "libkernels.so")
    return build_kernels.LIBRARY


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The settings that setuptools is asked to build wheels with."""
    asked: list[object] = []

    def build(folder: str, settings: object, metadata: object) -> str:
        asked.append(settings)
        return "autosnn.whl"

    monkeypatch.setattr(build_meta, "build_wheel", build)
    monkeypatch.setattr(build_meta, "build_editable", build)
    return asked


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(build_kernels, "find_spec", lambda name: None)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that works, and is fast."""
    monkeypatch.setattr(build_kernels, "compilers", lambda: iter([["fast"]]))
    monkeypatch.setattr(build_kernels, "compile_kernels", lambda path, command: path.touch())


def script(path: Path, *lines: str) -> str:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("hook", [build_kernels.build_wheel, build_kernels.build_editable])
@pytest.mark.usefixtures("no_compiler")
def test_without_a_compiler_there_are_no_kernels(
    hook: object, library: Path, wheels: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    library.write_bytes(b"of an earlier build")
    assert hook("dist") == "autosnn.whl"  # type: ignore[operator]
    assert not library.exists()
    assert (
        "no C compiler works: the package is built without its kernels" in capsys.readouterr().err
    )
    assert not wheels[0], "any platform"


@pytest.mark.usefixtures("compiled")
def test_a_wheel_with_kernels_is_for_one_platform(library: Path, wheels: list[object]) -> None:
    build_kernels.build_wheel("dist", {"--build-option": ["--verbose"]})
    assert library.exists()
    (settings,) = wheels
    verbose, platform = settings["--build-option"]  # type: ignore[index]
    assert verbose == "--verbose"
    assert platform.startswith("--plat-name=")
    assert "-" not in platform.removeprefix("--plat-name=")


@pytest.mark.usefixtures("no_compiler")
def test_pip_brings_a_compiler_if_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = (
        build_kernels.get_requires_for_build_wheel,
        build_kernels.get_requires_for_build_editable,
    )
    for hook in hooks:
        assert any(name.startswith("ziglang") for name in hook())
    monkeypatch.setattr(build_kernels, "compilers", lambda: iter([["cc"]]))
    for hook in hooks:
        assert not any(name.startswith("ziglang") for name in hook())


@pytest.mark.usefixtures("no_compiler")
def test_the_compiler_of_ziglang_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_kernels, "find_spec", lambda name: name == "ziglang")
    assert list(build_kernels.compilers()) == [[sys.executable, "-m", "ziglang", "cc"]]


def test_a_compiler_without_headers_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = script(tmp_path / "cc", "echo no stdlib.h >&2", "exit 1")
    script(tmp_path / "gcc", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", f"{broken} -m32")
    assert [" ".join(one) for one in build_kernels.compilers()] == ["gcc"]


def test_if_a_compiler_fails_the_next_is_tried(
    library: Path,
    wheels: list[object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def compile_kernels(path: Path, command: list[str]) -> None:
        if command == ["old"]:
            raise subprocess.CalledProcessError(1, command, stderr=b"unknown option -mavx512f")
        path.touch()

    monkeypatch.setattr(build_kernels, "compilers", lambda: iter([["old"], ["new"]]))
    monkeypatch.setattr(build_kernels, "compile_kernels", compile_kernels)
    build_kernels.build_editable("dist")
    assert library.exists()
    assert "old failed" in (told := capsys.readouterr().err)
    assert "unknown option -mavx512f" in told


@pytest.mark.slow
def test_the_source_distribution_has_all_that_is_compiled_or_read(tmp_path: Path) -> None:
    """Built in a copy: setuptools writes next to the sources."""
    ignored = shutil.ignore_patterns(".*", "tests", "build", "*.so", "*.egg-info")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=ignored)
    code = (
        "import sys; sys.path.insert(0, 'autosnn_nni/kernels/c'); import build_kernels;"
        "build_kernels.build_sdist('dist')"
    )
    command = [sys.executable, "-c", code]
    subprocess.run(command, cwd=tmp_path / "copy", check=True, capture_output=True)
    (archive,) = (tmp_path / "copy/dist").glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {Path(name).relative_to(Path(name).parts[0]) for name in file.getnames()}
    sources = {path.relative_to(ROOT) for path in build_kernels.SOURCES.glob("*.[chp]*")}
    weights = {path.relative_to(ROOT) for path in FOLDER.glob("*.*") if path.suffix != ".py"}
    assert sources | weights <= names
    assert not [name for name in names if name.suffix == ".so"]


def test_a_library_that_is_not_linked_is_not_there(tmp_path: Path) -> None:
    linker = script(tmp_path / "cc", 'case "$*" in *-shared*) exit 1;; esac')
    with pytest.raises(subprocess.CalledProcessError):
        build_kernels.compile_kernels(tmp_path / "libkernels.so", [linker])
    assert not (tmp_path / "libkernels.so").exists()
