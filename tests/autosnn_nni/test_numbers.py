import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.numbers import format_accuracy, format_rate, format_spikes, number


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


def test_a_deviation_has_the_decimals_of_its_mean() -> None:
    assert format_accuracy(0.947, 0.0041) == "94.7 ± 0.4 %"
    assert format_spikes(3412.3, 25.1) == "3,412 ± 25"
    assert format_spikes(8.25, 0.31) == "8.2 ± 0.3"
    assert format_rate(0.1234, 0.0021) == "0.123 ± 0.002"


@pytest.mark.parametrize(
    ("std", "shown"),
    [(0.0, "94.7 ± 0.0 %"), (0.0004, "94.70 ± 0.04 %"), (0.00096, "94.7 ± 0.1 %")],
)
def test_a_small_deviation_is_not_shown_as_none(std: float, shown: str) -> None:
    assert format_accuracy(0.947, std) == shown


def test_an_unknown_deviation_is_left_out() -> None:
    assert format_accuracy(0.947) == "94.7 %"
    assert format_spikes(3412.3) == "3,412"
    assert format_rate(0.1234) == "0.123"
    assert format_rate(None) == "\N{EN DASH}"
