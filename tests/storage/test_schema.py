"""The migrations make exactly the tables that the code describes, on both engines."""

import re
from collections.abc import Callable
from typing import TypeVar

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from bot.storage import migrations
from bot.storage.database import Database
from bot.storage.tables import metadata

NAME = re.compile("(pk|uq|ck|fk|ix)_[a-z_0-9]+")
ResultT = TypeVar("ResultT")

SQLITE = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
POSTGRES = {
    "column": """
        SELECT table_name || '.' || column_name, concat_ws(' ', udt_name, character_maximum_length,
            is_nullable, column_default, is_identity)
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraint": """
        SELECT conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "index": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def clauses(statement: str) -> list[str]:
    """The parts of a CREATE statement, blanks and line ends made alike; their order is free."""
    head, _, rest = re.sub(r"\)(\s*STRICT)?\s*$", r",\1", statement).partition("(")
    parts, depth = [""], 0
    for character in rest:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [" ".join(part.split()) for part in (head, *parts)]


def read_sqlite(connection: Connection) -> set[tuple[str, str]]:
    return {
        (name, clause)
        for name, sql in connection.execute(text(SQLITE))
        for clause in clauses(sql)
        if name not in ("alembic_version", "sqlite_sequence")
    }


def read_postgres(connection: Connection) -> set[tuple[str, str]]:
    return {
        (f"{kind} {name}", definition)
        for kind, query in POSTGRES.items()
        for name, definition in connection.execute(text(query))
        if "alembic_version" not in f"{name} {definition}"
    }


def read(connection: Connection) -> set[tuple[str, str]]:
    """Everything the engine knows about our tables: what it is called and what it says."""
    is_sqlite = connection.dialect.name == "sqlite"
    return read_sqlite(connection) if is_sqlite else read_postgres(connection)


def make_anew(connection: Connection) -> None:
    """The tables as the code describes them, in place of those the migrations made."""
    metadata.drop_all(connection)
    metadata.create_all(connection)


async def ask(database: Database, question: Callable[[Connection], ResultT]) -> ResultT:
    async with database.write() as tx:
        return await tx.run_sync(question)


async def test_migrated_tables_are_the_described_ones(database: Database) -> None:
    migrated = await ask(database, read)
    await ask(database, make_anew)
    described = await ask(database, read)
    assert (migrated - described, described - migrated) == (set(), set())
    assert len(described) > 100


async def test_alembic_finds_nothing_to_add_when_it_compares(database: Database) -> None:
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    assert await ask(database, compare) == []


async def test_every_constraint_and_index_has_a_name_of_ours(database: Database) -> None:
    nameless: list[tuple[str, str]] = []
    for name, definition in await ask(database, read):
        if database.dialect == "sqlite":
            # SQLite has no other form of the last one, and makes no object of it.
            kind = r"\b(PRIMARY KEY|UNIQUE|CHECK|FOREIGN KEY|REFERENCES)\b(?! AUTOINCREMENT)"
            named = re.match(f"CREATE|CONSTRAINT {NAME.pattern} ", definition)
            if re.search(kind, definition) and not named:
                nameless.append((name, definition))
            is_index = re.match("CREATE (UNIQUE )?INDEX", definition)
            if is_index and not NAME.fullmatch(name):
                nameless.append((name, definition))
        else:
            kind, _, bare = name.partition(" ")
            # PostgreSQL names what says NOT NULL itself, since version 18.
            if kind != "column" and " NOT NULL " not in definition and not NAME.fullmatch(bare):
                nameless.append((name, definition))
    assert nameless == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    before = await ask(database, read)
    await ask(database, migrations.upgrade)
    await ask(database, migrations.upgrade)
    assert await ask(database, read) == before
