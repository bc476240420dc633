"""The order of names."""

from itertools import permutations

from autosnn_nni.data.folders import natural


def test_numbers_in_names_are_in_the_order_of_numbers() -> None:
    assert sorted(["b10", "b9", "10", "a", "9"], key=natural) == ["9", "10", "a", "b9", "b10"]


def test_names_that_differ_in_zeros_alone_have_a_fixed_order() -> None:
    """The file system's may be another in train/ than in test/, and with it the labels."""
    for names in permutations(["1", "01", "001", "01a"]):
        assert sorted(names, key=natural) == ["001", "01", "1", "01a"]
