"""Whoever adds a column has to decide whether people are shown it."""

import pytest

from bot.storage.held import NOT_SHOWN, SHOWN
from bot.storage.tables import metadata

COLUMNS = [
    (table.name, column.name) for table in metadata.sorted_tables for column in table.columns
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_every_column_is_shown_or_has_a_reason_not_to_be(table: str, column: str) -> None:
    is_shown = column in SHOWN.get(table, ())
    reasons = {table, f"{table}.{column}"} & NOT_SHOWN.keys()
    assert len(reasons) == (0 if is_shown else 1), (table, column)


def test_nothing_is_named_that_is_not_there() -> None:
    tables = {table for table, _ in COLUMNS}
    named = {(table, column) for table, columns in SHOWN.items() for column in columns}
    assert named - set(COLUMNS) == set()
    there = tables | {f"{table}.{column}" for table, column in COLUMNS}
    assert NOT_SHOWN.keys() - there == set()
    assert all(len(reason.split()) >= 4 for reason in NOT_SHOWN.values())
