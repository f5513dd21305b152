"""Plain words for the rows and columns that people are shown about themselves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from string import Formatter

from bot.domain.agreements import Method, RequestState, RevokeReason
from bot.domain.breaches import CaseEvent, CaseState, Clause, LetterKind, Look, Source
from bot.domain.effects import EffectKind, EffectState, Notice
from bot.domain.entitlement import Office
from bot.domain.holders import Source as RoleSource
from bot.domain.invitations import Kind
from bot.domain.ledger import LedgerKind
from bot.texts.catalogue import mark

TITLES = {
    "signature_requests": mark("A request to sign"),
    "signatures": mark("A signature"),
    "proofs": mark("What is left of a signature"),
    "holders": mark("You had the role without a signature"),
    "suspensions": mark("A pause of your access"),
    "invited": mark("You are on a list of people to be asked"),
    "erasures": mark("A mark that I leave you in peace"),
    "effects": mark("Done or to be done for you"),
    "ledger_entries": mark("An entry about you"),
    "breach_cases": mark("The case"),
    "breach_reports": mark("Your report"),
    "breach_evidence": mark("A file that you handed in"),
    "breach_letters": mark("A letter to you"),
    "breach_timeline": mark("A step"),
    "case_access": mark("A look at it"),
    "breach_decisions": mark("A decision"),
    "agreement_versions": mark("A version that you published"),
    "breach_drafts": mark("A decision that you drafted"),
    "breach_recusals": mark("You stepped back from a case"),
    "breach_calls": mark("I told you that a case waits"),
    "officers": mark("You hold an office"),
}
"""What a row of each table is called, where no sentence tells of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A sentence about a row, said when all that it names is there.

    `needs` are further columns that must be there, `covers` those that it makes unnecessary,
    `unless` those that must be empty, and `when` says what others must be for it.
    """

    text: str
    needs: Collection[str] = ()
    covers: Collection[str] = ()
    unless: Collection[str] = ()
    when: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])

    @property
    def names(self) -> list[str]:
        """The columns whose values stand in it."""
        return [name for _text, name, _form, _way in Formatter().parse(self.text) if name]

    def fits(self, values: Mapping[str, object]) -> bool:
        """Whether it can be said of a row with these values, of which none is empty."""
        return (
            all(name in values for name in (*self.names, *self.needs))
            and not any(name in values for name in self.unless)
            and all(in_one_word(values.get(name)) in wanted for name, wanted in self.when.items())
        )


def in_one_word(value: object) -> str:
    """A value of a column as it is written here: with `_` for each blank."""
    return str(value).replace(" ", "_")


_BY_THEMSELVES = (Method.REACTION, Method.BUTTON)
_ENDED_BY_OTHERS = tuple(one for one in RevokeReason if one is not RevokeReason.WITHDRAWN)
_TOLD = ("told", "warned")
_NOTICES = {
    Notice.SIGNED: mark("On {finished_at} I told you that you have signed."),
    Notice.DECLINED: mark("On {finished_at} I told you that you have declined."),
    Notice.WITHDRAWN: mark("On {finished_at} I told you that you have taken it back."),
    Notice.OUTDATED: mark("On {finished_at} I told you that there is a newer text."),
    Notice.EXPIRED: mark("On {finished_at} I told you that your signature has run out."),
    Notice.ATTESTED: mark("On {finished_at} I told you that a signature was recorded for you."),
    Notice.OBJECTED: mark("On {finished_at} I told you that I have your objection."),
}
_DONE = ("state", "kind", "outcome", "created_at")

SENTENCES: Mapping[str, Collection[Phrase]] = {
    "signature_requests": (
        Phrase(
            text=mark("On {sent_at} I asked you to sign version {version_id}."),
            needs=("accept_emoji",),
            covers=("created_at",),
        ),
        Phrase(
            text=mark("On {sent_at} I told you that your signature was recorded."),
            needs=("decline_emoji",),
            unless=("accept_emoji",),
            covers=("created_at",),
        ),
        Phrase(
            text=mark("You have not been asked yet to sign version {version_id}."),
            when={"state": (RequestState.QUEUED,)},
        ),
        Phrase(
            text=mark("I could not send you version {version_id} to sign."),
            when={"state": (RequestState.BLOCKED,)},
        ),
        Phrase(
            text=mark("You have not answered yet."),
            unless=("answered_at",),
            when={"state": (RequestState.SENT,)},
        ),
        Phrase(
            text=mark("You signed on {answered_at}."),
            needs=("accept_emoji",),
            when={"state": (RequestState.SIGNED,)},
        ),
        Phrase(
            text=mark("A signature was recorded on {answered_at}."),
            unless=("accept_emoji",),
            when={"state": (RequestState.SIGNED,)},
        ),
        Phrase(
            text=mark("You took your signature back before you answered."),
            unless=("answered_at",),
            when={"state": (RequestState.SIGNED,)},
        ),
        Phrase(
            text=mark("You declined on {answered_at}."), when={"state": (RequestState.DECLINED,)}
        ),
        Phrase(text=mark("You left the server on {left_at}.")),
        Phrase(text=mark("You came back on {returned_at}.")),
        Phrase(text=mark("On {reminded_at} a reminder was due.")),
    ),
    "signatures": (
        Phrase(
            text=mark("You signed version {version_id} {method} on {signed_at}."),
            when={"method": _BY_THEMSELVES},
        ),
        Phrase(
            text=mark("On {signed_at} it was recorded that you had signed version {version_id}."),
            when={"method": (Method.ATTESTED,)},
        ),
        Phrase(
            text=mark("You noted on {signed_at} that somebody had signed."),
            unless=("version_id",),
        ),
        Phrase(text=mark("Your receipt is {receipt_number}.")),
        Phrase(text=mark("It holds until {expires_at}."), unless=("revoked_at",)),
        Phrase(
            text=mark("You took it back on {revoked_at}."),
            when={"revoke_reason": (RevokeReason.WITHDRAWN,)},
        ),
        Phrase(
            text=mark("It ended on {revoked_at}: {revoke_reason}."),
            when={"revoke_reason": _ENDED_BY_OTHERS},
        ),
    ),
    "proofs": (
        Phrase(
            text=mark(
                "What is left of a signature: version {version_id} was signed on {signed_at},"
                " without your name."
            )
        ),
        Phrase(text=mark("It ended on {ended_at}.")),
        Phrase(text=mark("Until {held_until} it can be matched with you.")),
    ),
    "holders": (
        Phrase(text=mark("On {found_at} I saw that you had the role without a signature.")),
        Phrase(text=mark("Since {adopted_at} you count as a member from before me.")),
    ),
    "suspensions": (
        Phrase(text=mark("Your access was paused on {began_at}."), covers=("provisional",)),
        Phrase(text=mark("It was paused before a decision."), when={"provisional": ("1",)}),
        Phrase(text=mark("The pause lasts until {until}."), unless=("ended_at",)),
        Phrase(text=mark("The pause ended on {ended_at}.")),
    ),
    "erasures": (Phrase(text=mark("Since {erased_at} I leave you in peace.")),),
    "effects": (
        Phrase(
            text=mark("On {finished_at} I asked you to sign."),
            when={"kind": (EffectKind.ASK,), "outcome": ("asked",)},
            covers=_DONE,
        ),
        Phrase(
            text=mark("On {finished_at} I gave you the role."),
            when={"kind": (EffectKind.ALIGN_ROLE,), "outcome": ("role_given",)},
            covers=_DONE,
        ),
        Phrase(
            text=mark("On {finished_at} I took the role from you."),
            when={"kind": (EffectKind.ALIGN_ROLE,), "outcome": ("role_taken",)},
            covers=_DONE,
        ),
        *(
            Phrase(
                text=text,
                when={"kind": (EffectKind.NOTICE,), "detail": (notice,), "outcome": _TOLD},
                covers=_DONE,
            )
            for notice, text in _NOTICES.items()
        ),
        Phrase(
            text=mark("On {finished_at} I wrote to you: {detail}."),
            when={
                "kind": (EffectKind.NOTICE,),
                "detail": frozenset(Notice) - _NOTICES.keys(),
                "outcome": _TOLD,
            },
            covers=_DONE,
        ),
    ),
    "ledger_entries": (Phrase(text=mark("Entry {position}, {recorded_at}: {kind}.")),),
    "breach_cases": (
        Phrase(text=mark("Case #{case_number}: {state}.")),
        Phrase(text=mark("You took on a case on {claimed_at}.")),
    ),
    "breach_reports": (
        Phrase(text=mark("You reported something on {received_at}. It is case #{case_number}.")),
        Phrase(text=mark("You took it back on {withdrawn_at}.")),
    ),
    "breach_evidence": (
        Phrase(text=mark("You handed in a file for case #{case_number} on {received_at}.")),
    ),
    "breach_letters": (
        Phrase(
            text=mark("On {delivered_at} I wrote to you about case #{case_number}: {kind}."),
            covers=("created_at",),
        ),
        Phrase(
            text=mark("On {undelivered_at} I could not write to you about case #{case_number}."),
            covers=("created_at",),
        ),
        Phrase(text=mark("You answered on {answered_at}.")),
        Phrase(
            text=mark("You wrote to somebody on {created_at}: {kind}."), unless=("case_number",)
        ),
    ),
    "breach_timeline": (
        Phrase(text=mark("Case #{case_number}, {at}: {kind}.")),
        Phrase(text=mark("You worked on a case, {at}: {kind}."), unless=("case_number",)),
    ),
    "case_access": (
        Phrase(text=mark("Case #{case_number}, {at}: somebody looked at it ({act}).")),
        Phrase(text=mark("You looked at a case, {at}: {act}."), unless=("case_number",)),
    ),
    "breach_decisions": (
        Phrase(text=mark("You appealed in case #{case_number} on {appealed_at}.")),
        Phrase(text=mark("You decided a case on {decided_at}.")),
    ),
    "agreement_versions": (Phrase(text=mark("You published version {number} on {published_at}.")),),
    "breach_drafts": (Phrase(text=mark("You drafted a decision on {drafted_at}.")),),
    "breach_recusals": (Phrase(text=mark("You stepped back from a case on {at}.")),),
    "breach_calls": (
        Phrase(text=mark("On {at} I told you that a case waits."), when={"reached": ("1",)}),
        Phrase(
            text=mark("On {at} I could not tell you that a case waits."), when={"reached": ("0",)}
        ),
    ),
    "officers": (Phrase(text=mark("You hold an office: {office}.")),),
}
"""What is said of the rows of a table, one phrase after the other; the rest follows as facts."""

LABELS = {
    "about": mark("about"),
    "accept_emoji": mark("sign to accept"),
    "accept_seen_at": mark("acceptance seen"),
    "act": mark("how"),
    "adopted_at": mark("a member from before me since"),
    "answer": mark("Your answer"),
    "answered_at": mark("answered"),
    "appeal": mark("Your appeal"),
    "appealed_at": mark("appealed"),
    "at": mark("when"),
    "attempts": mark("tries"),
    "began_at": mark("began"),
    "case": mark("case"),
    "case_number": mark("case"),
    "certain": mark("certain"),
    "change": mark("change"),
    "channel_id": mark("direct messages, number"),
    "checked_at": mark("last looked at"),
    "claimed_at": mark("taken on"),
    "clause": mark("part of the agreement"),
    "commitment": mark("commitment"),
    "created_at": mark("made"),
    "decided_at": mark("decided"),
    "decline_emoji": mark("sign to decline"),
    "declined_after": mark("not before"),
    "declined_at": mark("declined"),
    "delivered_at": mark("reached you"),
    "detail": mark("detail"),
    "drafted_at": mark("drafted"),
    "due_at": mark("due"),
    "ended_at": mark("ended"),
    "erased_at": mark("since"),
    "expires_at": mark("holds until"),
    "finished_at": mark("done"),
    "found_at": mark("first seen"),
    "given_by": mark("Discord's number of the form"),
    "hash": mark("fingerprint of the entry"),
    "held_until": mark("can be matched with you until"),
    "incident_on": mark("day"),
    "is_kept": mark("kept"),
    "kept_sha256": mark("fingerprint of what is kept"),
    "kind": mark("what"),
    "language": mark("language"),
    "left_at": mark("you left"),
    "link": mark("link"),
    "media_type": mark("type"),
    "member_id": mark("your account"),
    "message_id": mark("message, number"),
    "method": mark("how"),
    "name": mark("name"),
    "names_somebody": mark("you named somebody"),
    "note": mark("Note of a facilitator"),
    "number": mark("version"),
    "office": mark("office"),
    "outcome": mark("what came of it"),
    "payload": mark("what it says"),
    "position": mark("entry"),
    "provisional": mark("before a decision"),
    "published_at": mark("published"),
    "quoted": mark("The message that you reported"),
    "reached": mark("reached you"),
    "reason": mark("why"),
    "receipt_number": mark("receipt"),
    "received_at": mark("received"),
    "received_sha256": mark("fingerprint of what came"),
    "recorded_at": mark("recorded"),
    "reminded_at": mark("reminded"),
    "reminded_before": mark("reminded, days before the end"),
    "reminded_day": mark("reminded on day"),
    "returned_at": mark("you came back"),
    "revoke_reason": mark("why it ended"),
    "revoked_after": mark("ended not before"),
    "revoked_at": mark("ended"),
    "revoked_position": mark("entry of the end"),
    "seen_at": mark("last seen"),
    "sent_at": mark("sent"),
    "sha256": mark("fingerprint of the text"),
    "shown_sha256": mark("fingerprint of the translation"),
    "signed_after": mark("signed not before"),
    "signed_at": mark("signed"),
    "signed_position": mark("entry of the signature"),
    "signed_version_id": mark("version that you had signed"),
    "size": mark("bytes"),
    "source": mark("came by"),
    "state": mark("state"),
    "text": mark("What was written to you"),
    "told_at": mark("the moderators' channel was told"),
    "tried_at": mark("first tried"),
    "undelivered_at": mark("could not be delivered"),
    "until": mark("until"),
    "version": mark("version"),
    "version_id": mark("version"),
    "warned_at": mark("warned"),
    "warned_before": mark("warned, days before"),
    "what": mark("What happened"),
    "withdrawn_at": mark("taken back"),
}
"""What a column is called, and a fact of a form or of an entry."""

LONG = frozenset({"answer", "appeal", "note", "quoted", "text", "what"})
"""What somebody wrote in their own words."""

TECHNICAL = frozenset(
    {
        *("accept_emoji", "accept_seen_at", "attempts", "channel_id", "checked_at", "commitment"),
        *("decline_emoji", "due_at", "given_by", "hash", "kept_sha256", "message_id", "payload"),
        *("received_sha256", "revoked_position", "seen_at", "sha256", "shown_sha256"),
        *("signed_position", "told_at", "tried_at"),
    }
)
"""Details that only the files have: numbers and fingerprints, and when I last looked."""

WORDS: dict[str, str] = {
    RequestState.QUEUED: mark("waits to be sent"),
    RequestState.SENT: mark("sent"),
    RequestState.BLOCKED: mark("could not be sent"),
    RequestState.SIGNED: mark("signed"),
    RequestState.DECLINED: mark("declined"),
    RequestState.EXPIRED: mark("ran out"),
    RequestState.CANCELLED: mark("replaced"),
    Method.REACTION: mark("by reaction"),
    Method.BUTTON: mark("by button"),
    Method.ATTESTED: mark("recorded by a facilitator"),
    RevokeReason.WITHDRAWN: mark("withdrawn"),
    RevokeReason.RENEWED: mark("signed again"),
    RevokeReason.OUTDATED: mark("a newer text was not signed in time"),
    RevokeReason.OBJECTED: mark("you objected"),
    RevokeReason.UNCONFIRMED: mark("not certain after a backup was put back"),
    RevokeReason.CASE: mark("a case"),
    RevokeReason.ERASED: mark("erased"),
    CaseState.OPEN: mark("open"),
    CaseState.IN_REVIEW: mark("being looked into"),
    CaseState.DECIDED: mark("decided"),
    CaseState.CLOSED: mark("closed"),
    CaseEvent.REPORTED: mark("reported"),
    CaseEvent.CLAIMED: mark("taken on"),
    CaseEvent.NOTED: mark("noted"),
    CaseEvent.ASKED: mark("asked"),
    CaseEvent.ANSWERED: mark("answered"),
    CaseEvent.HEARD: mark("the other side was heard"),
    CaseEvent.APPEALED: mark("appealed"),
    CaseEvent.REOPENED: mark("taken up again"),
    CaseEvent.REPORT_WITHDRAWN: mark("report taken back"),
    CaseEvent.EVIDENCE_ADDED: mark("a file added"),
    CaseEvent.CARRIED_OUT: mark("carried out"),
    CaseEvent.SUSPENDED: mark("access paused"),
    CaseEvent.SUSPENSION_ENDED: mark("the pause ended"),
    CaseEvent.RECUSED: mark("stepped back"),
    CaseEvent.MERGED: mark("merged with another"),
    CaseEvent.REMINDED: mark("reminded"),
    CaseEvent.RETENTION_EXTENDED: mark("kept longer"),
    Clause.COVERED: mark("what it covers"),
    Clause.EXCEPTIONS: mark("its exceptions"),
    Clause.AFTERWARDS: mark("what stays after leaving"),
    Clause.UNSURE: mark("not sure"),
    LetterKind.ACKNOWLEDGED: mark("that it has come"),
    LetterKind.PROGRESS: mark("that it goes on"),
    LetterKind.QUESTION: mark("a question"),
    LetterKind.HEARING: mark("what is alleged, and a question"),
    LetterKind.OUTCOME: mark("what was decided"),
    LetterKind.NOBODY_LEFT: mark("that nobody is left to take it"),
    LetterKind.EVIDENCE_LOST: mark("that a file could not be kept"),
    Look.SHOWN: mark("read"),
    Look.EVIDENCE: mark("a file opened"),
    Look.EXPORTED: mark("put into a file"),
    Look.UNSEALED: mark("the name of who reported was shown"),
    EffectKind.ASK: mark("asking you to sign"),
    EffectKind.ALIGN_ROLE: mark("giving or taking the role"),
    EffectKind.NOTICE: mark("a message"),
    EffectKind.REMOVE: mark("removing you from the server"),
    EffectState.PENDING: mark("to be done"),
    EffectState.RUNNING: mark("being done"),
    EffectState.HELD: mark("waits for somebody to mend something"),
    EffectState.DONE: mark("done"),
    EffectState.DROPPED: mark("not done"),
    Notice.WELCOME_BACK: mark("welcome back"),
    Notice.STILL_SIGNED: mark("that your signature still counts"),
    Notice.UNCLEAR: mark("that an acceptance was not clear"),
    Notice.REMINDER: mark("a reminder"),
    Notice.ENDING: mark("that your signature ends soon"),
    Notice.GRACE_OVER: mark("that the time to sign anew is over"),
    Notice.ADOPTION_OVER: mark("that the time to sign is over"),
    Notice.REMOVAL_NEAR: mark("that you would be removed in a week"),
    Notice.REMOVAL_NEXT: mark("that you would be removed in a day"),
    "told": mark("told"),
    "warned": mark("told"),
    "not_now": mark("not needed any more"),
    "waits_for_screening": mark("waits for the server's own questions"),
    "role_given": mark("role given"),
    "role_taken": mark("role taken"),
    "left_as_it_is": mark("left as it is"),
    "not_needed": mark("not needed"),
    Office.MODERATOR: mark("moderator"),
    Office.ESCALATION: mark("who is asked last about cases"),
    RoleSource.PERSON: mark("a person"),
    RoleSource.BOT: mark("another bot"),
    RoleSource.UNKNOWN: mark("not known"),
    Source.COMMAND: mark("the command"),
    Source.MESSAGE: mark("the menu of a message"),
    Kind.MEMBER: mark("member"),
    Kind.OTHER: mark("in the server"),
    LedgerKind.REQUESTED: mark("asked to sign"),
    LedgerKind.REVOKED: mark("signature ended"),
    LedgerKind.GRANTED: mark("role given"),
    LedgerKind.REMOVED: mark("role taken"),
    LedgerKind.KICKED: mark("removed from the server"),
}
"""What stands in a column, in plain words, by `in_one_word`.

What is not here is shown as it stands."""
