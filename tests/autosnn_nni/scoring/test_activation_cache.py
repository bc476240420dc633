"""Activations in memory: what comes out is what went in, within the bound."""

from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from autosnn_nni.scoring.activation_cache import ActivationCache, Packed

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=5)
dtypes = st.sampled_from([torch.float32, torch.float64])


def spikes(shape: list[int], dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, shape, generator=random).to(dtype)


@given(shapes, dtypes, st.integers(0, 9), st.randoms())
def test_spikes_come_back_from_bits_in_their_own_layout(
    shape: list[int], dtype: torch.dtype, seed: int, random: Random
) -> None:
    order = random.sample(range(len(shape)), len(shape))
    x = spikes(shape, dtype, seed).permute(order)
    packed = Packed.of(x)
    again = packed.unpack()
    assert again.equal(x)
    assert again.dtype == x.dtype
    assert again.is_contiguous() == x.is_contiguous()
    assert packed.size == -(-x.numel() // 8)


def test_what_is_not_binary_comes_back_as_well() -> None:
    x = torch.rand(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    again = Packed.of(x).unpack()
    assert again.equal(x)
    assert again.stride() == x.stride()


def test_what_was_kept_does_not_follow_the_original() -> None:
    x = torch.rand(4)
    packed, before = Packed.of(x), x.clone()
    x.zero_()
    assert packed.unpack().equal(before)


def test_a_cache_gives_what_was_put_in() -> None:
    cache = ActivationCache(1000)
    steps = [spikes([2, 8], seed=1), spikes([2, 8], seed=2)]
    cache.put("key", 7.0, steps)
    beside, again = cache.get("key") or pytest.fail("nothing was kept")
    assert beside == 7.0
    assert all(a.equal(b) for a, b in zip(again, steps, strict=True))
    assert cache.get("other") is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 200), st.booleans())))
def test_a_cache_never_holds_more_than_its_limit(puts: list[tuple[int, int, bool]]) -> None:
    cache = ActivationCache(40)
    for key, size, turn in puts:
        if turn:
            cache.next_generation()
        if cache.get(key) is None:
            cache.put(key, None, [spikes([size])])
        assert 0 <= cache.size <= 40


def test_a_full_cache_makes_room_in_the_next_generation() -> None:
    cache = ActivationCache(2)
    cache.put("old", None, [spikes([8])])
    cache.put("used", None, [spikes([8])])
    cache.put("too much", None, [spikes([8])])
    assert cache.get("too much") is None
    cache.next_generation()
    assert cache.get("used") is not None
    cache.put("new", None, [spikes([8])])
    assert cache.get("new") is not None
    assert cache.get("used") is not None
    assert cache.get("old") is None
