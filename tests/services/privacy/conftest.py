"""What the tests of erasing share."""

import pytest

from bot.storage.database import Database
from tests.services.privacy.wishes import signed_twice
from tests.services.test_ledger import Story


@pytest.fixture
async def story(database: Database) -> Story:
    """Somebody signed, withdrew and signed again; so did somebody else."""
    return await signed_twice(database)
