"""The migrations make exactly the tables that the code describes, on both engines."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, select, text

from bot.domain.effects import EffectState
from bot.keys import Keyring
from bot.storage import effects, migrations, signatures
from bot.storage.database import Database, _sqlite_engine
from bot.storage.tables import agreement_versions, metadata
from tests.factories import KEY, KEYS

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

ROWS_OF_0001 = """
    INSERT INTO groups (key, guild_id, created_at) VALUES ('harbour-light', 1, NOW);
    INSERT INTO agreement_versions (id, group_key, number, state, text, sha256, created_at,
            material_number, change, published_by, published_at)
        VALUES (1, 'harbour-light', 1, 'published', '{}', SHA, NOW, 1, 'first', 7, NOW);
    INSERT INTO signature_requests (id, group_key, member_id, state, created_at, version_id)
        VALUES (3, 'harbour-light', 5, 'signed', NOW, 1);
    INSERT INTO signatures (id, group_key, request_id, member_id, version_id, sha256,
            receipt_number, method, signed_at)
        VALUES (4, 'harbour-light', 3, 5, 1, SHA, 'AAAA-BBBB-CCCC', 'button', NOW);
    INSERT INTO effects (id, group_key, lane, kind, state, attempts, created_at, due_at,
            finished_at)
        VALUES (9, 'harbour-light', 'a', 'panel', 'done', 1, NOW, NOW, NOW);
    INSERT INTO alarms (id, group_key, kind, opened_at)
        VALUES (2, 'harbour-light', 'role_gone', NOW)
""".replace("NOW", "'2026-03-01T12:00:00.000000Z'").replace("SHA", f"'{'0' * 64}'")


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
    for _ in range(2):
        await ask(database, lambda connection: migrations.upgrade(connection, KEYS))
    assert await ask(database, read) == before


async def test_rows_of_the_first_tables_are_carried_over(tmp_path: Path) -> None:
    def begin(connection: Connection) -> None:
        config = migrations.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in ROWS_OF_0001.split(";"):
            connection.execute(text(statement))

    engine = _sqlite_engine(make_url(f"sqlite:///{tmp_path}/pledge.db"), KEYS)
    async with engine.begin() as connection:
        await connection.run_sync(begin)
    await engine.dispose()

    database = await Database.open(f"sqlite:///{tmp_path}/pledge.db", KEYS)
    async with database.read() as tx:
        signature = await signatures.find_unrevoked(tx, "harbour-light", 5)
        counts = await effects.count_by_state(tx)
        problems = (await tx.execute(text("PRAGMA foreign_key_check"))).all()
    await database.close()

    assert signature is not None
    assert (signature.receipt_number, signature.version_number) == ("AAAA-BBBB-CCCC", 1)
    assert counts == {EffectState.DONE: 1}
    assert problems == []


async def test_texts_superseded_before_know_when_they_were_outdated(tmp_path: Path) -> None:
    def begin(connection: Connection) -> None:
        config = migrations.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text("INSERT INTO groups (key, guild_id, created_at) VALUES ('harbour-light', 1, 'x')")
        )
        for number, change, day in (
            (1, "first", 1),
            (2, "minor", 2),
            (3, "material", 3),
            (4, "minor", 4),
            (5, "material", 5),
        ):
            connection.execute(
                text(
                    "INSERT INTO agreement_versions (id, group_key, number, state, text, sha256,"
                    " created_at, material_number, change, published_by, published_at,"
                    " grace_ends_at) VALUES (:number, 'harbour-light', :number, :state, '{}',"
                    " :sha256, :at, 1, :change, 7, :at, :grace)"
                ),
                {
                    "number": number,
                    "state": "published" if number == 5 else "superseded",
                    "sha256": "0" * 64,
                    "change": change,
                    "at": f"2026-03-0{day}T12:00:00.000000Z",
                    "grace": f"2026-03-1{day}T12:00:00.000000Z" if change == "material" else None,
                },
            )

    engine = _sqlite_engine(make_url(f"sqlite:///{tmp_path}/pledge.db"), KEYS)
    async with engine.begin() as connection:
        await connection.run_sync(begin)
    await engine.dispose()

    database = await Database.open(f"sqlite:///{tmp_path}/pledge.db", KEYS)
    async with database.read() as tx:
        query = select(agreement_versions.c.outdated_at).order_by(agreement_versions.c.number)
        outdated = list((await tx.execute(query)).scalars())
    await database.close()

    third, fifth = datetime(2026, 3, 13, 12, tzinfo=UTC), datetime(2026, 3, 15, 12, tzinfo=UTC)
    assert outdated == [third, third, fifth, fifth, None]


LETTERS_OF_0007 = """
    ALTER TABLE breach_letters ADD COLUMN channel_id INTEGER;
    ALTER TABLE breach_letters ADD COLUMN message_id INTEGER
"""


def leave_a_note_open(connection: Connection) -> None:
    before = """
        ALTER TABLE signatures DROP COLUMN note;
        ALTER TABLE signatures ADD COLUMN note TEXT;
        UPDATE alembic_version SET version_num = '0006';
        UPDATE signatures SET note = 'on paper, in the garden' WHERE id = 4
    """

    for statement in f"{ROWS_OF_0001};{LETTERS_OF_0007};{before}".split(";"):
        connection.execute(text(statement))


async def test_notes_that_stood_open_are_encrypted(database: Database) -> None:
    await ask(database, leave_a_note_open)
    await ask(database, lambda connection: migrations.upgrade(connection, KEYS))

    async with database.read() as tx:
        signature = await signatures.find_unrevoked(tx, "harbour-light", 5)
        stored = (await tx.execute(text("SELECT note FROM signatures"))).scalar_one()
    assert signature is not None
    assert signature.note == "on paper, in the garden"
    assert b"garden" not in stored


async def test_places_of_letters_are_forgotten(database: Database) -> None:
    def before(connection: Connection) -> None:
        for statement in (
            *LETTERS_OF_0007.split(";"),
            "UPDATE alembic_version SET version_num = '0007'",
            "INSERT INTO groups (key, guild_id, created_at) VALUES ('harbour-light', 1, NOW)",
            "INSERT INTO breach_cases (id, group_key, case_number, state, clause, opened_at)"
            " VALUES (1, 'harbour-light', 1, 'open', 'covered', NOW)",
            "INSERT INTO breach_letters (id, case_id, side, kind, created_at, channel_id,"
            " message_id) VALUES (2, 1, 'accused', 'hearing', NOW, 3, 4)",
        ):
            connection.execute(text(statement.replace("NOW", "'2026-03-01T12:00:00.000000Z'")))

    await ask(database, before)
    await ask(database, lambda connection: migrations.upgrade(connection, KEYS))
    async with database.read() as tx:
        (letter,) = (await tx.execute(text("SELECT * FROM breach_letters"))).mappings()
    assert letter["kind"] == "hearing"
    assert not {"channel_id", "message_id"} & set(letter)


async def test_note_is_encrypted_with_a_key_that_the_record_names(database_url: str) -> None:
    new_key = base64.urlsafe_b64encode(b"another key for tests, 32 bytes!").decode()
    database = await Database.open(database_url, KEYS)
    await ask(database, leave_a_note_open)
    await database.close()
    # A new key stands in front, but the process ends before the record is taken over.
    await (await Database.open(database_url, Keyring(f"{new_key} {KEY}"))).close()
    database = await Database.open(database_url, KEYS)
    async with database.read() as tx:
        signature = await signatures.find_unrevoked(tx, "harbour-light", 5)
    await database.close()
    assert signature is not None
    assert signature.note == "on paper, in the garden"
