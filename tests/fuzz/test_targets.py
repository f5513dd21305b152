"""Each target of the fuzzer takes what comes, here without guidance and in a moment."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

Feed = Callable[[bytes], object]
SIGNS = "*_`~|<>@#:/[](){}\\\u200b\u202e\x00\ud800é✅ \n,-.'\"&!%"
PIECES = ("@everyone", "https://", "discord.gg/x", "<@1>", "```", "**", "__", "\\", "pledge")
words = st.text() | st.lists(st.sampled_from([*SIGNS, *PIECES])).map("".join)
inputs = st.binary(max_size=300) | words.map(lambda text: text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_in_order_is_taken(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].feed(seed)


@pytest.mark.parametrize("feed", [pytest.param(one.feed, id=name) for name, one in TARGETS.items()])
@given(content=inputs)
@profile(max_examples=200, deadline=None, database=None)
def test_whatever_comes_is_taken_or_refused(feed: Feed, content: bytes) -> None:
    feed(content)
