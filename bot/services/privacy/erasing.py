"""Erases what Pledge holds about one person in one group, after saying what that means."""

import logging
from datetime import datetime, timedelta

from bot.domain.agreements import RevokeReason
from bot.domain.effects import Notice
from bot.domain.errors import RecordUnavailableError
from bot.domain.privacy import Erasure, Whereabouts
from bot.domain.retention import RetentionTerms
from bot.storage import (
    case_parties,
    cases,
    effects,
    erasures,
    ledger,
    privacy,
    proofs,
    signatures,
    suspensions,
)
from bot.storage.database import Database, Transaction

log = logging.getLogger(__name__)


async def preview(
    database: Database,
    group_key: str,
    member_id: int,
    terms: RetentionTerms,
    now: datetime,
    *,
    is_former: bool = False,
) -> Erasure:
    """What would go, and what would stay.

    Args:
        database: the open database.
        group_key: the group.
        member_id: the person.
        terms: how long the group keeps things, of which the person is told.
        now: the current instant.
        is_former: whether nobody looks after the group any more. Then what waits to be done, and
            that somebody is left in peace, is kept for nothing, and goes too.
    """
    async with database.read() as tx:
        return await _preview(tx, group_key, member_id, terms, now, is_former=is_former)


async def _preview(
    tx: Transaction,
    group_key: str,
    member_id: int,
    terms: RetentionTerms,
    now: datetime,
    *,
    is_former: bool,
) -> Erasure:
    proof = terms.proof
    counts = await privacy.count_held(tx, group_key, member_id, also_erased=is_former)
    is_quiet = await erasures.is_in_peace(tx, group_key, member_id)
    given = await signatures.list_of_member(tx, group_key, member_id)
    left = await proofs.list_of_member(tx, group_key, member_id)
    ends = [(one.revoked_at or now) + proof for one in given] + [one.held_until for one in left]
    reported = [
        await cases.get(tx, one.case_id)
        for one in await case_parties.list_own_reports(tx, group_key, member_id)
    ]
    concerned = await case_parties.list_accused_in(tx, group_key, member_id)
    stands = any(one.revoked_at is None for one in given)
    return Erasure(
        ends_access=stands or counts.holders > 0,
        requests=counts.requests,
        signatures=len(given),
        notes=sum(one.note is not None for one in given),
        messages=counts.messages,
        entries=len(await ledger.list_said_of(tx, group_key, [member_id])),
        lists=counts.lists + (is_quiet and is_former),
        reported=tuple(sorted({one.case_number for one in reported})),
        concerned=tuple(one.case_number for one in concerned),
        proofs=len(left),
        proven_until=max(ends, default=None),
        acts=await privacy.count_acts(tx, group_key, member_id),
        pause=await suspensions.find_running(tx, group_key, member_id),
        is_quiet=is_quiet and not is_former,
        is_former=is_former,
        terms=terms,
    )


async def erase(
    database: Database,
    group_key: str,
    member_id: int,
    fingerprint: str,
    terms: RetentionTerms,
    now: datetime,
    *,
    whereabouts: Whereabouts,
    may_be_asked: bool = True,
) -> Erasure | None:
    """Erase everything that can go, in one transaction; it cannot be undone.

    A signature that stands ends, and each leaves a proof. Whatever was still to be done for the
    person is dropped, but for taking the role and telling them that it is done; of these nothing
    is kept either, once they are over. Cases, pauses and what they did for the group stay.

    Args:
        database: the open database.
        group_key: the group.
        member_id: the person, who has agreed to it.
        fingerprint: that of what they were shown.
        terms: how long the group keeps things.
        now: the current instant.
        whereabouts: where they are. Of a former group nothing is left to do, as the person would
            stand there until somebody did it.
        may_be_asked: whether people are asked by themselves at all, so that they have to be left
            in peace.

    Returns:
        What was erased; None when they were shown something else than there is, and nothing is
        done.
    """
    async with database.write() as tx:
        is_former = whereabouts is Whereabouts.FORMER
        found = await _preview(tx, group_key, member_id, terms, now, is_former=is_former)
        if found.fingerprint() != fingerprint:
            return None
        if not found.has_something:
            return found
        await _erase_in(tx, group_key, member_id, terms.proof, now)
        await _leave_to_do(tx, group_key, member_id, now, whereabouts, may_be_asked=may_be_asked)
    # What stays in spite of it, and what is still done in Discord, goes with the daily purge.
    try:
        await database.drop_old_pages()
    except RecordUnavailableError:
        # Pledge is being stopped. They are erased all the same, and have to be told so.
        log.info("Old pages stay in the log of the record until the daily purge")
    return found


async def _erase_in(
    tx: Transaction, group_key: str, member_id: int, proof: timedelta, now: datetime
) -> None:
    signature = await signatures.find_unrevoked(tx, group_key, member_id)
    if signature is not None:
        await signatures.mark_revoked(tx, signature, RevokeReason.ERASED, now)
    await proofs.keep_of_member(tx, group_key, member_id, proof, now)
    await erasures.erase_rows(tx, group_key, member_id)
    said = await ledger.list_said_of(tx, group_key, [member_id])
    await ledger.erase_at(tx, group_key, said, now)


async def _leave_to_do(
    tx: Transaction,
    group_key: str,
    member_id: int,
    now: datetime,
    whereabouts: Whereabouts,
    *,
    may_be_asked: bool,
) -> None:
    """What is done in Discord afterwards: for a former group nothing."""
    if whereabouts is Whereabouts.FORMER:
        await erasures.forget(tx, [group_key], member_id)
        return
    if whereabouts is Whereabouts.HERE:
        if may_be_asked:
            await erasures.leave_in_peace(tx, group_key, member_id, now)
        # Also of whoever has no access by the record: a role given by hand would stay.
        await effects.add_role_change(tx, group_key, member_id, now, detail=effects.ERASED)
    await effects.add_notice(tx, group_key, member_id, Notice.ERASED, now)
