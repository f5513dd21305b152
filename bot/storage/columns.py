"""What tables are made of: names of constraints, and types that mean the same on both engines."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import BigInteger, Column, DateTime, Dialect, ForeignKey, Integer, MetaData, Text
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")
"""Discord ids and row ids: 64 bits on both engines (an SQLite INTEGER is 64 bits wide)."""


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: `timestamptz` on PostgreSQL, fixed-width ISO text on SQLite, so it sorts."""

    impl = Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "instants must be aware"
            raise ValueError(msg)
        value = value.astimezone(UTC)
        if dialect.name == "postgresql":
            return value
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> "_Reader | None":
        # Not `process_result_value`, which costs two more calls for each of a million instants.
        return None if dialect.name == "postgresql" else _read_instant


class _Reader(Protocol):
    def __call__(self, value: Any) -> datetime | None: ...


def _read_instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


class Word(TypeDecorator[str]):
    """A word of a vocabulary that grows with what Pledge can do; others are refused.

    The tables do not list these words themselves: for each new one SQLite would have to copy
    the whole table.

    Args:
        vocabulary: the words known to this version.
    """

    impl = Text
    cache_ok = True

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.vocabulary(value).value


def one_of(column: str, values: type[StrEnum]) -> str:
    """The condition that a column holds one of these words."""
    return f"{column} IN ({quoted(values)})"


def quoted(values: Iterable[StrEnum]) -> str:
    """Words as SQL lists them."""
    return ", ".join(f"'{value}'" for value in values)


def group_key() -> Column[str]:
    """The column that says whose row it is."""
    return Column("group_key", Text, ForeignKey("groups.key"), nullable=False)
