"""The rules of agreements, versions, requests and signatures."""

import hashlib
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.agreements import (
    Agreement,
    AgreementVersion,
    Change,
    Consequence,
    Duration,
    Method,
    RequestState,
    RevokeReason,
    Scope,
    Signature,
    SignatureRequest,
    Standing,
    Statements,
    VersionState,
    change_for,
    changed_parts,
    expiry_of,
    standing_of,
)
from bot.domain.errors import (
    AlreadySignedError,
    ChangeKindRequiredError,
    NotAMemberError,
    OutdatedRequestError,
)
from tests.factories import FACILITATOR, GRACE, NEWCOMER, NOW, make_agreement

SECOND = timedelta(seconds=1)
# Python strings may hold lone surrogates, which no file and no message of Discord can.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
agreements = st.builds(
    Agreement,
    title=texts,
    purpose=texts,
    scope=st.builds(Scope, covered=texts, not_covered=texts, exceptions=texts),
    consequences=st.lists(st.builds(Consequence, key=texts, text=texts), max_size=3).map(tuple),
    duration=st.builds(Duration, text=texts, days=st.none() | st.integers(1, 3650)),
    signatures=st.builds(Statements, participant=texts, facilitator=texts),
    summary=st.none() | texts,
    crisis=st.none() | texts,
    privacy=st.none() | texts,
)


def make_version(number: int = 1, material_number: int | None = None) -> AgreementVersion:
    """A published version."""
    text = make_agreement().canonical()
    return AgreementVersion(
        id=number,
        group_key="harbour-light",
        number=number,
        state=VersionState.PUBLISHED,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        created_at=NOW,
        material_number=material_number or number,
        change=Change.MATERIAL,
        published_by=FACILITATOR,
        published_at=NOW,
    )


def make_signature(version_number: int = 1, **changes: object) -> Signature:
    signature = Signature(
        id=1,
        group_key="harbour-light",
        request_id=1,
        member_id=NEWCOMER,
        version_id=version_number,
        version_number=version_number,
        sha256="0" * 64,
        receipt_number="R-1",
        method=Method.REACTION,
        message_id=1,
        signed_at=NOW,
    )
    return replace(signature, **changes)  # type: ignore[arg-type]


def make_request(state: RequestState = RequestState.SENT, **changes: object) -> SignatureRequest:
    request = SignatureRequest(
        id=1,
        group_key="harbour-light",
        member_id=NEWCOMER,
        state=state,
        created_at=NOW,
        version_id=1,
        version_number=1,
    )
    return replace(request, **changes)  # type: ignore[arg-type]


# The text ----------------------------------------------------------------------------------------


@given(agreements)
def test_canonical_text_and_hash_survive_when_stored_and_read_back(agreement: Agreement) -> None:
    text = agreement.canonical()
    again = Agreement.from_canonical(text)
    assert again.canonical() == text
    assert again.sha256() == agreement.sha256() == hashlib.sha256(text.encode()).hexdigest()
    assert changed_parts(agreement, again) == ()


def test_canonical_text_stays_what_was_signed_in_earlier_releases() -> None:
    # Stored signatures name its hash: a change of the form would make everybody sign again.
    assert make_agreement(privacy="Little – “so”.").canonical() == (
        '{"consequences":[{"key":"reminder","text":"A reminder."},'
        '{"key":"removed","text":"Leaving the group."}],"crisis":null,'
        '"duration":{"days":null,"text":"Until you take it back."},'
        '"privacy":"Little – “so”.","purpose":"We listen to each other.",'
        '"scope":{"covered":"Stories.","exceptions":"Danger.","not_covered":"Your own story."},'
        '"signatures":{"facilitator":"I promise too.","participant":"I promise."},'
        '"summary":null,"title":"What is said here stays here"}'
    )


@pytest.mark.parametrize(
    "written",
    [
        "  Café\nau lait\n\n",
        "Café\r\nau lait",
        "Café\rau lait",
        unicodedata.normalize("NFD", "Café\nau lait"),
    ],
)
def test_hash_is_the_same_when_only_the_file_was_written_differently(written: str) -> None:
    plain = make_agreement(purpose="Café\nau lait")
    assert make_agreement(purpose=written).sha256() == plain.sha256()


def test_hash_differs_when_a_text_moves_to_another_part() -> None:
    one = make_agreement(summary="Plain words.", crisis=None)
    other = make_agreement(summary=None, crisis="Plain words.")
    assert one.sha256() != other.sha256()


def test_changed_parts_are_named_in_reading_order() -> None:
    before = make_agreement()
    after = make_agreement(
        privacy="Little.",
        duration=Duration(text=before.duration.text, days=30),
        scope=replace(before.scope, covered="Stories, and names."),
        purpose="  We listen to each other.  ",
    )
    assert changed_parts(before, after) == ("scope", "duration", "privacy")


def test_changed_parts_see_a_step_when_it_moves_on_the_ladder() -> None:
    before = make_agreement()
    after = make_agreement(consequences=before.consequences[::-1])
    assert changed_parts(before, after) == ("consequences",)


# Publishing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [None, *Change])
def test_first_publish_needs_no_answer(wanted: Change | None) -> None:
    assert change_for(None, wanted) is Change.FIRST


@pytest.mark.parametrize("wanted", [Change.MINOR, Change.MATERIAL])
def test_later_publish_is_what_the_facilitator_said(wanted: Change) -> None:
    assert change_for(make_version(), wanted) is wanted


@pytest.mark.parametrize("wanted", [None, Change.FIRST])
def test_later_publish_is_refused_when_nobody_said_what_it_means(wanted: Change | None) -> None:
    with pytest.raises(ChangeKindRequiredError):
        change_for(make_version(), wanted)


# Signatures --------------------------------------------------------------------------------------


def test_signature_opens_the_door_until_the_instant_it_expires() -> None:
    signature = make_signature(expires_at=NOW + SECOND)
    assert signature.is_valid(make_version(), NOW)
    assert not signature.is_valid(make_version(), NOW + SECOND)


def test_signature_opens_nothing_when_it_was_revoked() -> None:
    signature = make_signature(revoked_at=NOW, revoke_reason=RevokeReason.WITHDRAWN)
    assert not signature.is_valid(make_version(), NOW)


def test_signature_opens_nothing_when_no_version_is_in_force() -> None:
    assert not make_signature().is_valid(None, NOW)


@pytest.mark.parametrize("signed", [2, 3])
def test_signature_stays_valid_when_the_change_was_minor(signed: int) -> None:
    assert make_signature(signed).is_valid(make_version(3, material_number=2), NOW)


def test_older_signature_is_valid_until_its_text_is_outdated() -> None:
    in_force, older = make_version(2), make_signature(1, outdated_at=NOW + GRACE)
    assert older.is_valid(in_force, NOW + GRACE - SECOND)
    assert not older.is_valid(in_force, NOW + GRACE)
    assert make_signature(2).is_valid(in_force, NOW + GRACE)


@pytest.mark.parametrize(
    ("expires_at", "outdated_at", "ends_at"),
    [
        (None, None, None),
        (NOW, None, NOW),
        (None, NOW, NOW),
        (NOW, NOW + SECOND, NOW),
        (NOW + SECOND, NOW, NOW),
    ],
)
def test_signature_ends_with_itself_or_with_its_text(
    expires_at: datetime | None, outdated_at: datetime | None, ends_at: datetime | None
) -> None:
    signature = make_signature(expires_at=expires_at, outdated_at=outdated_at)
    assert signature.ends_at() == ends_at


def test_older_signature_is_worthless_at_once_when_there_is_no_grace() -> None:
    assert not make_signature(1).is_valid(make_version(2), NOW)


def test_grace_never_revives_a_signature_that_ran_out() -> None:
    signature = make_signature(1, expires_at=NOW, outdated_at=NOW + GRACE)
    assert not signature.is_valid(make_version(2), NOW)


def test_expiry_is_counted_in_whole_days_from_the_signature() -> None:
    agreement = make_agreement(duration=Duration(text="A year.", days=365))
    assert expiry_of(agreement, NOW) == NOW + timedelta(days=365)
    assert expiry_of(make_agreement(), NOW) is None


# Requests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in RequestState if make_request(state).is_open])
def test_open_request_can_be_answered(state: RequestState) -> None:
    make_request(state).check_answerable(make_version())
    make_request(state).check_answerable(make_version(3, material_number=1))


def test_only_expired_and_cancelled_requests_are_history() -> None:
    closed = {state for state in RequestState if not make_request(state).is_open}
    assert closed == {RequestState.EXPIRED, RequestState.CANCELLED}


@pytest.mark.parametrize(
    ("request_", "in_force"),
    [
        pytest.param(make_request(RequestState.EXPIRED), make_version(), id="expired"),
        pytest.param(make_request(RequestState.CANCELLED), make_version(), id="replaced"),
        pytest.param(make_request(), None, id="nothing in force"),
        pytest.param(make_request(version_number=None), make_version(), id="never sent"),
        pytest.param(make_request(), make_version(2), id="older text"),
    ],
)
def test_answer_to_an_old_request_is_refused(
    request_: SignatureRequest, in_force: AgreementVersion | None
) -> None:
    with pytest.raises(OutdatedRequestError):
        request_.check_answerable(in_force)


def test_answer_is_refused_when_the_person_has_left() -> None:
    with pytest.raises(NotAMemberError):
        make_request(left_at=NOW).check_answerable(make_version())


def test_decline_is_refused_only_when_a_signature_stands() -> None:
    revoked = make_signature(revoked_at=NOW, revoke_reason=RevokeReason.WITHDRAWN)
    make_request().check_declinable(None)
    make_request().check_declinable(revoked)
    with pytest.raises(AlreadySignedError):
        make_request().check_declinable(make_signature())


# Standing ----------------------------------------------------------------------------------------

WITHDRAWN = make_signature(revoked_at=NOW, revoke_reason=RevokeReason.WITHDRAWN)
OUTDATED = make_signature(revoked_at=NOW, revoke_reason=RevokeReason.OUTDATED)
EXPIRED = make_signature(revoked_at=NOW, revoke_reason=RevokeReason.EXPIRED)
Q, S, B = RequestState.QUEUED, RequestState.SENT, RequestState.BLOCKED
SIGNED, D = RequestState.SIGNED, RequestState.DECLINED


@pytest.mark.parametrize(
    ("state", "newest", "standing"),
    [
        (None, None, None),
        (None, WITHDRAWN, None),
        (None, make_signature(), Standing.SIGNED),
        (RequestState.EXPIRED, None, None),
        (RequestState.CANCELLED, None, None),
        (Q, None, Standing.WAITING),
        (S, None, Standing.WAITING),
        (B, None, Standing.BLOCKED),
        (D, None, Standing.DECLINED),
        (SIGNED, make_signature(), Standing.SIGNED),
        (Q, make_signature(), Standing.SIGNED),
        (B, make_signature(), Standing.SIGNED),
        (SIGNED, WITHDRAWN, Standing.WITHDRAWN),
        (S, WITHDRAWN, Standing.WAITING),
        (D, WITHDRAWN, Standing.DECLINED),
        (B, WITHDRAWN, Standing.BLOCKED),
        (Q, OUTDATED, Standing.OUTDATED),
        (S, OUTDATED, Standing.OUTDATED),
        (S, EXPIRED, Standing.EXPIRED),
        (SIGNED, make_signature(expires_at=NOW), Standing.EXPIRED),
    ],
)
def test_standing_sums_up_request_and_newest_signature(
    state: RequestState | None, newest: Signature | None, standing: Standing | None
) -> None:
    request = make_request(state) if state else None
    given_ = [newest] if newest else []
    assert standing_of(request, given_, make_version(), NOW) is standing


def test_standing_is_outdated_when_the_grace_is_over_and_nothing_was_revoked_yet() -> None:
    in_force, older = make_version(2), make_signature(1, outdated_at=NOW + GRACE)
    request = make_request(RequestState.SENT, version_number=2)
    before = standing_of(request, [older], in_force, NOW + GRACE - SECOND)
    after = standing_of(request, [older], in_force, NOW + GRACE)
    assert (before, after) == (Standing.SIGNED, Standing.OUTDATED)


def test_standing_follows_the_newest_signature_in_whatever_order_they_come() -> None:
    request = make_request(RequestState.SIGNED)
    new = make_signature(id=2)
    assert standing_of(request, [new, WITHDRAWN], make_version(), NOW) is Standing.SIGNED
    assert standing_of(request, [WITHDRAWN, new], make_version(), NOW) is Standing.SIGNED
