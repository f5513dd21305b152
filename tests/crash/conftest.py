"""What the crash tests share."""

from collections.abc import Iterator

import pytest

from tests.crash.handle import forkserver


@pytest.fixture(scope="package", autouse=True)
def _forkserver() -> Iterator[None]:
    """The process that bots are forked from, for as long as these tests run."""
    with forkserver():
        yield
