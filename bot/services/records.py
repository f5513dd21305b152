"""What facilitators and moderators ask of the record, and what catching up reads of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.agreements import (
    AgreementVersion,
    Method,
    Signature,
    SignatureRequest,
    Standing,
    standing_of,
)
from bot.domain.suspensions import Pause
from bot.storage import holders, requests, signatures, standings, suspensions, versions
from bot.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """Everything about one person's agreement in one group."""

    member_id: int
    standing: Standing | None
    request: SignatureRequest | None
    signatures: tuple[Signature, ...]
    in_force: AgreementVersion | None


async def check_member(
    database: Database, group_key: str, member_id: int, now: datetime
) -> MemberRecord:
    """The record of one person, whether or not they are still in the server."""
    async with database.read() as tx:
        request = await requests.find_open(tx, group_key, member_id)
        given = tuple(await signatures.list_of_member(tx, group_key, member_id))
        in_force = await versions.find_in_force(tx, group_key)
    return MemberRecord(
        member_id=member_id,
        standing=standing_of(request, given, in_force, now),
        request=request,
        signatures=given,
        in_force=in_force,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLine:
    """One person in a list, since when they stand there, and whether a facilitator attested it."""

    member_id: int
    standing: Standing
    since: datetime
    is_attested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingPage:
    """One page of a list; `page` counts from 0 and `total` counts people."""

    lines: tuple[StandingLine, ...]
    page: int
    pages: int
    total: int


async def list_standings(
    database: Database,
    group_key: str,
    standing: Standing | None,
    page: int,
    per_page: int,
    now: datetime,
) -> StandingPage:
    """One page of the people of a group with this standing; None lists all of them.

    A page beyond the end, as when people left since the list was opened, gives the last one.
    """
    async with database.read() as tx:
        in_force = await versions.find_in_force(tx, group_key)
        kinds = await standings.list_kinds(tx, group_key, in_force, now)
        total = sum(kind.people for kind in kinds if standing in (None, kind.standing))
        pages = max(1, -(-total // per_page))
        page = min(max(page, 0), pages - 1)
        found = await standings.list_standings(
            tx,
            group_key,
            in_force,
            now,
            standing=standing,
            offset=page * per_page,
            limit=per_page,
            kinds=kinds,
        )
    lines = tuple(
        StandingLine(
            member_id=person.member_id,
            standing=person.standing,
            since=person.since,
            is_attested=person.method is Method.ATTESTED,
        )
        for person in found
    )
    return StandingPage(lines=lines, page=page, pages=pages, total=total)


async def list_valid_members(
    database: Database, group_key: str, member_ids: Iterable[int], now: datetime
) -> set[int]:
    """Which of these people (a page of a member list) may have the role.

    They hold a signature that opens the door, or were members before Pledge and keep the role
    for their grace, and their access is not paused.
    """
    people = list(member_ids)
    async with database.read() as tx:
        in_force = await versions.find_in_force(tx, group_key)
        given = await signatures.list_unrevoked_of(tx, group_key, people)
        adopted = await holders.list_adopted_of(tx, group_key, people)
        paused = await suspensions.list_running_of(tx, group_key, people)
    signed = {who for who, signature in given.items() if signature.is_valid(in_force, now)}
    return (signed | adopted) - paused.keys()


async def find_pause(database: Database, group_key: str, member_id: int) -> Pause | None:
    """Whether access is closed to this person whatever they have signed, and until when."""
    async with database.read() as tx:
        return await suspensions.find_running(tx, group_key, member_id)


async def count_adopted(database: Database, group_key: str) -> int:
    """How many members from before Pledge hold the role without a signature."""
    async with database.read() as tx:
        return await holders.count_adopted(tx, group_key)


async def has_started(database: Database, group_key: str) -> bool:
    """Whether the group has published an agreement, so that there is something to sign."""
    async with database.read() as tx:
        return await versions.find_in_force(tx, group_key) is not None


async def list_known_groups(database: Database) -> dict[str, int]:
    """Every group the record knows, configured or not, with the id of its server."""
    async with database.read() as tx:
        return await versions.list_groups(tx)


async def list_groups_of(database: Database, member_id: int) -> list[str]:
    """Keys of the groups that a person has a request in."""
    async with database.read() as tx:
        return await requests.list_groups_of(tx, member_id)


async def list_readable(
    database: Database,
    group_key: str,
    after_id: int,
    limit: int,
    *,
    waiting_before: datetime,
    answered_before: datetime,
) -> list[SignatureRequest]:
    """Requests whose answer can be read back; see `bot.storage.requests.list_readable`."""
    async with database.read() as tx:
        return await requests.list_readable(
            tx,
            group_key,
            after_id,
            limit,
            waiting_before=waiting_before,
            answered_before=answered_before,
        )


async def find_uncertain(
    database: Database, group_key: str, member_id: int, since: datetime
) -> SignatureRequest | None:
    """The request that holds a person's signature, if its message was not looked at since then."""
    async with database.read() as tx:
        return await requests.find_uncertain(tx, group_key, member_id, since)


async def mark_checked(database: Database, request_ids: Sequence[int], now: datetime) -> None:
    """Remember that these messages were read back and said what the record says."""
    if request_ids:
        async with database.write() as tx:
            await requests.mark_checked(tx, request_ids, now)


async def find_mark(database: Database, name: str) -> str | None:
    """A small fact about the installation."""
    async with database.read() as tx:
        return await versions.find_mark(tx, name)


async def put_mark(database: Database, name: str, value: str) -> None:
    """Remember a small fact about the installation."""
    async with database.write() as tx:
        await versions.put_mark(tx, name, value)
