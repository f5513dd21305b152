"""The record's side of doing things in Discord: what to do now, and what came of it."""

import asyncio
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from bot.domain.agreements import (
    LAPSES,
    AgreementVersion,
    RequestState,
    SignatureRequest,
)
from bot.domain.changes import Renewal, compare, untranslated
from bot.domain.effects import (
    AlarmKind,
    Effect,
    EffectKind,
    EffectState,
    Facts,
    Report,
    lane_of_group,
    lane_of_member,
    pack,
)
from bot.domain.holders import Adoption, Rules
from bot.domain.ledger import LedgerKind
from bot.domain.suspensions import Pause
from bot.domain.translations import Translation, choose
from bot.services import objecting
from bot.services.cases.posting import record_undelivered_in
from bot.storage import (
    effects,
    erasures,
    holders,
    ledger,
    requests,
    signatures,
    suspensions,
    versions,
)
from bot.storage.database import Database, Transaction

ROLE_GIVEN = "role given"
ROLE_TAKEN = "role taken"
_ROLE_CHANGES = {ROLE_GIVEN: LedgerKind.GRANTED, ROLE_TAKEN: LedgerKind.REMOVED}
"""What the outcomes of `EffectKind.ALIGN_ROLE` are in the ledger."""


async def take_over(database: Database) -> int:
    """At start: put back what an earlier process had in hand; returns how many rows."""
    async with database.write() as tx:
        return await effects.reclaim_running(tx)


async def claim(
    database: Database,
    now: datetime,
    *,
    limit: int,
    group_keys: Collection[str],
    not_asking: Collection[str],
) -> list[Effect]:
    """Take what is due, one per lane; see `bot.storage.effects.claim`."""
    async with database.write() as tx:
        return await effects.claim(tx, now, limit, group_keys, not_asking)


async def find_next_due_at(
    database: Database, group_keys: Collection[str], kinds: Collection[EffectKind]
) -> datetime | None:
    """When the outbox next wants to be looked at for these kinds; None when it is empty."""
    if not group_keys:
        return None
    async with database.read() as tx:
        return await effects.find_next_due_at(tx, group_keys, kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A request that is to be sent now, and the text in force.

    `asked_since` is set when a record that was lost may have asked already, between then and
    the making of the request. `translation` is the one to show, None for the text that counts;
    `languages` are those of all there are. `renewal` is set for whoever holds a signature on an
    older text, `has_lapsed` for whoever held one that has ended by itself. `adoption` is how they
    keep the role, as a member from before Pledge, `pause` that signing opens nothing for now.
    """

    request: SignatureRequest
    version: AgreementVersion
    translation: Translation | None
    languages: tuple[str, ...]
    asked_since: datetime | None
    renewal: Renewal | None = None
    adoption: Adoption | None = None
    has_lapsed: bool = False
    pause: Pause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a request stands in Discord, since when, what answers it there, and its language."""

    channel_id: int
    message_id: int
    sent_at: datetime
    accept_emoji: str
    decline_emoji: str
    language: str | None = None


async def prepare_asking(
    database: Database, effect: Effect, locale: str | None = None
) -> Asking | None:
    """Read the record again before anybody is written to; None when there is no need to ask.

    The request is given the version in force, should that have changed while it waited. When
    its message is there already, `request.message_id` says so: only the reactions are missing.

    Args:
        database: the open database.
        effect: the asking.
        locale: that of the group, which decides about the translation.
    """
    async with database.write() as tx:
        request = await requests.find(tx, effect.request_id)
        if request is None:
            return None
        version = await versions.find_in_force(tx, effect.group_key)
        is_asked = request.message_id is not None and request.is_open
        if version is None or not (is_asked or request.state is RequestState.QUEUED):
            return None
        if request.left_at is not None:
            return None
        if not is_asked and request.version_id != version.id:
            await requests.mark(tx, request.id, version_id=version.id)
        signature = await signatures.find_unrevoked(tx, request.group_key, request.member_id)
        given = await signatures.list_of_member(tx, request.group_key, request.member_id)
        has_lapsed = bool(given) and given[-1].revoke_reason in LAPSES
        adoption = await holders.find_adoption(tx, request.group_key, request.member_id)
        pause = await suspensions.find_running(tx, request.group_key, request.member_id)
        translations = await versions.list_translations(tx, version.id)
        signed, earlier = None, ()
        if signature is not None and signature.version_number < version.number:
            signed = await versions.get(tx, signature.version_id)
            earlier = await versions.list_translations(tx, signed.id)
    shown = choose(translations, locale)
    asking = Asking(
        request=request,
        version=version,
        translation=shown,
        languages=tuple(one.language for one in translations),
        asked_since=datetime.fromisoformat(effect.detail) if effect.detail else None,
        adoption=adoption,
        has_lapsed=has_lapsed,
        pause=pause,
    )
    if signature is None or signed is None:
        return asking
    before, after = signed.agreement, version.agreement
    same = next((one for one in earlier if shown and one.language == shown.language), None)
    lags = False
    if shown is not None and same is not None:
        old, new = same.agreement, shown.agreement
        lags = bool(untranslated(before, after, old, new))
        if not lags:
            before, after = old, new
    # Beside the event loop: two long texts take a while to compare.
    changes = await asyncio.to_thread(compare, before, after)
    renewal = Renewal(
        signed=signed,
        counts_until=signature.ends_at(),
        changes=changes,
        translation_lags=lags,
    )
    return replace(asking, renewal=renewal)


async def record_asked(
    database: Database,
    effect: Effect,
    version: AgreementVersion,
    place: Place,
    now: datetime,
) -> None:
    """The statement is in front of the person: from now on a reaction on it is an answer.

    Args:
        database: the open database.
        effect: the asking.
        version: the text that was sent, which may have been superseded on the way. Then the
            request stands for what was read, and is replaced if everybody must sign again.
        place: the message with the statement, and its two emoji.
        now: the current instant.
    """
    async with database.write() as tx:
        request = await requests.find(tx, effect.request_id)
        if request is None:
            return
        values = {**asdict(place), "checked_at": place.sent_at}
        if request.state is RequestState.QUEUED:
            values |= {"state": RequestState.SENT, "version_id": version.id}
            await requests.mark(tx, request.id, **values)
            await _record_requested(tx, request, version, place, now)
            await _replace_if_superseded(tx, request, version, now)
        elif request.message_id is None and request.version_id == version.id:
            # Answered by button, or replaced, while the message was on its way: that stands.
            await requests.mark(tx, request.id, **values)
            await _record_requested(tx, request, version, place, now)


async def _record_requested(
    tx: Transaction, request: SignatureRequest, sent: AgreementVersion, place: Place, now: datetime
) -> None:
    member_id = request.member_id
    facts = {
        "member_id": member_id,
        "version": sent.number,
        "sha256": sent.sha256,
        "language": place.language,
        "channel_id": place.channel_id,
        "message_id": place.message_id,
    }
    group_key, kind = request.group_key, LedgerKind.REQUESTED
    await ledger.append(tx, group_key, kind, facts, now, subject_id=member_id)


async def _replace_if_superseded(
    tx: Transaction, request: SignatureRequest, sent: AgreementVersion, now: datetime
) -> None:
    in_force = await versions.find_in_force(tx, request.group_key)
    if in_force is None or sent.number >= (in_force.material_number or 0):
        return
    await requests.mark(tx, request.id, state=RequestState.CANCELLED)
    await requests.add(tx, request.group_key, request.member_id, now, version_id=in_force.id)
    await requests.ask_queued(tx, request.group_key, now, [request.member_id])


async def record_blocked(database: Database, effect: Effect, code: int, now: datetime) -> None:
    """The person takes no direct messages: they can sign inside the server instead."""
    async with database.write() as tx:
        request = await requests.find(tx, effect.request_id)
        if request is not None and request.state is RequestState.QUEUED:
            await requests.mark(tx, request.id, state=RequestState.BLOCKED)
        await objecting.report_untold(tx, effect, now)
        await record_undelivered_in(tx, effect, now)
        await effects.mark_finished(tx, effect.id, EffectState.DROPPED, f"blocked {code}", now)


async def should_have_role(
    database: Database,
    group_key: str,
    member_id: int,
    rules: Rules,
    now: datetime,
    *,
    decided_at: datetime | None = None,
) -> bool | None:
    """What the record says at this moment, read just before Discord is asked.

    Nobody whose access is paused has it, whatever else the record says. None leaves the role as
    it is: for members from before Pledge whose grace runs; and for whom
    a record that was put back wants to let in by what it `decided_at` before that, when they may
    have withdrawn since. The comparison with Discord settles it.
    """
    async with database.read() as tx:
        if await suspensions.find_running(tx, group_key, member_id) is not None:
            return False
        signature = await signatures.find_unrevoked(tx, group_key, member_id)
        in_force = await versions.find_in_force(tx, group_key)
        if signature is not None and signature.is_valid(in_force, now):
            since = (await versions.get_group(tx, group_key)).restored_from
            return None if since and decided_at and decided_at <= since else True
        is_kept = await holders.is_kept(tx, group_key, member_id, rules, now)
        return None if is_kept else False


async def find_panel(database: Database, group_key: str) -> tuple[int, int] | None:
    """Channel and message of the group's standing panel."""
    async with database.read() as tx:
        return await versions.find_panel(tx, group_key)


async def record_panel(
    database: Database, effect: Effect, channel_id: int, message_id: int, now: datetime
) -> None:
    """The standing panel is there."""
    async with database.write() as tx:
        await versions.mark_panel(tx, effect.group_key, channel_id, message_id)
        await effects.mark_finished(tx, effect.id, EffectState.DONE, "posted", now)


async def request_panel(database: Database, group_key: str, now: datetime) -> None:
    """Have the standing panel looked after, once."""
    lane = lane_of_group(group_key, "panel")
    async with database.write() as tx:
        if not await effects.has_waiting(tx, lane, EffectKind.PANEL, None):
            await effects.add(tx, group_key=group_key, lane=lane, kind=EffectKind.PANEL, now=now)


async def finish(database: Database, effect: Effect, outcome: str, now: datetime) -> Effect | None:
    """The effect was carried out: close it, and take what is due next in its lane, if anything.

    The ledger keeps what became of a role. One commit instead of two; asking somebody is never
    taken this way, as it has a pace to keep.
    """
    async with database.write() as tx:
        erased = await effects.mark_finished(tx, effect.id, EffectState.DONE, outcome, now)
        kind = _ROLE_CHANGES.get(outcome) if effect.kind is EffectKind.ALIGN_ROLE else None
        if erased and effect.member_id is not None:
            # Whoever reads a member list that was asked for before this must know.
            await erasures.mark_seen(tx, effect.group_key, [effect.member_id], now)
        if kind is not None:
            # Of somebody who was erased: that it was done, and not for whom.
            member_id = None if erased else effect.member_id
            facts = {} if erased else {"member_id": member_id}
            await ledger.append(tx, effect.group_key, kind, facts, now, subject_id=member_id)
            await effects.close_alarms(tx, effect.group_key, [AlarmKind.TWO_FACTOR], now)
            if kind is LedgerKind.REMOVED:
                await holders.forget(tx, [effect.group_key], effect.member_id or 0)
        lanes = [effect.lane]
        if effect.member_id is not None:
            lanes.append(lane_of_member(effect.group_key, effect.member_id))
        return await effects.claim_next(tx, lanes, now)


async def drop(database: Database, effect: Effect, outcome: str, now: datetime) -> None:
    """The effect cannot be carried out, or has lost its purpose; `outcome` names why."""
    async with database.write() as tx:
        await objecting.report_untold(tx, effect, now)
        await record_undelivered_in(tx, effect, now)
        await effects.mark_finished(tx, effect.id, EffectState.DROPPED, outcome, now)


async def drop_gone(database: Database, effect: Effect, code: int, now: datetime) -> None:
    """The person is not in the server, or their account is gone: final, and remembered."""
    async with database.write() as tx:
        if effect.member_id is not None:
            await requests.mark_left(tx, [effect.group_key], effect.member_id, now)
        await record_undelivered_in(tx, effect, now)
        await effects.mark_finished(tx, effect.id, EffectState.DROPPED, f"gone {code}", now)


async def retry(database: Database, effect: Effect, outcome: str, due_at: datetime) -> None:
    """Try again at `due_at`: nobody knows what came of it."""
    async with database.write() as tx:
        await effects.mark_retry(tx, effect.id, due_at, outcome)


async def hold(
    database: Database, effect: Effect, alarm: AlarmKind | None, outcome: str, now: datetime
) -> None:
    """Set the effect aside and tell the moderators' channel why, once per cause.

    Without an alarm nobody is told, as when it is the telling itself that cannot be done.
    """
    async with database.write() as tx:
        await effects.mark_held(tx, effect.id, outcome)
        if alarm is not None:
            await raise_alarm_in(tx, effect.group_key, alarm, now)


async def raise_alarm(database: Database, group_key: str, alarm: AlarmKind, now: datetime) -> bool:
    """Tell the moderators' channel that something needs a person; False if it was told already."""
    async with database.write() as tx:
        return await raise_alarm_in(tx, group_key, alarm, now)


async def raise_alarm_in(
    tx: Transaction, group_key: str, alarm: AlarmKind, now: datetime, facts: Facts | None = None
) -> bool:
    """`raise_alarm`, inside the open transaction, with numbers to tell."""
    if not await effects.open_alarm(tx, group_key, alarm, now):
        return False
    await effects.add(
        tx,
        group_key=group_key,
        lane=lane_of_group(group_key, "alarm"),
        kind=EffectKind.ALARM,
        detail=pack(alarm, facts or {}),
        now=now,
    )
    return True


async def report_in(
    tx: Transaction, group_key: str, report: Report, facts: Facts, now: datetime
) -> None:
    """Tell the moderators' channel what was done or found, inside the open transaction."""
    await effects.add(
        tx,
        group_key=group_key,
        lane=lane_of_group(group_key, "report"),
        kind=EffectKind.REPORT,
        detail=pack(report, facts),
        now=now,
    )


async def find_reported_in(
    tx: Transaction, group_key: str, report: Report, facts: Facts, now: datetime
) -> datetime | None:
    """When the same was last put on its way to the moderators' channel, at `now` or before."""
    lane = lane_of_group(group_key, "report")
    return await effects.find_added(tx, lane, EffectKind.REPORT, pack(report, facts), now)


async def all_clear(
    database: Database,
    group_key: str,
    kinds: Collection[EffectKind],
    alarms: Collection[AlarmKind],
    now: datetime,
) -> int:
    """What effects of these kinds were waiting for is mended: close the alarms, let them go on.

    Returns:
        How many effects go on.
    """
    async with database.write() as tx:
        await effects.close_alarms(tx, group_key, alarms, now)
        return await effects.release_held(tx, group_key, kinds, now)
