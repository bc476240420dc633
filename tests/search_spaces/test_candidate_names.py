"""Names that a candidate can't have."""

import pytest
from nni.nas.nn.pytorch import LayerChoice, ModelSpace
from torch import nn

from autosnn_nni.errors import UserError
from autosnn_nni.search_spaces import BLOCKS, OPERATIONS
from autosnn_nni.search_spaces.candidate_names import is_reserved


@pytest.mark.parametrize("registry", [BLOCKS, OPERATIONS], ids=lambda one: one.kind)
@pytest.mark.parametrize("name", ["my.block", "forward", "T4", "[/bold]", "label", "training"])
def test_names_with_another_meaning_are_refused(registry: object, name: str) -> None:
    with pytest.raises(UserError, match=f"{registry.kind} can't be called"):  # type: ignore[attr-defined]
        registry.add(name, nn.Identity)  # type: ignore[attr-defined]
    assert name not in registry  # type: ignore[operator]


class Space(ModelSpace):
    def __init__(self) -> None:
        super().__init__()
        self.tbd1 = LayerChoice({"first": nn.Identity(), "second": nn.ReLU()}, label="tbd1")


def test_no_attribute_of_nnis_choice_is_free() -> None:
    taken = {name for name in dir(Space().tbd1) if not name.startswith("_")} - {"first", "second"}
    assert {name for name in taken if not is_reserved(name)} == set()


@pytest.mark.parametrize("name", ["T", "Tx4", "t4", "forwards", "T04"])
def test_other_names_are_free(name: str) -> None:
    assert not is_reserved(name)
