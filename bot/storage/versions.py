"""Agreement versions, and the groups they belong to."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.agreements import Agreement, AgreementVersion, Change, VersionState
from bot.domain.errors import NotPublishedError
from bot.domain.ledger import LedgerKind, facts_of_publish
from bot.domain.translations import Translation, languages_and_hashes
from bot.storage import ledger, rows
from bot.storage.database import Transaction
from bot.storage.tables import (
    agreement_translations,
    agreement_versions,
    groups,
    marks,
    signatures,
)


async def add_group(tx: Transaction, group_key: str, guild_id: int, now: datetime) -> None:
    """Make the group known from `now` on; a group that is known keeps its first day."""
    upsert = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(groups)
    await tx.execute(
        upsert.values(key=group_key, guild_id=guild_id, created_at=now).on_conflict_do_update(
            index_elements=["key"], set_={"guild_id": guild_id}
        )
    )


async def list_groups(tx: Transaction) -> dict[str, int]:
    """Every group that was ever known, with the id of the server it was last on."""
    found = await tx.execute(select(groups.c.key, groups.c.guild_id).order_by(groups.c.key))
    return {row[0]: row[1] for row in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """What is remembered of a group besides its texts; see `bot.storage.tables.groups`."""

    created_at: datetime
    adopted_at: datetime | None
    restored_from: datetime | None
    gone_at: datetime | None


async def get_group(tx: Transaction, group_key: str) -> GroupState:
    """What is remembered of a group, which must be known."""
    columns = (groups.c.created_at, groups.c.adopted_at, groups.c.restored_from, groups.c.gone_at)
    row = (await tx.execute(select(*columns).where(groups.c.key == group_key))).mappings().one()
    return GroupState(**row)


async def mark_group(tx: Transaction, group_key: str, **values: datetime | None) -> None:
    """Set columns of a group."""
    await tx.execute(update(groups).where(groups.c.key == group_key).values(**values))


async def find_restored(tx: Transaction, group_key: str) -> datetime | None:
    """Since when the record of a group may have lost something: a backup was put back.

    Unlike `GroupState.restored_from` it is remembered after the comparison with Discord, which
    does not show who was written to.
    """
    since = (await get_group(tx, group_key)).restored_from
    if since is not None:
        return since
    mark = await find_mark(tx, _restored_mark(group_key))
    return datetime.fromisoformat(mark) if mark else None


async def mark_compared(tx: Transaction, group_key: str) -> None:
    """A record that was put back has been compared with Discord."""
    since = await find_restored(tx, group_key)
    if since is not None:
        await put_mark(tx, _restored_mark(group_key), since.isoformat())
    await mark_group(tx, group_key, restored_from=None)


def _restored_mark(group_key: str) -> str:
    return f"record of {group_key} goes back to"


async def find_panel(tx: Transaction, group_key: str) -> tuple[int, int] | None:
    """Channel and message id of the standing panel."""
    columns = (groups.c.panel_channel_id, groups.c.panel_message_id)
    row = (await tx.execute(select(*columns).where(groups.c.key == group_key))).one_or_none()
    return (row[0], row[1]) if row and row[1] else None


async def mark_panel(tx: Transaction, group_key: str, channel_id: int, message_id: int) -> None:
    """Remember where the standing panel is."""
    await tx.execute(
        update(groups)
        .where(groups.c.key == group_key)
        .values(panel_channel_id=channel_id, panel_message_id=message_id)
    )


async def find_in_force(tx: Transaction, group_key: str) -> AgreementVersion | None:
    """The published version, if there is one."""
    return await _find_by_state(tx, group_key, VersionState.PUBLISHED)


async def get_in_force(tx: Transaction, group_key: str) -> AgreementVersion:
    """The published version.

    Raises:
        NotPublishedError: nothing is published yet.
    """
    version = await find_in_force(tx, group_key)
    if version is None:
        raise NotPublishedError
    return version


async def find_draft(tx: Transaction, group_key: str) -> AgreementVersion | None:
    """The text that waits to be published, if there is one."""
    return await _find_by_state(tx, group_key, VersionState.DRAFT)


async def find(tx: Transaction, version_id: int) -> AgreementVersion | None:
    """One version by its id."""
    query = select(agreement_versions).where(agreement_versions.c.id == version_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return rows.version(row) if row else None


async def get(tx: Transaction, version_id: int) -> AgreementVersion:
    """One version by its id, which must exist."""
    query = select(agreement_versions).where(agreement_versions.c.id == version_id)
    return rows.version((await tx.execute(query)).mappings().one())


async def _find_by_state(
    tx: Transaction, group_key: str, state: VersionState
) -> AgreementVersion | None:
    query = select(agreement_versions).where(
        agreement_versions.c.group_key == group_key, agreement_versions.c.state == state
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return rows.version(row) if row else None


async def put_draft(
    tx: Transaction,
    group_key: str,
    agreement: Agreement,
    now: datetime,
    translations: Iterable[Translation] = (),
) -> AgreementVersion:
    """Store `agreement` as the group's draft, in place of an older draft."""
    await delete_draft(tx, group_key)
    numbers = select(func.coalesce(func.max(agreement_versions.c.number), 0)).where(
        agreement_versions.c.group_key == group_key
    )
    added = await tx.execute(
        insert(agreement_versions)
        .values(
            group_key=group_key,
            number=(await tx.execute(numbers)).scalar_one() + 1,
            state=VersionState.DRAFT,
            text=agreement.canonical(),
            sha256=agreement.sha256(),
            created_at=now,
        )
        .returning(agreement_versions)
    )
    draft = rows.version(added.mappings().one())
    for one in translations:
        values = {"language": one.language, "text": one.text, "sha256": one.sha256}
        await tx.execute(insert(agreement_translations).values(version_id=draft.id, **values))
    return draft


async def delete_draft(tx: Transaction, group_key: str) -> None:
    """Drop the draft; nobody was ever asked to sign one."""
    drafts = select(agreement_versions.c.id).where(
        agreement_versions.c.group_key == group_key,
        agreement_versions.c.state == VersionState.DRAFT,
    )
    await tx.execute(
        agreement_translations.delete().where(agreement_translations.c.version_id.in_(drafts))
    )
    await tx.execute(agreement_versions.delete().where(agreement_versions.c.id.in_(drafts)))


async def list_translations(tx: Transaction, version_id: int) -> tuple[Translation, ...]:
    """What a version says in other languages, by the names of these."""
    return (await list_translations_of(tx, [version_id])).get(version_id, ())


async def list_translations_of(
    tx: Transaction, version_ids: Collection[int]
) -> dict[int, tuple[Translation, ...]]:
    """The translations of several versions; one without any is missing."""
    columns = agreement_translations.c
    query = select(columns.version_id, columns.language, columns.text, columns.sha256).where(
        columns.version_id.in_(version_ids)
    )
    found: dict[int, tuple[Translation, ...]] = {}
    for version_id, language, text, sha256 in await tx.execute(query.order_by(columns.language)):
        one = Translation(language=language, text=text, sha256=sha256)
        found[version_id] = (*found.get(version_id, ()), one)
    return found


async def find_translation(tx: Transaction, version_id: int, language: str) -> Translation | None:
    """What a version says in exactly this language, if it does."""
    found = await list_translations(tx, version_id)
    return next((one for one in found if one.language == language), None)


async def count_published(tx: Transaction, group_key: str) -> int:
    """How many versions a group has published."""
    query = select(func.count()).where(
        agreement_versions.c.group_key == group_key,
        agreement_versions.c.state != VersionState.DRAFT,
    )
    return (await tx.execute(query)).scalar_one()


async def list_published(
    tx: Transaction, group_key: str, offset: int, limit: int
) -> list[AgreementVersion]:
    """The versions a group has published, the newest first."""
    query = select(agreement_versions).where(
        agreement_versions.c.group_key == group_key,
        agreement_versions.c.state != VersionState.DRAFT,
    )
    query = query.order_by(agreement_versions.c.number.desc()).offset(offset).limit(limit)
    return [rows.version(row) for row in (await tx.execute(query)).mappings()]


async def count_signatures(
    tx: Transaction, version_ids: Sequence[int], *, standing_at: datetime | None = None
) -> dict[int, int]:
    """How many signatures were given on each of these texts; one without any is missing.

    Args:
        tx: the open transaction.
        version_ids: the texts.
        standing_at: only those that were not revoked and have not run out by then.
    """
    columns = signatures.c
    query = select(columns.version_id, func.count()).where(columns.version_id.in_(version_ids))
    if standing_at is not None:
        query = query.where(
            columns.revoked_at.is_(None),
            or_(columns.expires_at.is_(None), columns.expires_at > standing_at),
        )
    found = await tx.execute(query.group_by(columns.version_id))
    return {row[0]: row[1] for row in found}


async def list_outdated_after(
    tx: Transaction, group_key: str, now: datetime
) -> dict[int, datetime]:
    """The older texts on which signatures still count for a while, and until when."""
    query = select(agreement_versions.c.id, agreement_versions.c.outdated_at).where(
        agreement_versions.c.group_key == group_key, agreement_versions.c.outdated_at > now
    )
    return {row[0]: row[1] for row in await tx.execute(query)}


async def mark_published(
    tx: Transaction,
    draft: AgreementVersion,
    *,
    change: Change,
    material_number: int,
    by: int,
    now: datetime,
    grace_ends_at: datetime | None,
) -> None:
    """Supersede the version in force, if any, and put `draft` in its place; the ledger knows."""
    columns = agreement_versions.c
    values: dict[str, Any] = {
        "state": VersionState.PUBLISHED,
        "change": change,
        "material_number": material_number,
        "published_by": by,
        "published_at": now,
        "grace_ends_at": grace_ends_at,
    }
    facts = dict(facts_of_publish(replace(draft, **values)))
    if translations := await list_translations(tx, draft.id):
        facts["translations"] = languages_and_hashes(translations)
    await ledger.append(tx, draft.group_key, LedgerKind.PUBLISHED, facts, now, subject_id=by)
    older = update(agreement_versions).where(
        columns.group_key == draft.group_key, columns.number < draft.number
    )
    await tx.execute(
        older.where(columns.state == VersionState.PUBLISHED).values(state=VersionState.SUPERSEDED)
    )
    if change is Change.MATERIAL:
        # What is outdated already keeps its end: one grace is never prolonged by the next.
        await tx.execute(
            older.where(columns.outdated_at.is_(None)).values(outdated_at=grace_ends_at or now)
        )
    await tx.execute(update(agreement_versions).where(columns.id == draft.id).values(**values))


async def find_mark(tx: Transaction, name: str) -> str | None:
    """A small fact about the installation."""
    query = select(marks.c.value).where(marks.c.name == name)
    return (await tx.execute(query)).scalar_one_or_none()


async def put_mark(tx: Transaction, name: str, value: str) -> None:
    """Remember a small fact about the installation."""
    upsert = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(marks)
    await tx.execute(
        upsert.values(name=name, value=value).on_conflict_do_update(
            index_elements=["name"], set_={"value": value}
        )
    )
