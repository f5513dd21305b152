"""What else goes: what was done, words of the ledger, and groups without their server."""

import pytest
from sqlalchemy import insert, select, update

from bot.domain.agreements import OPEN_STATES, RequestState
from bot.domain.effects import AlarmKind, EffectKind, EffectState, Notice
from bot.domain.retention import AWAY_AT_LEAST
from bot.services import (
    agreements,
    ledger,
    purging,
    servers,
)
from bot.storage import effects, holders, requests, versions
from bot.storage import tables as t
from bot.storage.case_tables import breach_cases, breach_reports, suspensions
from bot.storage.database import Database
from bot.storage.tables import metadata
from tests.factories import NEWCOMER, NOW, make_agreement
from tests.services.test_ledger import GROUP
from tests.services.town import (
    DAY,
    LONG,
    TERMS,
    Town,
    declined,
    places_of,
    signed,
    withdrew,
)


@pytest.fixture
async def town(database: Database) -> Town:
    town = Town(database)
    await town.publish()
    return town


# What was done -----------------------------------------------------------------------------------


async def test_what_was_done_goes_but_not_what_is_to_be_done_or_counted(town: Town) -> None:
    await town.join(NEWCOMER)
    async with town.database.write() as tx:
        request = await requests.find_open(tx, GROUP, NEWCOMER)
        assert request is not None
        for detail in (Notice.REMINDER, Notice.STILL_SIGNED, Notice.UNCLEAR):
            await effects.add(
                tx,
                group_key=GROUP,
                lane=f"member:{GROUP}:{NEWCOMER}",
                kind=EffectKind.NOTICE,
                member_id=NEWCOMER,
                request_id=request.id,
                detail=detail,
                now=NOW,
            )
    await town.settle()
    async with town.database.write() as tx:
        await effects.add(
            tx, group_key=GROUP, lane="group:x", kind=EffectKind.PANEL, now=NOW, detail="waits"
        )
    town.now += 31 * DAY
    gone = await purging.purge(town.database, GROUP, TERMS, town.now)
    assert gone.activity > 3
    async with town.database.read() as tx:
        left = (await tx.execute(select(t.effects.c.detail, t.effects.c.state))).all()
    assert sorted((row[0], row[1]) for row in left) == [
        (Notice.REMINDER, EffectState.DONE),
        (Notice.STILL_SIGNED, EffectState.DONE),
        ("waits", EffectState.PENDING),
    ]


async def test_alarms_and_invitations_that_are_over_go(town: Town) -> None:
    async with town.database.write() as tx:
        await effects.open_alarm(tx, GROUP, AlarmKind.ROLE_GONE, NOW)
        await effects.close_alarms(tx, GROUP, [AlarmKind.ROLE_GONE], NOW)
        await effects.open_alarm(tx, GROUP, AlarmKind.TWO_FACTOR, NOW)
        for finished_at in (NOW, None):
            await tx.execute(
                insert(t.invitations).values(
                    group_key=GROUP,
                    counted_at=NOW,
                    started_at=NOW,
                    finished_at=finished_at,
                    audience="everybody",
                    posts=0,
                )
            )
    await purging.purge(town.database, GROUP, TERMS, NOW + 29 * DAY)
    assert await _count(town.database, "alarms", "invitations") == [2, 2]
    await purging.purge(town.database, GROUP, TERMS, NOW + 30 * DAY)
    assert await _count(town.database, "alarms", "invitations") == [1, 1]


async def _count(database: Database, *names: str) -> list[int]:
    async with database.read() as tx:
        return [len((await tx.execute(select(metadata.tables[name]))).all()) for name in names]


async def test_words_of_the_ledger_about_people_who_are_there_go_in_time(town: Town) -> None:
    await town.join(NEWCOMER)
    await signed(town, NEWCOMER)
    await town.live(LONG)
    async with town.database.read() as tx:
        query = select(t.ledger_entries.c.kind).where(
            t.ledger_entries.c.payload.is_not(None), t.ledger_entries.c.subject.is_not(None)
        )
        said = set((await tx.execute(query)).scalars())
    assert said == {"published", "signed", "erased"}


# Groups without their server ---------------------------------------------------------------------


async def _case(database: Database) -> None:
    async with database.write() as tx:
        case = {"group_key": GROUP, "case_number": 1, "opened_at": NOW, "clause": "covered"}
        await tx.execute(insert(breach_cases).values(id=1, state="open", **case))
        await tx.execute(
            insert(breach_reports).values(case_id=1, received_at=NOW, reporter=b"x", form=b"x")
        )
        await tx.execute(
            insert(suspensions).values(
                group_key=GROUP,
                case_id=1,
                member=b"x",
                member_ref="x",
                began_at=NOW,
                provisional=0,
            )
        )


async def test_without_its_server_everything_of_a_group_goes_in_its_time(town: Town) -> None:
    for who, life in enumerate((declined, signed, withdrew), NEWCOMER):
        await town.join(who)
        await life(town, who)
    async with town.database.write() as tx:
        await holders.add_found(tx, GROUP, [NEWCOMER], NOW)
    await _case(town.database)
    await servers.record_server(town.database, GROUP, NOW, there=False)

    await town.live(89)
    assert "signature_requests" in await places_of(town.database, NEWCOMER)
    await town.live(8)
    assert await places_of(town.database, NEWCOMER) == set()
    assert await _count(town.database, "holders", "effects", "signatures") == [0, 0, 2]
    assert await _count(town.database, "breach_reports", "suspensions") == [1, 1]
    await town.live(275)
    assert await _count(town.database, "breach_reports", "suspensions") == [0, 0]
    await town.live(LONG)
    for who in range(NEWCOMER, NEWCOMER + 3):
        assert await places_of(town.database, who) == set()
    result = await ledger.verify(town.database)
    assert (result.findings, result.proofs) == ((), 2)


async def test_case_that_was_closed_goes_in_its_own_time_though_nobody_is_told(town: Town) -> None:
    await _case(town.database)
    async with town.database.write() as tx:
        await tx.execute(update(breach_cases).values(state="closed", closed_at=NOW))
    await town.live(300)
    await servers.record_server(town.database, GROUP, town.now, there=False)
    await town.live(64)
    assert await _count(town.database, "breach_reports") == [1]
    await town.live(2)
    assert await _count(town.database, "breach_reports", "breach_cases") == [0, 1]


async def test_a_server_that_comes_back_in_time_loses_nothing(town: Town) -> None:
    await town.join(NEWCOMER)
    await declined(town, NEWCOMER)
    await servers.record_server(town.database, GROUP, town.now, there=False)
    await town.live(60)
    # A restart notes it once more, and does not begin the time anew.
    await servers.record_server(town.database, GROUP, town.now, there=False)
    async with town.database.read() as tx:
        assert (await versions.get_group(tx, GROUP)).gone_at == NOW
    await servers.record_server(town.database, GROUP, town.now, there=True)
    await town.live(200)
    assert await town.state_of(NEWCOMER) is RequestState.DECLINED
    assert await town.sweep(NEWCOMER) == 0


async def test_groups_that_are_not_in_the_settings_have_their_clock(town: Town) -> None:
    assert await servers.note_unconfigured(town.database, [GROUP], NOW) == []
    assert await servers.note_unconfigured(town.database, [], NOW + DAY) == [GROUP]
    assert await servers.note_unconfigured(town.database, [], NOW + 9 * DAY) == [GROUP]
    async with town.database.read() as tx:
        assert (await versions.get_group(tx, GROUP)).gone_at == NOW + DAY


async def test_one_group_is_not_another(town: Town) -> None:
    agreement = make_agreement()
    await agreements.register_groups(
        town.database, [agreements.GroupText(key="other", guild_id=1, agreement=agreement)], NOW
    )
    async with town.database.write() as tx:
        await requests.add(tx, "other", NEWCOMER, NOW, version_id=1)
        await tx.execute(update(t.signature_requests).values(left_at=NOW))
    await town.join(NEWCOMER)
    await town.leave(NEWCOMER)
    await town.live(97)
    async with town.database.read() as tx:
        columns = t.signature_requests.c
        query = select(columns.group_key).where(columns.state.in_(OPEN_STATES))
        assert list((await tx.execute(query)).scalars()) == ["other"]


async def test_nothing_goes_untold_because_the_bot_was_away_for_a_while(town: Town) -> None:
    there, left = NEWCOMER, NEWCOMER + 1
    await town.join(there)
    await withdrew(town, there)
    await town.join(left)
    await declined(town, left)
    await town.leave(left)
    town.now += LONG * DAY
    # Its block was taken out of the settings, and nobody says any more how long.
    assert await servers.note_unconfigured(town.database, [], town.now) == [GROUP]
    town.now += DAY
    gone = await purging.purge(town.database, GROUP, TERMS, town.now)
    assert (gone.signatures, gone.people, gone.words) == (0, 0, 0)
    town.now += AWAY_AT_LEAST
    gone = await purging.purge(town.database, GROUP, TERMS, town.now)
    assert (gone.signatures, gone.people) == (1, 1)


async def test_who_has_left_stays_unsure_in_an_older_record_though_the_bot_is_away(
    town: Town,
) -> None:
    await town.join(NEWCOMER)
    await signed(town, NEWCOMER)
    await town.leave(NEWCOMER)
    async with town.database.write() as tx:
        await versions.mark_group(tx, GROUP, restored_from=town.now)
    town.now += LONG * DAY
    await servers.record_server(town.database, GROUP, town.now, there=False)
    town.now += AWAY_AT_LEAST + DAY
    assert (await purging.purge(town.database, GROUP, TERMS, town.now)).signatures == 0
    town.now += TERMS.proof
    assert (await purging.purge(town.database, GROUP, TERMS, town.now)).signatures == 1
