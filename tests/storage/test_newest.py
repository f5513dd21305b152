"""Every request knows what the person signed last, whatever happens and in whatever order."""

from pathlib import Path

from sqlalchemy import func, select, text

from bot.domain.agreements import RequestState, RevokeReason
from bot.storage import requests, signatures
from bot.storage.database import Database, Transaction
from bot.storage.tables import signature_requests
from bot.storage.tables import signatures as given
from tests.factories import KEYS, NOW, publish
from tests.roster import GROUP, add_person, after
from tests.storage.rows import make_old


async def kept(tx: Transaction, member_id: int) -> list[tuple[int | None, int | None, str | None]]:
    """What the requests of a person say, oldest first."""
    columns = signature_requests.c
    query = (
        select(columns.newest_id, columns.newest_version_id, columns.newest_end)
        .where(columns.member_id == member_id)
        .order_by(columns.id)
    )
    return [(row[0], row[1], row[2]) for row in await tx.execute(query)]


async def test_it_follows_signing_ending_and_signing_anew(database: Database) -> None:
    version = await publish(database)
    async with database.write() as tx:
        who = await add_person(tx, version, 1)
        assert await kept(tx, who) == [(None, None, None)]
        request = await requests.find_open(tx, GROUP, who)
        assert request is not None
        values = {
            "group_key": GROUP,
            "request_id": request.id,
            "member_id": who,
            "version_id": version.id,
            "sha256": version.sha256,
            "method": "button",
            "message_id": None,
        }
        first = await signatures.add(
            tx, version_number=1, receipt_number="A", signed_at=NOW, **values
        )
        assert await kept(tx, who) == [(first.id, version.id, None)]
        await signatures.mark_revoked(tx, first, RevokeReason.WITHDRAWN, after(days=1))
        assert await kept(tx, who) == [(first.id, version.id, "withdrawn")]
        second = await signatures.add(
            tx, version_number=1, receipt_number="B", signed_at=after(days=2), **values
        )
        assert await kept(tx, who) == [(second.id, version.id, None)]
        await requests.mark(tx, request.id, state=RequestState.CANCELLED)
        await requests.add(tx, GROUP, who, after(days=3), version_id=version.id)
        assert await kept(tx, who) == [(second.id, version.id, None)] * 2


async def test_it_is_of_the_person_and_the_group_alone(database: Database) -> None:
    version = await publish(database)
    other = await publish(database, "quiet-cove")
    async with database.write() as tx:
        signer = await add_person(tx, version, 1, signed_at=NOW)
        bystander = await add_person(tx, version, 2)
        await requests.add(tx, "quiet-cove", signer, NOW, version_id=other.id)
        newest = (await tx.execute(select(func.max(given.c.id)))).scalar_one()
        assert await kept(tx, signer) == [(newest, version.id, None), (None, None, None)]
        assert await kept(tx, bystander) == [(None, None, None)]


async def test_rows_from_before_are_filled_in(tmp_path: Path) -> None:
    await make_old(tmp_path / "pledge.db")
    database = await Database.open(f"sqlite:///{tmp_path}/pledge.db", KEYS)
    async with database.write() as tx:
        assert await kept(tx, 5) == [(4, 1, None)]
        await tx.execute(
            text("UPDATE signatures SET revoked_at = signed_at, revoke_reason = 'expired'")
        )
        assert await kept(tx, 5) == [(4, 1, "expired")]
    await database.close()
