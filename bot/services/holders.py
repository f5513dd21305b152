"""Compares who holds the member role with who has signed, and decides what follows from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.agreements import AgreementVersion, Standing
from bot.domain.effects import (
    AlarmKind,
    EffectKind,
    Facts,
    Notice,
    Report,
    lane_of_role,
)
from bot.domain.entitlement import Office
from bot.domain.holders import (
    Enforcement,
    Rules,
    Source,
    Sweep,
    is_mass_change,
    likely_cause,
)
from bot.services import outbox
from bot.services.members import Present, welcome_all
from bot.storage import (
    effects,
    erasures,
    holders,
    officers,
    requests,
    signatures,
    standings,
    suspensions,
    versions,
)
from bot.storage.database import Database, Transaction

FIGHT_WINDOW = timedelta(hours=1)
FIGHT_LIMIT = 3
"""After so many changes to one person's role in an hour, only the next sweep acts again:
somebody or something else keeps giving it."""

PAUSED_AGAIN_AFTER = timedelta(minutes=1)
PAUSED_LIMIT = 10
"""From those whose access is paused it is taken again and again all the same: at once, and after
so many changes in a minute, once a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the member list, which shows the accounts above `after_id` by ascending id.

    `people` are those on it who are to be welcomed; `holders` everybody on it, bots aside, with
    the member role, `officers` those with an office of the cases, `present` all who are in the
    server, whether on it or seen joining since `asked_at`. `last_id` is None on a last page that
    can be trusted to be the end.
    """

    after_id: int
    last_id: int | None
    asked_at: datetime
    people: Sequence[Present]
    holders: Collection[int]
    present: Collection[int]
    size: int
    officers: Mapping[Office, Collection[int]] = field(
        default_factory=dict[Office, Collection[int]]
    )


async def begin_sweep(
    database: Database, group_key: str, role_id: int, now: datetime, offices: str = ""
) -> Sweep:
    """Start to read the member list, or go on where an interrupted reading of it was.

    Args:
        database: the open database.
        group_key: the group.
        role_id: the member role.
        now: the current instant.
        offices: by what the officers of the cases are known: other words begin that anew.
    """
    async with database.write() as tx:
        await officers.begin(tx, group_key, offices, now)
        last = await holders.find_sweep(tx, group_key)
        in_force = await versions.find_in_force(tx, group_key)
        if (
            last is not None
            and last.finished_at is None
            and last.role_id == role_id
            and not (in_force and in_force.published_at and last.started_at < in_force.published_at)
        ):
            return last
        sweep = Sweep(
            group_key=group_key, started_at=now, after_id=0, members=0, holders=0, role_id=role_id
        )
        if last is not None and last.role_id not in (None, role_id):
            await versions.put_mark(tx, _role_mark(group_key), now.isoformat())
        await holders.put_sweep(tx, sweep)
        return sweep


def _role_mark(group_key: str) -> str:
    return f"member role of {group_key} changed"


def _adoption_mark(group_key: str) -> str:
    return f"member role of {group_key} at the adoption"


async def _is_other_role(tx: Transaction, group_key: str, role_id: int | None) -> bool:
    """Whether members from before Pledge were adopted with another role than this.

    A role that is missing, renamed or mistyped in the settings says nothing of who holds the
    right one, so it ends nobody's grace.
    """
    adopted_with = await versions.find_mark(tx, _adoption_mark(group_key))
    return adopted_with is not None and adopted_with != str(role_id)


async def record_page(database: Database, sweep: Sweep, page: Page, now: datetime) -> Sweep:
    """Act on one page: welcome, notice who left, note who holds the role without a signature.

    The last page finishes the sweep, at once: read again after a crash, it would count twice.

    Returns:
        The sweep, one page on.
    """
    async with database.write() as tx:
        key = sweep.group_key
        await welcome_all(tx, key, page.people, now, live=False)
        between = (page.after_id, page.last_id)
        for member_id in await requests.mark_absent(
            tx, key, between, page.present, page.asked_at, now
        ):
            await holders.forget(tx, [key], member_id)
        # Of whoever was erased meanwhile the page is a memory that has to go as well.
        forgotten = await erasures.list_after(tx, key, page.holders, page.asked_at)
        page = replace(page, holders=[one for one in page.holders if one not in forgotten])
        await erasures.mark_seen(tx, key, page.present, max(now, sweep.started_at))
        await _keep_out_all(tx, key, page, now)
        in_force = await versions.find_in_force(tx, key)
        if in_force is not None:
            held = await signatures.list_unrevoked_of(tx, key, page.holders)
            unsigned = [
                member_id
                for member_id in page.holders
                if member_id not in held or not held[member_id].is_valid(in_force, now)
            ]
            # What was done to a role while the page was on its way is newer than the page.
            changing = await holders.list_changing(tx, key, unsigned, page.asked_at)
            # The clock may have been ahead when the sweep began; seen in it is seen since then.
            seen_at = max(now, sweep.started_at)
            await holders.add_found(tx, key, set(unsigned) - changing, seen_at)
        for office, members in page.officers.items():
            await officers.add_seen(tx, key, office, members, max(now, sweep.started_at))
        sweep = replace(
            sweep,
            after_id=page.last_id or page.after_id,
            members=sweep.members + page.size,
            holders=sweep.holders + len(page.holders),
            finished_at=now if page.last_id is None else None,
        )
        await holders.put_sweep(tx, sweep)
        if sweep.finished_at is not None:
            # The whole list was read: whoever it did not show with the role does not have it.
            is_other = await _is_other_role(tx, key, sweep.role_id)
            await holders.forget_unseen(tx, key, sweep.started_at, keep_adopted=is_other)
            await officers.complete(tx, key, sweep.started_at)
            await erasures.forget_unseen(tx, key, sweep.started_at)
        return sweep


async def _keep_out_all(tx: Transaction, group_key: str, page: Page, now: datetime) -> None:
    """Take the role from those on this page whose access is paused.

    At once, and whatever else is settled or found: no setting is the cause of their role, so they
    are no part of what a facilitator is asked about, or only told of.
    """
    paused = await suspensions.list_running_of(tx, group_key, page.holders)
    for member_id in paused.keys() - await holders.list_changing(
        tx, group_key, paused, page.asked_at
    ):
        await effects.add_role_change(tx, group_key, member_id, now)


async def keep_out(database: Database, group_key: str, member_id: int, now: datetime) -> bool:
    """Take the role from somebody who holds it while their access is paused.

    Where it is given again and again it is taken again and again, after a while at a slower pace.

    Returns:
        Whether their access is paused.
    """
    async with database.write() as tx:
        if await suspensions.find_running(tx, group_key, member_id) is None:
            return False
        lane = lane_of_role(group_key, member_id)
        held = await effects.has_held(tx, lane, EffectKind.ALIGN_ROLE)
        # One that runs may have taken the role before it was given again.
        if not held and not await effects.has_waiting(tx, lane, EffectKind.ALIGN_ROLE, None):
            changes = await holders.count_recent_changes(tx, lane, now - PAUSED_AGAIN_AFTER)
            due_at = now + PAUSED_AGAIN_AFTER if changes >= PAUSED_LIMIT else now
            await effects.add_role_change(tx, group_key, member_id, now, due_at=due_at)
        return True


async def abandon_sweep(database: Database, sweep: Sweep) -> None:
    """The list ended where it cannot have ended: the next sweep begins anew."""
    async with database.write() as tx:
        await holders.put_sweep(tx, replace(sweep, role_id=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What came of comparing: `strangers` hold the role without any right to it.

    `acted` is whether their roles are being taken; `guarded` whether the guard kept them.
    """

    strangers: int = 0
    holders: int = 0
    acted: bool = False
    guarded: bool = False


async def conclude(
    database: Database,
    group_key: str,
    rules: Rules,
    now: datetime,
    *,
    role_id: int | None = None,
    confirmed: int | None = None,
) -> Conclusion:
    """Decide what is done about people who hold the role without a valid signature.

    Before the first version is published nobody can have signed, and nothing is done. The first
    complete sweep after that adopts everybody it found. Later ones are strangers, and lose the
    role or are reported, as `rules` say, unless they are so many that a wrong setting is
    likelier: then it is for the facilitators to say.

    Args:
        database: the open database.
        group_key: the group, the sweep of which is complete.
        rules: what the group has settled.
        now: the current instant.
        role_id: the member role as it is by now; a sweep that looked for another decides nothing.
        confirmed: how many a facilitator has agreed to; more than these are not touched.
    """
    async with database.write() as tx:
        in_force = await versions.find_in_force(tx, group_key)
        sweep = await holders.find_sweep(tx, group_key)
        if in_force is None or sweep is None or sweep.finished_at is None:
            return Conclusion()
        if role_id is not None and sweep.role_id != role_id:
            return Conclusion()
        group = await versions.get_group(tx, group_key)
        paused = await suspensions.list_running(tx, group_key)
        await holders.forget_signed(tx, in_force, paused, now)
        if group.adopted_at is None:
            await _adopt(tx, in_force, sweep, paused, now)
            return Conclusion(holders=sweep.holders)
        strangers = await holders.count_strangers(tx, group_key, rules, now)
        found = Conclusion(strangers=strangers, holders=sweep.holders)
        if rules.enforcement is Enforcement.REPORT:
            await effects.close_alarms(tx, group_key, [AlarmKind.MASS_CHANGE], now)
            await _report(tx, group_key, Report.ROLE_UNSIGNED, rules, now)
            return found
        is_mass = is_mass_change(strangers, sweep.holders)
        if is_mass and (confirmed is None or strangers > confirmed):
            facts = await _mass_change(tx, in_force, sweep, strangers, now)
            await outbox.raise_alarm_in(tx, group_key, AlarmKind.MASS_CHANGE, now, facts)
            return replace(found, guarded=True)
        await effects.close_alarms(tx, group_key, [AlarmKind.MASS_CHANGE], now)
        if not strangers:
            return found
        await _report(tx, group_key, Report.ROLE_TAKEN, rules, now)
        silent = await holders.list_silent(tx, group_key, rules, now)
        await holders.add_role_changes(tx, group_key, rules, now)
        # After the role changes: a notice waits for what was put there before it.
        for member_id in silent:
            # A member from before Pledge is told that their time is over; strangers nothing.
            await effects.add_notice(tx, group_key, member_id, Notice.ADOPTION_OVER, now)
            await requests.mark_nudged(tx, group_key, member_id, now)
        return replace(found, acted=True)


async def _adopt(
    tx: Transaction,
    in_force: AgreementVersion,
    sweep: Sweep,
    paused: Collection[int],
    now: datetime,
) -> None:
    published_at = in_force.published_at or now
    if sweep.started_at < published_at:
        # It began when there was nothing to compare with, and noted nobody.
        return
    key = in_force.group_key
    group = await versions.get_group(tx, key)
    adopted = await holders.adopt_all(tx, key, paused, now)
    await versions.put_mark(tx, _adoption_mark(key), str(sweep.role_id))
    if group.restored_from is not None:
        unconfirmed = await signatures.count_unconfirmed(tx, key, group.restored_from)
        facts: Facts = {
            "from": group.restored_from.isoformat(),
            "adopted": adopted,
            "unconfirmed": unconfirmed,
        }
        # Whoever answered a warning in what was lost looks silent: they are warned anew.
        await requests.forget_warnings(tx, key)
        await versions.mark_compared(tx, key)
        await outbox.report_in(tx, key, Report.RESTORED, facts, now)
    elif adopted:
        await outbox.report_in(tx, key, Report.ADOPTED, {"people": adopted}, now)


async def _mass_change(
    tx: Transaction, in_force: AgreementVersion, sweep: Sweep, strangers: int, now: datetime
) -> Facts:
    key = in_force.group_key
    counts = await standings.count_standings(tx, key, in_force, now)
    changed = await versions.find_mark(tx, _role_mark(key)) is not None
    signers = counts.get(Standing.SIGNED, 0)
    cause = likely_cause(signers, sweep.holders, role_changed=changed)
    return {"strangers": strangers, "holders": sweep.holders, "cause": cause}


async def _report(
    tx: Transaction, group_key: str, report: Report, rules: Rules, now: datetime
) -> None:
    """Tell the moderators' channel of strangers it was not told of before."""
    untold = await holders.count_sources(tx, group_key, rules, now, untold=True)
    if untold:
        facts: Facts = {str(source): count for source, count in untold.items()}
        await outbox.report_in(tx, group_key, report, facts, now)
        await holders.mark_told(tx, group_key, rules, now)


async def notice_holder(
    database: Database,
    group_key: str,
    member_id: int,
    now: datetime,
    *,
    has_role: bool,
    role_id: int | None = None,
) -> bool:
    """Take note of a change to somebody that Discord has just told of.

    Args:
        database: the open database.
        group_key: the group.
        member_id: the person.
        now: the current instant.
        has_role: whether they hold the member role.
        role_id: which role that is by now.

    Returns:
        Whether this person holds the role, has not signed, and was not known for it, or holds it
        while their access is paused: then it is worth looking closer at once.
    """
    async with database.read() as tx:
        is_known = await holders.is_known(tx, group_key, member_id)
        in_force = await versions.find_in_force(tx, group_key)
        signature = await signatures.find_unrevoked(tx, group_key, member_id)
        group = await versions.get_group(tx, group_key)
        lane = lane_of_role(group_key, member_id)
        is_handled = await effects.has_unfinished(tx, lane, EffectKind.ALIGN_ROLE)
        is_other = role_id is not None and await _is_other_role(tx, group_key, role_id)
        is_paused = await suspensions.find_running(tx, group_key, member_id) is not None
    if not has_role:
        if is_known and not is_other:
            await forget(database, [group_key], member_id)
        return False
    if is_paused:
        return True
    if is_known or is_handled or in_force is None or group.adopted_at is None:
        return False
    return signature is None or not signature.is_valid(in_force, now)


async def add_stranger(database: Database, group_key: str, member_id: int, now: datetime) -> bool:
    """Note somebody who was just given the role without having signed.

    Returns:
        Whether to act at once; not when somebody or something gives it again and again.
    """
    async with database.write() as tx:
        await holders.add_found(tx, group_key, [member_id], now)
        lane = lane_of_role(group_key, member_id)
        changes = await holders.count_recent_changes(tx, lane, now - FIGHT_WINDOW)
        return changes < FIGHT_LIMIT


async def forget(database: Database, group_keys: Sequence[str], member_id: int) -> None:
    """This person does not hold the role any more."""
    async with database.write() as tx:
        await holders.forget(tx, group_keys, member_id)


async def list_unexplained(database: Database, group_key: str, limit: int) -> list[int]:
    """Strangers of whom it is not known how they came by the role."""
    async with database.read() as tx:
        return await holders.list_unexplained(tx, group_key, limit)


async def mark_sources(database: Database, group_key: str, sources: Mapping[int, Source]) -> None:
    """Remember how people came by the role."""
    async with database.write() as tx:
        await holders.mark_sources(tx, group_key, sources)


async def is_restored(database: Database, group_key: str) -> bool:
    """Whether the record is a backup that was put back and not compared with Discord yet."""
    async with database.read() as tx:
        return (await versions.get_group(tx, group_key)).restored_from is not None
