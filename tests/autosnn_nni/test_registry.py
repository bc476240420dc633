import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.errors import UserError
from autosnn_nni.registry import Registry


def blocks(*names: str) -> Registry[int]:
    registry: Registry[int] = Registry("block")
    for number, name in enumerate(names):
        registry.add(name, number)
    return registry


@given(st.lists(st.text(), unique=True))
def test_items_are_found_by_name_in_the_order_they_were_added(names: list[str]) -> None:
    registry = blocks(*names)
    assert list(registry) == names
    assert [registry[name] for name in names] == list(range(len(names)))
    assert len(registry) == len(names)


def test_register_is_a_decorator_that_keeps_the_function() -> None:
    registry: Registry[object] = Registry("fitness")

    @registry.register("mine")
    def mine() -> None: ...

    assert registry["mine"] is mine


def test_a_name_cannot_be_taken_twice() -> None:
    registry = blocks("skip")
    with pytest.raises(UserError, match=r"block 'skip' is registered twice; choose another name"):
        registry.add("skip", 7)
    assert registry["skip"] == 0


def test_a_misspelt_name_gets_the_nearest_one() -> None:
    with pytest.raises(UserError, match=r"^unknown block 'SRB_k4'; did you mean 'SRB_k\d'\?$"):
        blocks("skip", "SRB_k3", "SRB_k5")["SRB_k4"]


def test_a_strange_name_gets_all_known_ones() -> None:
    with pytest.raises(UserError, match=r"^unknown block 'transformer'; known: skip, SRB_k3$"):
        blocks("skip", "SRB_k3")["transformer"]


def test_membership_asks_without_raising() -> None:
    assert "skip" in blocks("skip")
    assert "skipp" not in blocks("skip")
