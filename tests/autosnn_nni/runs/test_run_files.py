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


def test_folders_of_names_without_a_dash_are_as_they_were() -> None:
    assert RUN.judged(["skip", "SRB_k3"]).path == Path("run/trust/skip-SRB_k3")
    assert RUN.judged(["skip", "skip-skip"]).path == Path("run/trust/skip+skip-skip")
