"""Drafting, previewing, publishing and reading a group's agreement."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.agreements import (
    Agreement,
    AgreementVersion,
    Change,
    Standing,
    change_for,
    changed_parts,
)
from bot.domain.effects import EffectKind, lane_of_group
from bot.domain.errors import NothingToPublishError, PublishConflictError
from bot.services import ledger
from bot.storage import effects, requests, signatures, versions
from bot.storage.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupText:
    """A configured group, its server and the text in its file."""

    key: str
    guild_id: int
    agreement: Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPreview:
    """What a facilitator decides on.

    `changed` names the parts that differ from the text in force; it is empty the first time.
    """

    draft: AgreementVersion
    in_force: AgreementVersion | None
    changed: tuple[str, ...]
    standings: dict[Standing, int]


async def register_groups(database: Database, texts: Iterable[GroupText], now: datetime) -> None:
    """Make every configured group known and keep a changed text as its draft.

    Nothing is sent: a draft waits until a facilitator publishes it. Doing it again with the
    same texts changes nothing.
    """
    async with database.write() as tx:
        for group in texts:
            await versions.add_group(tx, group.key, group.guild_id, now)
            await _keep_draft(tx, group, now)


async def _keep_draft(tx: Transaction, group: GroupText, now: datetime) -> None:
    sha256 = group.agreement.sha256()
    in_force = await versions.find_in_force(tx, group.key)
    draft = await versions.find_draft(tx, group.key)
    if in_force is not None and in_force.sha256 == sha256:
        if draft is not None:
            await versions.delete_draft(tx, group.key)
    elif draft is None or draft.sha256 != sha256:
        await versions.put_draft(tx, group.key, group.agreement, now)


async def preview_publish(database: Database, group_key: str, now: datetime) -> PublishPreview:
    """Show what publishing would put in force.

    Raises:
        NothingToPublishError: the text in force is the text in the file.
    """
    async with database.read() as tx:
        draft = await versions.find_draft(tx, group_key)
        if draft is None:
            raise NothingToPublishError
        in_force = await versions.find_in_force(tx, group_key)
        return PublishPreview(
            draft=draft,
            in_force=in_force,
            changed=changed_parts(in_force.agreement, draft.agreement) if in_force else (),
            standings=await signatures.count_standings(tx, group_key, in_force, now),
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
        fingerprint: the SHA-256 of the text the facilitator saw, or at least its first half, so
            that nobody signs what they did not read.
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
            if in_force is not None and in_force.sha256.startswith(fingerprint):
                raise PublishConflictError
            raise NothingToPublishError
        if not draft.sha256.startswith(fingerprint):
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
            people = await requests.cancel_superseded(tx, group_key, draft.id)
            await requests.add_many(tx, group_key, people, draft.id, now)
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
