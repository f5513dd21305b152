"""Drafting, previewing, publishing and reading a group's agreement."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import (
    UNANSWERED,
    Agreement,
    AgreementVersion,
    Change,
    Standing,
    change_for,
)
from bot.domain.changes import Affected, PastVersion, PublishPreview, compare, judge, lagging
from bot.domain.effects import EffectKind, Report, lane_of_group
from bot.domain.errors import NothingToPublishError, PublishConflictError
from bot.domain.translations import Translation, changed_languages, fingerprint_of
from bot.services import ledger, outbox
from bot.storage import effects, holders, requests, standings, versions
from bot.storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupText:
    """A configured group, its server and the text in its file, with the translations beside it."""

    key: str
    guild_id: int
    agreement: Agreement
    translations: tuple[Translation, ...] = ()

    def fingerprint(self) -> str:
        """What stands for the text and all its translations."""
        return fingerprint_of(self.agreement.sha256(), self.translations)


async def register_groups(database: Database, texts: Iterable[GroupText], now: datetime) -> None:
    """Make every configured group known and keep a changed text as its draft.

    Nothing is sent to members: a draft waits until a facilitator publishes it. The moderators'
    channel is told of it once; doing it again with the same texts changes nothing.
    """
    async with database.write() as tx:
        for group in texts:
            await versions.add_group(tx, group.key, group.guild_id, now)
            await _keep_draft(tx, group, now)


async def keep_draft(database: Database, text: GroupText, now: datetime) -> None:
    """Keep what a known group's file says now as its draft, if that is not in force."""
    async with database.write() as tx:
        await _keep_draft(tx, text, now)


async def _keep_draft(tx: Transaction, group: GroupText, now: datetime) -> None:
    fingerprint = group.fingerprint()
    in_force = await versions.find_in_force(tx, group.key)
    draft = await versions.find_draft(tx, group.key)
    if in_force is not None and await _fingerprint(tx, in_force) == fingerprint:
        if draft is not None:
            await versions.delete_draft(tx, group.key)
    elif draft is None or await _fingerprint(tx, draft) != fingerprint:
        kept = await versions.put_draft(
            tx, group.key, group.agreement, now, translations=group.translations
        )
        await _tell_of_draft(tx, kept, fingerprint, now)


async def _fingerprint(tx: Transaction, version: AgreementVersion) -> str:
    return fingerprint_of(version.sha256, await versions.list_translations(tx, version.id))


async def _tell_of_draft(
    tx: Transaction, draft: AgreementVersion, fingerprint: str, now: datetime
) -> None:
    mark = f"draft told in {draft.group_key}"
    if await versions.find_mark(tx, mark) != fingerprint:
        await versions.put_mark(tx, mark, fingerprint)
        facts = {"number": draft.number}
        await outbox.report_in(tx, draft.group_key, Report.DRAFT_WAITING, facts, now)


async def preview_publish(database: Database, group_key: str, now: datetime) -> PublishPreview:
    """Show what publishing would put in force, and what it would change.

    Raises:
        NothingToPublishError: the text in force is the text in the file.
    """
    async with database.read() as tx:
        draft = await versions.find_draft(tx, group_key)
        if draft is None:
            raise NothingToPublishError
        in_force = await versions.find_in_force(tx, group_key)
        translations = await versions.list_translations(tx, draft.id)
        history = await _read_texts(tx, group_key) if translations else []
        earlier = await versions.list_translations(tx, in_force.id) if in_force else ()
        affected = await _affected(tx, group_key, in_force, now)
    before = in_force.agreement if in_force else draft.agreement
    old = {one.language: one.agreement for one in earlier}
    new = {one.language: one.agreement for one in translations}
    languages = changed_languages(earlier, translations) if in_force else ()
    return PublishPreview(
        draft=draft,
        in_force=in_force,
        translations=translations,
        fingerprint=fingerprint_of(draft.sha256, translations),
        # Beside the event loop: two long texts take a while to compare.
        changes=await asyncio.to_thread(compare, before, draft.agreement),
        translated=tuple(
            [
                (name, await asyncio.to_thread(compare, old.get(name), new.get(name)))
                for name in languages
            ]
        ),
        lagging=await asyncio.to_thread(lagging, [*history, (draft.agreement, translations)]),
        advice=judge(before, draft.agreement),
        affected=affected,
    )


async def _read_texts(
    tx: Transaction, group_key: str
) -> list[tuple[Agreement, tuple[Translation, ...]]]:
    """Every text that was published in a group with its translations, the oldest first."""
    found = await versions.list_published(
        tx, group_key, 0, await versions.count_published(tx, group_key)
    )
    said = await versions.list_translations_of(tx, [version.id for version in found])
    return [(version.agreement, said.get(version.id, ())) for version in reversed(found)]


async def _affected(
    tx: Transaction, group_key: str, in_force: AgreementVersion | None, now: datetime
) -> Affected:
    kinds = await standings.list_kinds(tx, group_key, in_force, now)
    signed = [kind for kind in kinds if kind.standing is Standing.SIGNED]
    ending: dict[datetime, int] = {}
    for version_id, end in (await versions.list_outdated_after(tx, group_key, now)).items():
        count = sum(kind.people for kind in signed if kind.version_id == version_id)
        if count:
            ending[end] = ending.get(end, 0) + count
    return Affected(
        signers=sum(kind.people for kind in signed),
        waiting=sum(
            kind.people
            for kind in kinds
            if kind.standing is not Standing.SIGNED and kind.state in UNANSWERED
        ),
        adopted=await holders.count_unasked_adopted(tx, group_key),
        ending=tuple(sorted(ending.items())),
    )


async def publish(
    database: Database,
    group_key: str,
    *,
    fingerprint: str,
    change: Change | None,
    facilitator_id: int,
    grace: timedelta,
    now: datetime,
) -> AgreementVersion:
    """Put the draft in force; the facilitator signs it by this.

    Everybody who waits to be asked is asked. After a material change so is everybody who has
    signed, and their older signature counts until `grace` is over.

    Args:
        database: the open database.
        group_key: the group.
        fingerprint: that of the text and the translations which the facilitator saw, or at least
            its first half, so that nobody signs what they did not read.
        change: minor or material; ignored for the first version.
        facilitator_id: who publishes.
        grace: how long older signatures count after a material change.
        now: the current instant.

    Raises:
        ChangeKindRequiredError: a version is in force and `change` is None.
        NothingToPublishError: there is no draft.
        PublishConflictError: the draft is not the text the facilitator saw.
    """
    async with database.write() as tx:
        in_force = await versions.find_in_force(tx, group_key)
        draft = await versions.find_draft(tx, group_key)
        if draft is None:
            if in_force and (await _fingerprint(tx, in_force)).startswith(fingerprint):
                raise PublishConflictError
            raise NothingToPublishError
        if not (await _fingerprint(tx, draft)).startswith(fingerprint):
            raise PublishConflictError
        kind = change_for(in_force, change)
        material_number = draft.number
        grace_ends_at = now + grace if kind is Change.MATERIAL else None
        if kind is Change.MINOR and in_force is not None:
            material_number = in_force.material_number or draft.number
        await versions.mark_published(
            tx,
            draft,
            change=kind,
            material_number=material_number,
            by=facilitator_id,
            now=now,
            grace_ends_at=grace_ends_at,
        )
        await requests.retarget_queued(tx, group_key, draft.id)
        if kind is Change.MATERIAL:
            await requests.replace_superseded(tx, group_key, draft.id, now)
        await requests.ask_queued(tx, group_key, now)
        await effects.add(
            tx,
            group_key=group_key,
            lane=lane_of_group(group_key, "panel"),
            kind=EffectKind.PANEL,
            now=now,
        )
        await ledger.post_head_in(tx, group_key, now)
        return await versions.get(tx, draft.id)


async def read_in_force(database: Database, group_key: str) -> AgreementVersion:
    """The published text of a group.

    Raises:
        NotPublishedError: nothing is published yet.
    """
    async with database.read() as tx:
        return await versions.get_in_force(tx, group_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One page of the versions of a group, the newest first, and the draft that waits.

    `page` is the one that is shown, from 0, of `pages`.
    """

    draft: AgreementVersion | None
    lines: tuple[PastVersion, ...]
    page: int
    pages: int


async def list_history(
    database: Database, group_key: str, page: int, per_page: int, now: datetime
) -> History:
    """What was published when and by whom, and how many signatures each text has.

    A page beyond the last is the last one.
    """
    async with database.read() as tx:
        pages = max(1, -(-await versions.count_published(tx, group_key) // per_page))
        page = min(page, pages - 1)
        found = await versions.list_published(tx, group_key, page * per_page, per_page)
        ids = [version.id for version in found]
        given = await versions.count_signatures(tx, ids)
        standing = await versions.count_signatures(tx, ids, standing_at=now)
        translations = await versions.list_translations_of(tx, ids)
        draft = await versions.find_draft(tx, group_key)
    return History(
        draft=draft,
        lines=tuple(
            PastVersion(
                version=version,
                languages=tuple(one.language for one in translations.get(version.id, ())),
                standing=0 if _is_over(version, now) else standing.get(version.id, 0),
                given=given.get(version.id, 0),
            )
            for version in found
        ),
        page=page,
        pages=pages,
    )


def _is_over(version: AgreementVersion, now: datetime) -> bool:
    return version.outdated_at is not None and version.outdated_at <= now


async def list_translations(database: Database, version_id: int) -> tuple[Translation, ...]:
    """What a version says in other languages."""
    async with database.read() as tx:
        return await versions.list_translations(tx, version_id)


async def find_translation(
    database: Database, version_id: int, language: str
) -> Translation | None:
    """What a version says in exactly this language, if it does."""
    async with database.read() as tx:
        return await versions.find_translation(tx, version_id, language)
