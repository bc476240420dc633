import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.numbers import number


@pytest.mark.parametrize(
    ("text", "value"),
    [("80000", 8e4), ("80K", 8e4), ("80k", 8e4), ("1.2M", 1.2e6), ("0.85", 0.85), ("8e4", 8e4)],
)
def test_numbers_are_plain_or_have_a_unit(text: str, value: float) -> None:
    assert number(text, "--max-spikes") == value


@pytest.mark.parametrize("text", ["", "K", "many", "80G", "80 %", "1,000", "nan"])
def test_others_are_refused_by_the_option_s_name(text: str) -> None:
    with pytest.raises(UserError, match=r"^--max-spikes must be a number such as 80000, 80K"):
        number(text, "--max-spikes")
