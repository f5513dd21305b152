"""What `/signatures check` says of people in every situation, in one message."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.agreements import (
    AgreementVersion,
    Method,
    RequestState,
    RevokeReason,
    Signature,
    SignatureRequest,
    VersionState,
    standing_of,
)
from bot.domain.holders import Adoption
from bot.domain.paragraphs import length
from bot.domain.stories import Settled, Story
from bot.texts import member_story
from tests.factories import FACILITATOR, NEWCOMER, NOW, make_agreement

DAY = timedelta(days=1)
SETTLED = Settled(remind_after_days=(1, 3), grace=14 * DAY, takes_roles=True)
IN_FORCE = AgreementVersion(
    id=2,
    group_key="harbour-light",
    number=2,
    state=VersionState.PUBLISHED,
    text=make_agreement().canonical(),
    sha256="0" * 64,
    created_at=NOW,
    material_number=2,
    published_at=NOW,
)
REQUEST = SignatureRequest(
    id=7,
    group_key="harbour-light",
    member_id=NEWCOMER,
    state=RequestState.SENT,
    created_at=NOW,
    version_id=2,
    version_number=2,
    sent_at=NOW,
)
SIGNATURE = Signature(
    id=3,
    group_key="harbour-light",
    request_id=7,
    member_id=NEWCOMER,
    version_id=2,
    version_number=2,
    sha256="0" * 64,
    receipt_number="AAAA-BBBB-CCCC",
    method=Method.REACTION,
    message_id=1,
    signed_at=NOW,
)


def at(instant: datetime, style: str = "f") -> str:
    return f"<t:{int(instant.timestamp())}:{style}>"


def tell(
    request: SignatureRequest | None = None,
    *signatures: Signature,
    earlier: tuple[SignatureRequest, ...] = (),
    in_force: AgreementVersion | None = IN_FORCE,
    settled: Settled = SETTLED,
    is_present: bool = True,
    note: str = "",
    **rest: object,
) -> str:
    story = Story(
        member_id=NEWCOMER,
        standing=standing_of(request, signatures, in_force, NOW),
        request=request,
        earlier=earlier,
        signatures=signatures,
        in_force=in_force,
        **rest,  # type: ignore[arg-type]
    )
    return member_story(
        "test-newcomer", "Harbour Light", story, settled, NOW, is_present=is_present, note=note
    )


SIGNED = replace(REQUEST, state=RequestState.SIGNED, answered_at=NOW)
ENDED = replace(SIGNATURE, revoked_at=NOW, revoke_reason=RevokeReason.WITHDRAWN)

SITUATIONS: dict[str, tuple[str, list[str]]] = {
    "never asked": (tell(), ["no open request", "I have never asked them", "/agreement invite"]),
    "queued before the first publish": (
        tell(replace(REQUEST, state=RequestState.QUEUED, sent_at=None), in_force=None),
        ["In the queue since", "as soon as an agreement is published"],
    ),
    "queued": (
        tell(replace(REQUEST, state=RequestState.QUEUED, sent_at=None)),
        ["In the queue since", "when it is their turn"],
    ),
    "waiting": (
        tell(REQUEST),
        [f"message {at(NOW)}, to sign version 2", f"I remind them {at(NOW + DAY)}"],
    ),
    "asked in Spanish": (tell(replace(REQUEST, language="es")), ["in Español, to sign"]),
    "reminded to the end": (
        tell(replace(REQUEST, reminded_day=3), reminders=2, reminded_at=NOW),
        ["I reminded them 2 times", "no reminder goes out by itself any more"],
    ),
    "blocked": (
        tell(replace(REQUEST, state=RequestState.BLOCKED, sent_at=None)),
        ["their direct messages are closed", "`/signatures record`"],
    ),
    "declined": (
        tell(replace(REQUEST, state=RequestState.DECLINED, answered_at=NOW)),
        [f"Declined {at(NOW)}", "I leave them in peace"],
    ),
    "signed by button": (
        tell(replace(SIGNED, sent_at=None), replace(SIGNATURE, method=Method.BUTTON)),
        ["inside the server", "by button", "That version is in force", "Valid until withdrawn"],
    ),
    "signed while the bot was away": (
        tell(SIGNED, replace(SIGNATURE, signed_after=NOW - DAY)),
        [f"between {at(NOW - DAY)} and {at(NOW)}", "`AAAA-BBBB-CCCC`"],
    ),
    "signed for a year": (
        tell(SIGNED, replace(SIGNATURE, expires_at=NOW + 365 * DAY)),
        [f"Valid until {at(NOW + 365 * DAY)}", "unless they sign again"],
    ),
    "outdated in grace": (
        tell(REQUEST, replace(SIGNATURE, version_number=1, outdated_at=NOW + 5 * DAY)),
        ["The version in force is 2", f"keep access until {at(NOW + 5 * DAY)}", "sign version 2"],
    ),
    "outdated": (
        tell(
            REQUEST,
            replace(
                SIGNATURE, version_number=1, revoked_at=NOW, revoke_reason=RevokeReason.OUTDATED
            ),
            earlier=(replace(SIGNED, id=6, state=RequestState.CANCELLED, sent_at=NOW - DAY),),
        ),
        ["I had asked them once before", "as a newer version was not signed in time"],
    ),
    "expired": (
        tell(REQUEST, replace(SIGNATURE, revoked_at=NOW, revoke_reason=RevokeReason.EXPIRED)),
        ["signature ran out", "when it ran out", "I remind them"],
    ),
    "withdrawn": (
        tell(SIGNED, ENDED),
        ["withdrawn by the signer", "I leave them in peace"],
    ),
    "left with a signature": (
        tell(replace(SIGNED, left_at=NOW), SIGNATURE, is_present=False),
        [f"They left the server {at(NOW)}", "they get the role back"],
    ),
    "left without an answer": (
        tell(replace(REQUEST, left_at=NOW), is_present=False),
        ["They left the server", "nothing, unless they come back"],
    ),
    "rejoined": (
        tell(REQUEST, earlier=(replace(REQUEST, id=5, state=RequestState.CANCELLED, left_at=NOW),)),
        [f"They left the server {at(NOW)} and came back"],
    ),
    "adopted": (
        tell(adoption=Adoption(adopted_at=NOW, asked_at=None)),
        ["had the member role before me", "grace_days` begin"],
    ),
    "adopted and asked": (
        tell(REQUEST, adoption=Adoption(adopted_at=NOW - DAY, asked_at=NOW)),
        [f"had the member role before me, and keep it until {at(NOW + 14 * DAY)}"],
    ),
    "adopted and asked anew": (
        tell(
            replace(REQUEST, state=RequestState.QUEUED, sent_at=None),
            adoption=Adoption(adopted_at=NOW - DAY, asked_at=NOW),
        ),
        [f"had the member role before me, and keep it until {at(NOW + 14 * DAY)}"],
    ),
    "adopted where nothing is taken": (
        tell(
            REQUEST,
            adoption=Adoption(adopted_at=NOW, asked_at=NOW),
            settled=replace(SETTLED, takes_roles=False),
        ),
        ["keep it: I take it from nobody here"],
    ),
    "attested": (
        tell(
            SIGNED,
            replace(SIGNATURE, method=Method.ATTESTED, attested_by=FACILITATOR),
            note="on paper",
        ),
        [f"on paper or aloud, attested by <@{FACILITATOR}>", "Note: on paper"],
    ),
    "objected": (
        tell(
            replace(REQUEST, state=RequestState.DECLINED),
            replace(
                ENDED,
                method=Method.ATTESTED,
                attested_by=FACILITATOR,
                revoke_reason=RevokeReason.OBJECTED,
            ),
        ),
        ["declined", "as they objected to it", "I leave them in peace"],
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_reads_well(situation: str) -> None:
    text, words = SITUATIONS[situation]
    for expected in words:
        assert expected in text
    assert text.count("**Next:**") == 1
    assert "None" not in text
    assert "{" not in text


def test_long_story_fits_one_message_and_says_what_it_leaves_out() -> None:
    old = [
        replace(ENDED, id=number, signed_after=NOW, revoked_after=NOW, method=Method.ATTESTED)
        for number in range(40)
    ]
    text = tell(SIGNED, *old, SIGNATURE, note="\\*" * 350)
    assert length(text) <= 2000
    assert "older signatures" in text
    assert "That version is in force" in text
