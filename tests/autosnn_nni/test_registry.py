import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosnn_nni.data import DATASETS
from autosnn_nni.errors import UserError
from autosnn_nni.registry import Registry
from autosnn_nni.search_spaces import BLOCKS, MACROS


def blocks(*names: str) -> Registry[int]:
    registry: Registry[int] = Registry("block")
    for number, name in enumerate(names):
        registry.add(name, number)
    return registry


@given(st.lists(st.from_regex("[A-Za-z][A-Za-z0-9_-]*", fullmatch=True), unique=True))
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


@pytest.mark.parametrize(
    "name", ["", "my.block", "[/bold]", "3x3", "_mine", "a b", "a,b", "a/b", "é", "a\n", 7, None]
)
def test_a_name_that_other_places_could_not_read_is_refused(name: Any) -> None:
    with pytest.raises(UserError, match=f"^block can't be called {re.escape(repr(name))}; begin"):
        blocks(name)


def test_a_registry_may_allow_other_signs_and_reserve_names() -> None:
    registry: Registry[int] = Registry("network", lambda name: name == "all", signs="._-")
    registry.add("Net-0.5", 1)
    with pytest.raises(UserError, match="network can't be called 'all', which has a meaning"):
        registry.add("all", 2)


CELL = """
class Mine: ...

shared.add("mine", Mine)
shared.add("number", {number})
"""


def run_cell(variables: dict[str, Any], cell: str) -> None:
    exec(compile(cell, "<cell>", "exec"), variables)


def test_a_cell_that_is_run_again_replaces_what_it_has_registered() -> None:
    registry: Registry[Any] = Registry("block")
    notebook = {"__name__": "__main__", "shared": registry}
    run_cell(notebook, CELL.format(number=1))
    run_cell(notebook, CELL.format(number=2))
    assert registry["mine"] is notebook["Mine"]
    assert registry["number"] == 2
    with pytest.raises(UserError, match="'mine' is registered twice"):
        run_cell(notebook, "class Other: ...\nshared.add('mine', Other)")
    with pytest.raises(UserError, match="'mine' is registered twice"):
        run_cell({"__name__": "elsewhere", "shared": registry}, CELL.format(number=3))


@pytest.mark.parametrize("registry", [BLOCKS, MACROS, DATASETS], ids=lambda one: one.kind)
def test_what_the_package_has_registered_stays(registry: Registry[Any]) -> None:
    for name, item in list(registry.items())[:3]:
        with pytest.raises(UserError, match=f"'{name}' is registered twice"):
            registry.add(name, item)
        notebook = {"__name__": "__main__", "registry": registry, "item": item}
        with pytest.raises(UserError, match=f"'{name}' is registered twice"):
            run_cell(notebook, f"registry.add({name!r}, item)")
