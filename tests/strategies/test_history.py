import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.search_spaces import Architecture
from autosnn_nni.strategies import Evaluated, History

A, B, C = ("skip", "SCB_k3"), ("SRB_k3", "SCB_k3"), ("skip", "SRB_k5")


def evaluated(blocks: Architecture, fitness: float, generation: int = 1) -> Evaluated:
    return Evaluated(blocks, accuracy=0.5, spikes=10.0, fitness=fitness, generation=generation)


def test_it_is_a_sequence_in_the_order_of_evaluation() -> None:
    rows = [evaluated(B, 0.2), evaluated(A, 0.9), evaluated(C, 0.4)]
    history = History(rows)
    assert list(history) == rows
    assert len(history) == 3
    assert history[1] == rows[1]
    assert history[1:] == rows[1:]
    assert history.seen == {A, B, C}


def test_no_architecture_stands_in_it_twice() -> None:
    history = History([evaluated(A, 0.1)])
    with pytest.raises(ValueError, match="evaluated before"):
        history.extend([evaluated(A, 0.9, generation=2)])
    with pytest.raises(ValueError, match="evaluated before"):
        History([evaluated(B, 0.1), evaluated(B, 0.1)])


def test_generations_are_those_evaluated() -> None:
    history = History()
    assert history.generations == 0
    history.extend([evaluated(A, 0.1), evaluated(B, 0.2)])
    assert history.generations == 1
    history.extend([evaluated(C, 0.1, generation=2)])
    assert history.generations == 2


def test_the_top_are_the_fittest_of_all_generations_best_first() -> None:
    history = History([evaluated(A, 0.5), evaluated(B, 0.1)])
    assert [one.blocks for one in history.top(1)] == [A]
    history.extend([evaluated(C, 0.9, generation=2)])
    assert [one.blocks for one in history.top(2)] == [C, A]
    assert [one.blocks for one in history.top(10)] == [C, A, B]


def test_of_equals_the_one_evaluated_first_stays_on_top() -> None:
    history = History([evaluated(B, 0.5), evaluated(A, 0.5)])
    history.extend([evaluated(C, 0.5, generation=2)])
    assert [one.blocks for one in history.top(3)] == [B, A, C]


NAMES = st.sampled_from(["skip", "SCB_k3", "SRB_k5", "Größe 7"])
ROWS = st.lists(
    st.builds(
        Evaluated,
        blocks=st.tuples(NAMES, NAMES, NAMES),
        accuracy=st.floats(0, 1),
        spikes=st.floats(0, 1e9),
        fitness=st.floats(-10, 10),
        generation=st.integers(1, 10),
    ),
    unique_by=lambda one: one.blocks,
)


@given(ROWS)
def test_json_gives_back_the_same_history(rows: list[Evaluated]) -> None:
    history = History(rows)
    restored = History.from_json(json.loads(json.dumps(history.to_json())))
    assert list(restored) == list(history)
    assert restored.seen == history.seen
    assert restored.generations == history.generations
