from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.search_spaces import (
    BLOCKS,
    from_sample,
    from_text,
    in_order,
    labels,
    split_timesteps,
    timesteps_name,
    to_sample,
    to_text,
)

blocks_alone = st.lists(st.sampled_from(sorted(BLOCKS)), min_size=1, max_size=30).map(tuple)
timesteps = st.integers(1, 1000)
with_timesteps = st.builds(lambda blocks, t: (*blocks, timesteps_name(t)), blocks_alone, timesteps)
architectures = blocks_alone | with_timesteps


@given(architectures)
def test_a_sample_and_back(blocks: tuple[str, ...]) -> None:
    assert from_sample(to_sample(blocks)) == blocks


@given(architectures, st.randoms())
def test_a_samples_order_says_nothing(blocks: tuple[str, ...], random: object) -> None:
    items = list(to_sample(blocks).items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert from_sample(dict(items)) == blocks


@given(architectures)
def test_a_text_and_back(blocks: tuple[str, ...]) -> None:
    assert from_text(to_text(blocks)) == blocks
    assert from_text(",".join(blocks)) == blocks


def test_labels_count_from_one() -> None:
    assert labels(3) == ("tbd1", "tbd2", "tbd3")


def test_a_sample_of_nnis_string_subclass_becomes_plain() -> None:
    class Label(str): ...

    blocks = from_sample({Label("tbd2"): Label("skip"), Label("tbd1"): Label("SCB_k3")})
    assert blocks == ("SCB_k3", "skip")
    assert {type(name) for name in blocks} == {str}


@given(blocks_alone, timesteps)
def test_timesteps_come_apart_from_the_blocks(blocks: tuple[str, ...], count: int) -> None:
    assert split_timesteps((*blocks, timesteps_name(count))) == (blocks, count)
    assert split_timesteps(blocks) == (blocks, None)


def test_timesteps_have_a_label_of_their_own_behind_the_blocks() -> None:
    assert to_sample(("skip", "SCB_k3", "T4")) == {
        "tbd1": "skip",
        "tbd2": "SCB_k3",
        "timesteps": "T4",
    }
    assert in_order(["timesteps", "tbd2", "tbd1"]) == ("tbd1", "tbd2", "timesteps")
