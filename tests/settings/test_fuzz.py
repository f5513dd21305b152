"""Whatever stands in a file, the answer is the settings or one refusal."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from bot.domain.errors import ConfigurationError
from bot.settings import Settings, load_agreement
from tests.settings.samples import AGREEMENT, CONFIG

Load = Callable[[Path], object]
LOADERS = [
    pytest.param(load_agreement, AGREEMENT, id="agreement"),
    pytest.param(lambda path: Settings.load(path, {}), CONFIG, id="config"),
]
TOKENS = ["a", ":", " ", "\n", "-", "?", "[", "]", "{", "}", ",", "&", "*", "!", "|", ">", "'"]
TOKENS += ['"', "#", "%", "@", "`", "\\", "\t", "\r", "---", "...", "<<", "0", "~", "é", "\x85"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()


def refused_or_loaded(load: Load, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.yaml")
        path.write_bytes(content)
        try:
            load(path)
        except ConfigurationError as error:
            assert str(error).startswith(str(path))
            assert all("; " in line for line in str(error).split("\n"))


@pytest.mark.parametrize(("load", "sample"), LOADERS)
@given(content=st.binary(max_size=200) | st.lists(st.sampled_from(TOKENS)).map("".join))
@profile(max_examples=150, deadline=None, database=None)
def test_load_refuses_or_loads_any_bytes(load: Load, sample: str, content: bytes | str) -> None:
    refused_or_loaded(load, content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(("load", "sample"), LOADERS)
@given(data=st.data())
@profile(max_examples=50, deadline=None, database=None)
def test_load_refuses_or_loads_any_structure(load: Load, sample: str, data: st.DataObject) -> None:
    """A working file with one value anywhere in it replaced by anything."""
    document = yaml.safe_load(sample)
    node = document
    while True:
        places = list(node) if isinstance(node, dict) else list(range(len(node)))
        place = data.draw(st.sampled_from(places))
        inner = node[place]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        node = inner
    node[place] = data.draw(
        st.recursive(
            scalars,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(scalars, inner, max_size=3),
            max_leaves=5,
        )
    )
    refused_or_loaded(load, yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "replace"))


@pytest.mark.parametrize(("load", "sample"), LOADERS)
@given(data=st.data())
@profile(max_examples=150, deadline=None, database=None)
def test_load_refuses_or_loads_a_damaged_file(load: Load, sample: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, min(len(sample), start + 30)))
    middle = "".join(data.draw(st.lists(st.sampled_from(TOKENS), max_size=5)))
    refused_or_loaded(load, (sample[:start] + middle + sample[end:]).encode())
