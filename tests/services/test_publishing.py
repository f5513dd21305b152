"""Drafts, translations, publishes and their history, on both engines."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.domain.agreements import Change, Method, RequestState, Standing
from bot.domain.audit import Flaw
from bot.domain.changes import Affected, compare
from bot.domain.effects import EffectKind, Report, unpack
from bot.domain.errors import NothingToPublishError, PublishConflictError
from bot.domain.translations import Translation, fingerprint_of
from bot.services import agreements, ledger, members, outbox, records, signing
from bot.services.agreements import GroupText
from bot.services.members import Present
from bot.storage.database import Database
from bot.storage.tables import (
    agreement_translations,
    effects,
    ledger_entries,
    signature_requests,
)
from tests.factories import (
    FACILITATOR,
    GRACE,
    GUILD,
    NEWCOMER,
    NOW,
    make_agreement,
    publish,
    register,
)

GROUP = "harbour-light"
FIRST = make_agreement()
SECOND = make_agreement(purpose="We listen to each other, always.")
THIRD = make_agreement(purpose="We listen to each other, always and again.")
SPANISH = Translation.of("es", make_agreement(title="Lo que se dice aquí", purpose="Escuchamos."))
FRENCH = Translation.of("fr", make_agreement(title="Ce qui se dit ici"))
DAY = timedelta(days=1)


async def keep(database: Database, agreement: object = FIRST, *translations: Translation) -> None:
    text = GroupText(
        key=GROUP,
        guild_id=GUILD,
        agreement=agreement,  # type: ignore[arg-type]
        translations=translations,
    )
    await agreements.register_groups(database, [text], NOW)


async def told(database: Database) -> list[tuple[object, dict[str, int | str]]]:
    """The reports of drafts that were ever put into the outbox."""
    query = select(effects.c.detail).where(effects.c.kind == EffectKind.REPORT)
    async with database.read() as tx:
        found = [unpack(detail) for detail in (await tx.execute(query)).scalars()]
    return [(word, dict(facts)) for word, facts in found if word is Report.DRAFT_WAITING]


async def confirm(
    database: Database, change: Change | None = None, now: object = NOW, fingerprint: str = ""
) -> agreements.AgreementVersion:
    if not fingerprint:
        preview = await agreements.preview_publish(database, GROUP, now)  # type: ignore[arg-type]
        fingerprint = preview.fingerprint[:32]
    return await agreements.publish(
        database,
        GROUP,
        fingerprint=fingerprint,
        change=change,
        facilitator_id=FACILITATOR,
        grace=GRACE,
        now=now,  # type: ignore[arg-type]
    )


async def ask_all(database: Database, first_message: int) -> list[int]:
    """Carry out what is due as Discord would; returns who was asked."""
    asked: list[int] = []
    late = NOW + 30 * DAY
    while due := await outbox.claim(database, late, limit=50, group_keys=[GROUP], not_asking=[]):
        for effect in due:
            asking = None
            if effect.kind is EffectKind.ASK:
                asking = await outbox.prepare_asking(database, effect)
            if asking is not None:
                place = outbox.Place(
                    channel_id=1,
                    message_id=first_message + len(asked),
                    sent_at=NOW,
                    accept_emoji="✅",
                    decline_emoji="❌",
                )
                asked.append(asking.request.member_id)
                await outbox.record_asked(database, effect, asking.version, place, NOW)
            await outbox.drop(database, effect, "done", NOW)
    return asked


async def join(database: Database, *people: int) -> None:
    present = [Present(member_id=one, has_role=False, joined_at=NOW) for one in people]
    await members.welcome(database, GROUP, present, NOW, live=True)


async def sign(database: Database, message_id: int, member_id: int) -> None:
    await signing.record_reaction(database, message_id, member_id, "✅", NOW, removed=False)


async def requests_of(database: Database, member_id: int) -> list[tuple[str, int | None]]:
    columns = signature_requests.c
    query = select(columns.state, columns.version_id).where(columns.member_id == member_id)
    async with database.read() as tx:
        return [(row[0], row[1]) for row in await tx.execute(query.order_by(columns.id))]


# Drafts ------------------------------------------------------------------------------------------


async def test_facilitators_are_told_once_of_each_draft(database: Database) -> None:
    await keep(database)
    await keep(database)
    assert await told(database) == [(Report.DRAFT_WAITING, {"number": 1})]
    await confirm(database)
    await keep(database)
    assert len(await told(database)) == 1
    await keep(database, SECOND)
    await keep(database, SECOND)
    assert (await told(database))[1:] == [(Report.DRAFT_WAITING, {"number": 2})]


async def test_nothing_is_told_when_a_draft_goes_back_to_the_text_in_force(
    database: Database,
) -> None:
    await publish(database)
    await keep(database, SECOND)
    before = len(await told(database))
    await keep(database, FIRST)
    assert len(await told(database)) == before
    with pytest.raises(NothingToPublishError):
        await agreements.preview_publish(database, GROUP, NOW)
    await keep(database, SECOND)
    assert len(await told(database)) == before


# Translations ------------------------------------------------------------------------------------


async def test_translations_are_kept_with_the_draft_and_confirmed_with_it(
    database: Database,
) -> None:
    await keep(database, FIRST, SPANISH, FRENCH)
    preview = await agreements.preview_publish(database, GROUP, NOW)
    assert preview.translations == (SPANISH, FRENCH)
    assert preview.fingerprint == fingerprint_of(FIRST.sha256(), [FRENCH, SPANISH])
    assert preview.fingerprint != preview.draft.sha256 == FIRST.sha256()
    with pytest.raises(PublishConflictError):
        await confirm(database, fingerprint=FIRST.sha256()[:32])
    version = await confirm(database)
    assert await agreements.list_translations(database, version.id) == (SPANISH, FRENCH)
    assert await agreements.find_translation(database, version.id, "es") == SPANISH
    assert await agreements.find_translation(database, version.id, "de") is None


@pytest.mark.parametrize(
    ("after", "languages"),
    [
        ((SPANISH, FRENCH), ("fr",)),
        ((), ("es",)),
        ((Translation.of("es", SECOND),), ("es",)),
        ((FRENCH,), ("es", "fr")),
    ],
)
async def test_another_translation_is_a_draft_though_the_text_is_the_same(
    database: Database, after: tuple[Translation, ...], languages: tuple[str, ...]
) -> None:
    await keep(database, FIRST, SPANISH)
    await confirm(database)
    await keep(database, FIRST, *after)
    preview = await agreements.preview_publish(database, GROUP, NOW)
    assert (preview.changes, preview.advice) == ((), None)
    assert tuple(name for name, _changes in preview.translated) == languages
    version = await confirm(database, Change.MINOR)
    assert version.sha256 == FIRST.sha256()
    assert await agreements.list_translations(database, version.id) == after
    await keep(database, FIRST, *after)
    with pytest.raises(NothingToPublishError):
        await agreements.preview_publish(database, GROUP, NOW)


async def test_a_draft_that_is_replaced_takes_its_translations_along(database: Database) -> None:
    await keep(database, FIRST, SPANISH)
    await keep(database, SECOND)
    async with database.read() as tx:
        assert (await tx.execute(select(agreement_translations))).all() == []
    assert (await agreements.preview_publish(database, GROUP, NOW)).translations == ()


async def test_the_ledger_vouches_for_the_translations(database: Database) -> None:
    await keep(database, FIRST, SPANISH, FRENCH)
    await confirm(database)
    query = select(ledger_entries.c.payload).where(ledger_entries.c.kind == "published")
    async with database.read() as tx:
        payload = (await tx.execute(query)).scalar_one()
    assert f'"translations":"es:{SPANISH.sha256},fr:{FRENCH.sha256}"' in payload
    assert (await ledger.verify(database)).findings == ()


async def test_without_translations_the_ledger_says_nothing_of_them(database: Database) -> None:
    await publish(database)
    query = select(ledger_entries.c.payload).where(ledger_entries.c.kind == "published")
    async with database.read() as tx:
        assert "translations" not in (await tx.execute(query)).scalar_one()


@pytest.mark.parametrize("sabotage", ["words", "words and hash", "gone", "added"])
async def test_a_translation_that_was_changed_is_found(database: Database, sabotage: str) -> None:
    await keep(database, FIRST, SPANISH)
    version = await confirm(database)
    table = agreement_translations
    async with database.write() as tx:
        match sabotage:
            case "words":
                await tx.execute(update(table).values(text=FRENCH.text))
            case "words and hash":
                await tx.execute(update(table).values(text=FRENCH.text, sha256=FRENCH.sha256))
            case "gone":
                await tx.execute(table.delete())
            case _:
                values = {"language": "fr", "text": FRENCH.text, "sha256": FRENCH.sha256}
                await tx.execute(table.insert().values(version_id=version.id, **values))
    (finding,) = (await ledger.verify(database)).findings
    assert finding.flaw is (Flaw.TEXT if sabotage == "words" else Flaw.VERSION)
    assert (finding.group_key, finding.number) == (GROUP, 1)


# Publishing --------------------------------------------------------------------------------------


async def test_minor_change_writes_to_nobody(database: Database) -> None:
    await publish(database)
    await join(database, 11, 12)
    await ask_all(database, 100)
    await sign(database, 100, 11)
    await keep(database, SECOND)
    preview = await agreements.preview_publish(database, GROUP, NOW)
    assert preview.affected == Affected(signers=1, waiting=1, adopted=0, ending=())
    assert (preview.changed, preview.advice) == (("purpose",), Change.MINOR)
    await confirm(database, Change.MINOR)
    assert await ask_all(database, 200) == []
    assert (await records.check_member(database, GROUP, 11, NOW)).standing is Standing.SIGNED


async def test_material_change_asks_signers_and_waiting_once_with_what_they_signed(
    database: Database,
) -> None:
    first = await publish(database)
    await join(database, 11, 12)
    await ask_all(database, 100)
    await sign(database, 100, 11)
    await ask_all(database, 150)
    await keep(database, SECOND)
    await join(database, 13)  # asked while the older text is in force, and not reached yet
    second = await confirm(database, Change.MATERIAL)
    due = await outbox.claim(database, NOW, limit=50, group_keys=[GROUP], not_asking=[])
    askings = [
        asking
        for effect in due
        if effect.kind is EffectKind.ASK
        and (asking := await outbox.prepare_asking(database, effect)) is not None
    ]
    found = {asking.request.member_id: asking for asking in askings}
    assert sorted(found) == [11, 12, 13]
    assert {asking.version.id for asking in askings} == {second.id}
    renewal = found[11].renewal
    assert renewal is not None
    assert renewal.signed.id == first.id
    assert renewal.counts_until == NOW + GRACE
    assert renewal.changes == compare(FIRST, SECOND)
    assert found[12].renewal is found[13].renewal is None
    assert await requests_of(database, 13) == [(RequestState.QUEUED, second.id)]


@pytest.mark.parametrize("follows", [False, True])
async def test_changes_are_told_from_the_original_while_the_translation_lacks_one(
    database: Database, follows: bool
) -> None:
    newer = Translation.of("es", make_agreement(title="Otro", purpose="Escuchamos siempre."))
    partly = Translation.of("es", make_agreement(title="Otro", purpose="Escuchamos."))
    later = newer if follows else partly
    await keep(database, FIRST, SPANISH, FRENCH)
    await confirm(database)
    await join(database, 11)
    await ask_all(database, 100)
    await sign(database, 100, 11)
    await ask_all(database, 150)
    await keep(database, SECOND, later)
    preview = await agreements.preview_publish(database, GROUP, NOW)
    await confirm(database, Change.MATERIAL)

    due = await outbox.claim(database, NOW, limit=50, group_keys=[GROUP], not_asking=[])
    (ask,) = [effect for effect in due if effect.kind is EffectKind.ASK]
    asking = await outbox.prepare_asking(database, ask, "es-419")

    assert preview.lagging == (() if follows else (("es", ("purpose",)),))
    assert asking is not None
    assert asking.renewal is not None
    assert asking.translation == later
    told = compare(SPANISH.agreement, newer.agreement) if follows else compare(FIRST, SECOND)
    assert asking.renewal.changes == told
    assert asking.renewal.translation_lags is not follows


async def test_a_translation_that_is_behind_is_named_at_every_publish(database: Database) -> None:
    await keep(database, FIRST, SPANISH)
    await confirm(database)
    for agreement in (SECOND, make_agreement(purpose=SECOND.purpose, title="A new title")):
        await keep(database, agreement, SPANISH)
        preview = await agreements.preview_publish(database, GROUP, NOW)
        ((language, parts),) = preview.lagging
        assert (language, "purpose" in parts) == ("es", True)
        await confirm(database, Change.MINOR)
    assert parts == ("title", "purpose")


async def test_second_material_change_asks_once_and_gives_no_more_time(
    database: Database,
) -> None:
    await publish(database)
    await join(database, 11, 12, 13)
    await ask_all(database, 100)
    for message, member in ((100, 11), (101, 12), (102, 13)):
        await sign(database, message, member)
    await publish(database, agreement=SECOND, change=Change.MATERIAL, now=NOW)
    await ask_all(database, 200)
    (resigned,) = [
        request
        for request in await records.list_readable(
            database, GROUP, 0, 99, waiting_before=NOW + DAY, answered_before=NOW + DAY
        )
        if request.member_id == 13 and request.state is RequestState.SENT
    ]
    assert resigned.message_id is not None
    await sign(database, resigned.message_id, 13)

    await keep(database, THIRD)
    later = NOW + 5 * DAY
    preview = await agreements.preview_publish(database, GROUP, later)
    assert preview.affected == Affected(signers=3, waiting=0, adopted=0, ending=((NOW + GRACE, 2),))
    third = await confirm(database, Change.MATERIAL, later)
    assert sorted(await ask_all(database, 300)) == [11, 12, 13]
    for member, end in ((11, NOW + GRACE), (12, NOW + GRACE), (13, later + GRACE)):
        states = await requests_of(database, member)
        assert [one for one in states if one[0] != RequestState.CANCELLED] == [
            (RequestState.SENT, third.id)
        ]
        record = await records.check_member(database, GROUP, member, later)
        assert record.signatures[-1].outdated_at == end


async def test_a_request_that_never_went_out_is_aimed_at_the_newest_text(
    database: Database,
) -> None:
    await publish(database)
    await join(database, 11)
    await ask_all(database, 100)
    await sign(database, 100, 11)
    await publish(database, agreement=SECOND, change=Change.MATERIAL)
    third = await publish(database, agreement=THIRD, change=Change.MATERIAL)
    assert [state for state, _version in await requests_of(database, 11)] == [
        RequestState.CANCELLED,
        RequestState.QUEUED,
    ]
    assert await ask_all(database, 300) == [11]
    assert (await requests_of(database, 11))[-1] == (RequestState.SENT, third.id)


async def test_the_asking_of_a_closed_request_is_dropped(database: Database) -> None:
    await publish(database)
    await join(database, 11)
    (effect,) = [
        one
        for one in await outbox.claim(database, NOW, limit=9, group_keys=[GROUP], not_asking=[])
        if one.kind is EffectKind.ASK
    ]
    async with database.write() as tx:
        await tx.execute(update(signature_requests).values(state=RequestState.CANCELLED))
    assert await outbox.prepare_asking(database, effect) is None


async def test_who_left_declined_or_withdrew_is_left_in_peace(database: Database) -> None:
    await publish(database)
    await join(database, 11, 12, 13)
    await ask_all(database, 100)
    await sign(database, 100, 11)
    await signing.record_reaction(database, 100, 11, "✅", NOW, removed=True)
    await signing.record_reaction(database, 101, 12, "❌", NOW, removed=False)
    await members.say_goodbye(database, [GROUP], 13, NOW)
    await ask_all(database, 150)
    await publish(database, agreement=SECOND, change=Change.MATERIAL)
    assert await ask_all(database, 200) == []


async def test_many_people_are_asked_anew_in_one_commit(database: Database) -> None:
    await publish(database)
    people = range(1, 301)
    await join(database, *people)
    await ask_all(database, 1_000)
    second = await publish(database, agreement=SECOND, change=Change.MATERIAL)
    asked = await ask_all(database, 5_000)
    assert asked == sorted(asked)
    assert sorted(asked) == list(people)
    assert await requests_of(database, 7) == [
        (RequestState.CANCELLED, second.id - 1),
        (RequestState.SENT, second.id),
    ]


# History -----------------------------------------------------------------------------------------


async def test_history_counts_what_stands_and_what_was_ever_given(database: Database) -> None:
    await register(database)
    empty = await agreements.list_history(database, GROUP, 0, 2, NOW)
    assert (empty.lines, empty.page, empty.pages) == ((), 0, 1)
    assert empty.draft is not None
    await publish(database)
    await join(database, 11, NEWCOMER)
    await ask_all(database, 100)
    await sign(database, 100, 11)
    await sign(database, 101, NEWCOMER)
    await signing.record_reaction(database, 100, 11, "✅", NOW, removed=True)
    await keep(database, SECOND, SPANISH)
    await confirm(database, Change.MATERIAL)
    await keep(database, THIRD)
    found = await agreements.list_history(database, GROUP, 0, 1, NOW)
    (line,) = found.lines
    assert (found.page, found.pages) == (0, 2)
    assert found.draft is not None
    assert found.draft.number == 3
    assert (line.version.number, line.version.change) == (2, Change.MATERIAL)
    assert (line.version.published_by, line.version.published_at) == (FACILITATOR, NOW)
    assert (line.languages, line.standing, line.given) == (("es",), 0, 0)
    found = await agreements.list_history(database, GROUP, 7, 1, NOW)
    (line,) = found.lines
    assert (found.page, line.version.number) == (1, 1)
    assert (line.languages, line.standing, line.given) == ((), 1, 2)
    found = await agreements.list_history(database, GROUP, 1, 1, NOW + GRACE)
    assert (found.lines[0].standing, found.lines[0].given) == (0, 2)
    record = await records.check_member(database, GROUP, NEWCOMER, NOW)
    assert record.signatures[-1].method is Method.REACTION
