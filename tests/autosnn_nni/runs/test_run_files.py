"""The names of a run's files."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.runs.run_files import RunFiles

RUN = RunFiles(Path("run"))
NAMES = st.from_regex("[ab][ab-]{0,2}", fullmatch=True)
ARCHITECTURES = st.lists(NAMES, min_size=3, max_size=3)


@given(ARCHITECTURES, ARCHITECTURES)
def test_every_architecture_has_a_folder_of_its_own(one: list[str], other: list[str]) -> None:
    assert (RUN.judged(one) == RUN.judged(other)) == (one == other)


def test_further_seeds_are_beside_the_first(tmp_path: Path) -> None:
    run = RunFiles(tmp_path)
    assert run.further_seeds() == []
    for files in (run, run.baseline("SCB_k3")):
        files.of_seed(11).path.mkdir(parents=True)
    assert run.of_seed(11).result == tmp_path / "seeds/11/result.json"
    assert [str(one.path.relative_to(tmp_path)) for one in run.networks()] == [
        *(".", "seeds/11", "baselines/SCB_k3", "baselines/SCB_k3/seeds/11")
    ]


def test_folders_of_names_without_a_dash_are_as_they_were() -> None:
    assert RUN.judged(["skip", "SRB_k3"]).path == Path("run/trust/skip-SRB_k3")
    assert RUN.judged(["skip", "skip-skip"]).path == Path("run/trust/skip+skip-skip")


def test_a_new_folder_for_what_was_is_after_the_last_one(tmp_path: Path) -> None:
    run = RunFiles(tmp_path)
    assert run.next_previous().path == tmp_path / "previous/1"
    for name in ("2", "10", "notes"):
        (tmp_path / "previous" / name).mkdir(parents=True)
    assert run.next_previous().path == tmp_path / "previous/11"
