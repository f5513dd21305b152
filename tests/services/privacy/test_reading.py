"""Whoever asks is shown everything about themselves, and nothing of anybody else."""

import json
from datetime import datetime, timedelta

import pytest

from bot.documents.own_record import write_json
from bot.domain.agreements import Method, RequestState, RevokeReason
from bot.domain.breaches import LetterKind
from bot.domain.effects import EffectKind, EffectState
from bot.domain.privacy import OwnRecord, Part, Row
from bot.domain.retention import RetentionTerms
from bot.services.privacy import reading
from bot.storage.database import Database
from bot.storage.held import SHOWN
from bot.texts import privacy as texts
from bot.texts.catalogue import speaking
from bot.texts.forms import moment
from bot.texts.own_words import LONG, SENTENCES, TECHNICAL, TITLES
from tests.factories import NEWCOMER, NOW, publish
from tests.services.privacy.planting import GROUP, ME, OTHER, plant_everywhere

TERMS = RetentionTerms()
READ_DIFFERENTLY = {"form", "about", "content", "payload", "version_id", "signed_version_id"}
"""Columns of which a person is shown what they mean, rather than what stands there."""


async def read(database: Database, member_id: int = ME) -> OwnRecord:
    return await reading.read_own(database, GROUP, member_id, NOW, with_files=True)


async def test_every_shown_column_of_every_table_arrives_with_its_value(
    database: Database,
) -> None:
    planted = await plant_everywhere(database)
    record = await read(database)
    there = {(row.table, name) for row in record.rows for name in row.values}
    expected = {(table, name) for table, names in SHOWN.items() for name in names}
    # The bytes of a file are handed out beside the rest, and an entry's words are its own.
    expected -= {("breach_evidence", "content")}
    assert expected - there == set()

    values = [(row.table, name, value) for row in record.rows for name, value in row.values.items()]
    for table, names in SHOWN.items():
        for name in names:
            if name not in READ_DIFFERENTLY and table != "ledger_entries":
                wanted = [one for one in planted if one[:2] == (table, name)]
                assert any(one in values for one in wanted), (table, name)


async def test_what_is_read_differently_says_what_it_means(database: Database) -> None:
    await plant_everywhere(database)
    record = await read(database)
    (report,) = (row.values for row in record.rows if row.table == "breach_reports")
    form = report["form"]
    assert isinstance(form, dict)
    assert (form["what"], form["names_somebody"]) == (f"reported by {ME % 1000}", True)
    assert (form["link"], form["quoted"]) == ("link by 567", "quoted by 567")
    (request,) = (row.values for row in record.rows if row.table == "signature_requests")
    assert request["version_id"] == 1
    (case,) = (r.values for r in record.of(Part.CONCERNED) if r.table == "breach_cases")
    assert case["signed_version_id"] == 1
    (entry,) = (row.values for row in record.rows if row.table == "ledger_entries")
    assert entry["payload"] == {"member_id": ME, "certain": 40_000}
    (file,) = record.files
    assert file.media_type == "image/png"
    assert file.content.startswith(b"breach_evidence-content")


async def test_nobody_else_stands_in_what_is_shown_or_exported(database: Database) -> None:
    await plant_everywhere(database)
    record = await read(database)
    for locale in ("en", "es"):
        with speaking(locale):
            for text in (
                texts.own_record("Harbour Light", record, TERMS, str),
                texts.own_file("Harbour Light", record, TERMS),
            ):
                assert str(OTHER) not in text
                assert f"by {OTHER % 1000}" not in text, "what the other side has said"
                assert "59999" not in text, "a case of which they were not told"
                assert "breach_timeline-text" not in text
                assert "breach_decisions-reason" not in text
                assert "case_access-reason" not in text
    exported = write_json("Harbour Light", record).decode()
    for secret in (str(OTHER), f"by {OTHER % 1000}", "59999", "-reason-", "timeline-text"):
        assert secret not in exported


async def test_readable_file_has_every_value_and_times_that_can_be_read(
    database: Database,
) -> None:
    await plant_everywhere(database)
    record = await read(database)
    text = texts.own_file("Harbour Light", record, TERMS)
    assert "<t:" not in text
    made_up = {
        value
        for row in record.rows
        for name, value in row.values.items()
        if isinstance(value, str) and value.startswith(f"{row.table}-{name}-")
    }
    assert len(made_up) > 10
    assert [value for value in made_up if value not in text] == []
    assert f"reported by {ME % 1000}" in text
    assert "2026-03-01 12:00 UTC" in text


async def test_every_title_and_label_is_in_words(database: Database) -> None:
    await plant_everywhere(database)
    text = texts.own_file("Harbour Light", await read(database), TERMS)
    columns = {name for names in SHOWN.values() for name in names if "_" in name}
    assert [name for name in sorted(columns) if f"{name}:" in text] == []


async def test_what_is_shown_leaves_out_no_instant_and_no_word_of_theirs(
    database: Database,
) -> None:
    await plant_everywhere(database)
    record = await read(database)
    text = texts.own_record("Harbour Light", record, TERMS, str)
    retold = {"created_at"}  # where the later instant is told
    shown = [
        (row.table, name, moment(value) if isinstance(value, datetime) else str(value))
        for row in record.rows
        for name, value in row.values.items()
        if name not in TECHNICAL | retold and (isinstance(value, datetime) or name in LONG)
    ]
    assert len(shown) > 30
    assert [one for one in shown if one[2] not in text] == []


def test_sentences_are_about_columns_that_are_shown() -> None:
    assert set(SENTENCES) == set(TITLES) - {"invited"}
    for table, phrases in SENTENCES.items():
        known = {*SHOWN[table], "case_number"}
        for one in phrases:
            assert one.names or one.when, one.text
            assert {*one.names, *one.covers, *one.unless, *one.when} <= known, one.text


SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(days=1)
ASKED = {
    "state": RequestState.SENT,
    "created_at": NOW,
    "version_id": 2,
    "sent_at": SOON,
    "accept_emoji": "✅",
}
SIGNED = {"version_id": 2, "receipt_number": "R", "method": Method.BUTTON, "signed_at": SOON}
TOLD = {"state": "done", "created_at": NOW, "finished_at": SOON}


@pytest.mark.parametrize(
    ("table", "values", "told"),
    [
        (
            "signature_requests",
            {"state": RequestState.QUEUED, "version_id": 2},
            "You have not been asked yet to sign version 2.",
        ),
        (
            "signature_requests",
            {
                "state": RequestState.SIGNED,
                "sent_at": LATER,
                "answered_at": SOON,
                "decline_emoji": "❌",
            },
            "On {later} I told you that your signature was recorded."
            " A signature was recorded on {soon}.",
        ),
        (
            "signature_requests",
            {**ASKED, "state": RequestState.SIGNED},
            "On {soon} I asked you to sign version 2."
            " You took your signature back before you answered.",
        ),
        (
            "signatures",
            {**SIGNED, "method": Method.ATTESTED},
            "On {soon} it was recorded that you had signed version 2. Your receipt is R.",
        ),
        (
            "effects",
            {**TOLD, "kind": EffectKind.NOTICE, "detail": "outdated", "outcome": "told"},
            "On {soon} I told you that there is a newer text.",
        ),
        (
            "effects",
            {**TOLD, "kind": EffectKind.NOTICE, "detail": "removal near", "outcome": "warned"},
            "On {soon} I wrote to you: that you would be removed in a week.",
        ),
        (
            "breach_calls",
            {"at": SOON, "reached": 0},
            "On {soon} I could not tell you that a case waits.",
        ),
        (
            "signature_requests",
            ASKED,
            "On {soon} I asked you to sign version 2. You have not answered yet.",
        ),
        (
            "signature_requests",
            {**ASKED, "state": RequestState.DECLINED, "answered_at": LATER, "left_at": None},
            "On {soon} I asked you to sign version 2. You declined on {later}.",
        ),
        (
            "signature_requests",
            {**ASKED, "state": RequestState.EXPIRED, "language": "es"},
            "On {soon} I asked you to sign version 2. · state: ran out · language: es",
        ),
        (
            "signatures",
            {**SIGNED, "expires_at": LATER},
            "You signed version 2 by button on {soon}. Your receipt is R. It holds until {later}.",
        ),
        (
            "signatures",
            {**SIGNED, "revoked_at": LATER, "revoke_reason": RevokeReason.WITHDRAWN},
            "You signed version 2 by button on {soon}. Your receipt is R."
            " You took it back on {later}.",
        ),
        (
            "signatures",
            {**SIGNED, "revoked_at": LATER, "revoke_reason": RevokeReason.RENEWED},
            "You signed version 2 by button on {soon}. Your receipt is R."
            " It ended on {later}: signed again.",
        ),
        (
            "effects",
            {**TOLD, "kind": EffectKind.ALIGN_ROLE, "outcome": "role given"},
            "On {soon} I gave you the role.",
        ),
        (
            "effects",
            {**TOLD, "kind": EffectKind.NOTICE, "detail": "welcome back", "outcome": "told"},
            "On {soon} I wrote to you: welcome back.",
        ),
        (
            "effects",
            {"kind": EffectKind.ALIGN_ROLE, "state": EffectState.PENDING, "created_at": NOW},
            "**Done or to be done for you** · what: giving or taking the role"
            " · state: to be done · made: {now}",
        ),
        ("signatures", {"signed_at": SOON}, "You noted on {soon} that somebody had signed."),
        (
            "breach_letters",
            {"created_at": SOON, "kind": LetterKind.QUESTION},
            "You wrote to somebody on {soon}: a question.",
        ),
    ],
)
def test_row_is_told_in_plain_words(table: str, values: dict[str, object], told: str) -> None:
    row = Row(part=Part.OFFICE, table=table, values=values)
    record = OwnRecord(group_key=GROUP, read_at=NOW, rows=(row,))
    lines = texts.own_record("Harbour Light", record, TERMS, str).splitlines()
    at = {"now": moment(NOW), "soon": moment(SOON), "later": moment(LATER)}
    assert f"- {told.format(**at)}" in lines


async def test_export_for_programs_is_grouped_by_purpose(database: Database) -> None:
    await plant_everywhere(database)
    document = json.loads(write_json("Harbour Light", await read(database)))
    assert document["format"] == "pledge own record 1"
    assert document["group"] == "Harbour Light"
    assert list(document["held"]) == [part.value for part in Part]
    assert document["held"]["agreement"]["signatures"][0]["signed_at"].endswith("Z")


async def test_stranger_is_told_that_nothing_is_held(database: Database) -> None:
    await plant_everywhere(database)
    record = await read(database, NEWCOMER)
    assert (record.rows, record.files, record.pause) == ((), (), None)
    assert texts.NOTHING_HELD in texts.own_record("Harbour Light", record, TERMS, str)
    assert await reading.list_groups(database, [GROUP], NEWCOMER) == []
    assert await reading.list_groups(database, [GROUP], ME) == [GROUP]


@pytest.mark.parametrize("part", list(Part))
async def test_each_purpose_says_why_who_and_how_long(database: Database, part: Part) -> None:
    await plant_everywhere(database)
    record = await read(database)
    only = OwnRecord(group_key=GROUP, read_at=NOW, rows=tuple(record.of(part)))
    text = texts.own_record("Harbour Light", only, TERMS, str)
    assert text.count("###") == 2, "its own heading, and the end"
    assert "Kept " in text
    assert "see it" in text


async def test_groups_are_kept_apart(database: Database) -> None:
    await plant_everywhere(database)
    await publish(database, "still-water")
    assert (await reading.read_own(database, "still-water", ME, NOW)).rows == ()


@pytest.mark.parametrize(
    "typed", ["<t:99999999999999999999:f>", "<t:-99999999999:R>", "<t:99999999999:f>", "**bold**"]
)
def test_whatever_people_typed_can_be_written_out(typed: str) -> None:
    row = Row(part=Part.REPORTED, table="breach_letters", values={"text": typed})
    record = OwnRecord(group_key=GROUP, read_at=NOW, rows=(row,))
    assert "A letter to you" in texts.own_file("Harbour Light", record, TERMS)
    assert "A letter to you" in texts.own_record("Harbour Light", record, TERMS, str)
