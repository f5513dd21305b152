"""Checking the ledger against the record, and keeping its head where it cannot be changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.audit import (
    Chain,
    Finding,
    Flaw,
    Publications,
    Published,
    Signatures,
    text_finding,
    unanswered,
)
from bot.domain.checkpoints import Checkpoints
from bot.domain.effects import Report
from bot.domain.ledger import GENESIS, NO_ENTRIES, Head, LedgerKind
from bot.domain.proofs import check_proof
from bot.keys import SUBJECT_KEY
from bot.services import checkpoints, outbox
from bot.services.checkpoints import Covering
from bot.storage import audit, holders, ledger, officers, versions
from bot.storage.database import Database, Transaction, keys_of

VERSIONS_PER_PAGE = 20
MAX_LISTED = 20
"""Findings that are listed; the others are only counted."""

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check of ledger and record came to.

    `head` is that of the ledger; `signatures` counts all, `older` those from before the ledger, and
    `proofs` what is left of those that ended and went;
    `erased` counts entries whose words were destroyed. `findings` are the first of all `wrong`.
    """

    head: Head
    entries: int
    erased: int
    versions: int
    signatures: int
    older: int
    proofs: int
    findings: tuple[Finding, ...]
    wrong: int


class _Findings:
    def __init__(self) -> None:
        self.listed: list[Finding] = []
        self.count = 0

    def add(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.count += 1
            if len(self.listed) < MAX_LISTED:
                self.listed.append(finding)


async def verify(
    database: Database, head: Head | None = None, tell: Tell | None = None
) -> Verification:
    """Check every entry, every version's text and every signature, all as they are now.

    It only reads, page by page, and takes no more memory for a long ledger than for a short one.

    Args:
        database: the open database; others may be writing to it.
        head: a head that was kept elsewhere: the ledger must still contain it.
        tell: is told how much is done, and of how much.

    Raises:
        StorageError: something that Pledge never writes cannot even be read.
    """
    async with database.read() as tx:
        return await verify_in(tx, head, tell)


async def verify_in(
    tx: Transaction, head: Head | None = None, tell: Tell | None = None
) -> Verification:
    """`verify`, inside the open transaction, which must see one state throughout."""
    wrong, done = _Findings(), 0
    total = (await ledger.find_head(tx)).position + await audit.count_signatures(tx)
    kept: list[Published] = []
    async for texts in audit.pages(audit.list_versions, tx, lambda v: v.id, VERSIONS_PER_PAGE):
        also = await versions.list_translations_of(tx, [version.id for version in texts])
        whole = [(version, also.get(version.id, ())) for version in texts]
        wrong.add(flaw for one in whole if (flaw := text_finding(*one)))
        kept += [Published.of(*one) for one in whole]

    chain, publications, entries, erased = Chain(), Publications(kept), 0, 0
    covering = Checkpoints()
    is_there = head is None or head == NO_ENTRIES
    async for page in audit.pages(ledger.list_after, tx, lambda e: e.position):
        for entry in page:
            wrong.add(chain.check(entry))
            wrong.add(covering.check(entry))
            if entry.kind == LedgerKind.PUBLISHED:
                wrong.add(publications.check(entry))
            if head is not None and entry.position == head.position:
                is_there = True
                if entry.hash != head.hash:
                    wrong.add([Finding(flaw=Flaw.HEAD_OTHER, position=head.position)])
            erased += entry.is_erased
        entries += len(page)
        if tell is not None:
            tell(entries, total)
    wrong.add(publications.rest())
    if head is not None and not is_there:
        is_start = head.position == 0 and head.hash != GENESIS
        flaw = Flaw.HEAD_OTHER if is_start else Flaw.HEAD_MISSING
        wrong.add([Finding(flaw=flaw, position=head.position)])

    key = keys_of(tx).lookup(SUBJECT_KEY)
    given = Signatures(key, publications.recorded)
    async for signatures in audit.pages(audit.list_witnessed, tx, lambda w: w.signature.id):
        for signature in signatures:
            wrong.add(given.check(signature))
        done = entries + given.count
        if tell is not None:
            tell(done, total)
    proofs = await _check_proofs(tx, publications, wrong)
    if tell is not None:
        tell(total, total)
    await _check_the_other_way(tx, wrong)
    return Verification(
        head=chain.head,
        entries=entries,
        erased=erased,
        versions=len(kept),
        signatures=given.count,
        older=given.older,
        proofs=proofs,
        findings=tuple(wrong.listed),
        wrong=wrong.count,
    )


async def _check_proofs(tx: Transaction, publications: Publications, wrong: _Findings) -> int:
    """What is left of signatures that went must fit to texts and entries, too."""
    count = 0
    async for page in audit.pages(audit.list_witnessed_proofs, tx, lambda w: w.proof.id):
        for witnessed in page:
            wrong.add(check_proof(witnessed, publications.recorded))
        count += len(page)
    return count


async def _check_the_other_way(tx: Transaction, wrong: _Findings) -> None:
    """What the ledger tells of must be in the record, once."""
    async for page in audit.pages(audit.list_unanswered, tx, lambda row: row[0]):
        wrong.add(unanswered(position, kind) for position, kind in page)
    for read, flaw in (
        (audit.list_silently_erased, Flaw.ERASED),
        (audit.list_shared, Flaw.SIGNATURE_TWICE),
        (audit.list_shared_endings, Flaw.SIGNATURE_TWICE),
        (audit.list_shared_proofs, Flaw.SIGNATURE_TWICE),
        (audit.list_shared_proven_endings, Flaw.SIGNATURE_TWICE),
        (audit.list_claimed_twice, Flaw.SIGNATURE_TWICE),
    ):
        async for positions in audit.pages(read, tx, lambda position: position):
            wrong.add(Finding(flaw=flaw, position=position) for position in positions)


# The head ----------------------------------------------------------------------------------------


async def find_head(database: Database) -> Head:
    """The last entry's position and hash."""
    async with database.read() as tx:
        return await ledger.find_head(tx)


async def post_head(database: Database, group_key: str, now: datetime) -> None:
    """Have the ledger's head posted in the moderators' channel of a group, if it was not yet.

    Somebody else, such as a publish, may have had the same head posted meanwhile.
    """
    covering = await checkpoints.gather(database, group_key)
    async with database.write() as tx:
        await post_head_in(tx, group_key, now, covering)


async def post_head_in(
    tx: Transaction,
    group_key: str,
    now: datetime,
    covering: Covering | None = None,
    *,
    again_after: timedelta | None = None,
) -> datetime:
    """`post_head`, inside the open transaction: the head with everything recorded so far.

    It is a checkpoint of its own, so that whoever has it can check single entries too. Where
    nothing was recorded since the last one, that one is the head, and is not posted twice.

    Args:
        tx: the open transaction.
        group_key: the group.
        now: the current instant.
        covering: what `checkpoints.gather` has read before, so that this need not take as long.
        again_after: how old the posting of the same head must be to repeat it; None never does.

    Returns:
        When this head was put on its way last.
    """
    head = await checkpoints.put_in(tx, group_key, now, covering)
    facts = {"position": head.position, "hash": head.hash}
    last = await outbox.find_reported_in(tx, group_key, Report.LEDGER_HEAD, facts, now)
    if last is not None and (again_after is None or now - again_after < last):
        return last
    await outbox.report_in(tx, group_key, Report.LEDGER_HEAD, facts, now)
    return now


POST_EVERY = timedelta(days=1)


def _posted_mark(group_key: str) -> str:
    return f"ledger head posted in {group_key}"


async def post_head_daily(database: Database, group_key: str, now: datetime) -> bool:
    """Have the head posted once a day, also when nothing was recorded; whether it is by now."""
    mark = _posted_mark(group_key)
    async with database.read() as tx:
        if not await _is_due(tx, mark, now):
            return False
    covering = await checkpoints.gather(database, group_key)
    async with database.write() as tx:
        if not await _is_due(tx, mark, now):
            return False
        posted_at = await post_head_in(tx, group_key, now, covering, again_after=POST_EVERY)
        await versions.put_mark(tx, mark, posted_at.isoformat())
        return True


async def _is_due(tx: Transaction, mark: str, now: datetime) -> bool:
    last = await versions.find_mark(tx, mark)
    # One from the future was posted by a clock that was ahead.
    is_early = last is not None and now - POST_EVERY < datetime.fromisoformat(last) <= now
    return not is_early and (await ledger.find_head(tx)).position > 0


async def note_posted_head(database: Database, group_key: str, head: Head, now: datetime) -> bool:
    """Compare the head that was posted last with the ledger, and remember what it means.

    When the ledger does not hold it, this database is older than what was posted, or another
    one. Then it is compared with Discord as after `pledge restore`, once for each such head:
    nobody loses the role by it, and nobody is let in on its word alone.

    Returns:
        Whether that was found now.
    """
    mark = f"ledger head missed in {group_key}"
    async with database.write() as tx:
        if await ledger.find_hash(tx, head.position) == head.hash:
            return False
        if await versions.find_mark(tx, mark) == str(head):
            return False
        await versions.put_mark(tx, mark, str(head))
        group = await versions.get_group(tx, group_key)
        if group.restored_from is None:
            since = await ledger.find_last_recorded_at(tx) or group.created_at
            await versions.mark_group(tx, group_key, restored_from=since, adopted_at=None)
            # A sweep of the past is no comparison with the present.
            await holders.delete_sweep(tx, group_key)
            await officers.doubt(tx, group_key)
        facts = {"position": head.position}
        await outbox.report_in(tx, group_key, Report.RECORD_OLDER, facts, now)
        return True


async def is_ahead(database: Database, head: Head) -> bool:
    """Whether a head that was posted earlier is not in this ledger.

    Then this database is not the one it was: it is older, empty, or was rewritten.
    """
    async with database.read() as tx:
        return await ledger.find_hash(tx, head.position) != head.hash
