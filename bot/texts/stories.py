"""The story of one person, as `/signatures check` tells it in one message."""

from datetime import datetime

from bot.domain.agreements import (
    AgreementVersion,
    Method,
    RequestState,
    Signature,
    Standing,
)
from bot.domain.paragraphs import MESSAGE_LIMIT, length
from bot.domain.stories import Settled, Story
from bot.domain.suspensions import Pause
from bot.texts.catalogue import LANGUAGES, _, plural
from bot.texts.forms import between, moment
from bot.texts.staff import ENDINGS, METHODS, STANDINGS

SHOWN_SIGNATURES = 6


def member_story(
    who: str,
    group: str,
    story: Story,
    settled: Settled,
    now: datetime,
    *,
    is_present: bool,
    note: str = "",
) -> str:
    """What happened with one person and what comes next, in at most one message.

    Args:
        who: the name, made plain.
        group: the name of the group.
        story: what the record knows.
        settled: what the group has settled.
        now: the current instant.
        is_present: whether they are in the server.
        note: what was noted with their newest signature, made plain.
    """
    word = _(STANDINGS[story.standing]) if story.standing else _("no open request")
    head = [f"**{who}** · {group} · **{word}**", *_came_and_went(story, is_present=is_present)]
    head += [*_asked(story), *_answered(story)]
    if story.pause is not None:
        head.append(_paused(story.pause))
    tail = _what_is_next(story, settled, now, is_present=is_present)
    signed = [signature_line(one, story.in_force) for one in story.signatures]
    if note:
        signed[-1] += "\n" + _("Note: {note}").format(note=note)
    shown = signed[-SHOWN_SIGNATURES:]
    while True:
        older = len(signed) - len(shown)
        more = (
            plural("There is {n} older signature.", "There are {n} older signatures.", older)
            if older
            else ""
        )
        lines = [*head, more.format(n=older), *shown, *tail]
        text = "\n".join(line for line in lines if line)
        if length(text) <= MESSAGE_LIMIT or not shown:
            return text
        shown = shown[1:]


def _paused(pause: Pause) -> str:
    """That access is closed, and until when; why is for nobody to read here."""
    if pause.until is None:
        return _("**Access is paused** until further notice.")
    return _("**Access is paused** until {when}.").format(when=moment(pause.until))


def _came_and_went(story: Story, *, is_present: bool) -> list[str]:
    request = story.request
    left = [one.left_at for one in story.earlier if one.left_at is not None]
    if request is not None and request.left_at is not None:
        return [_("They left the server {when}.").format(when=moment(request.left_at))]
    if not is_present:
        return [_("They are not in the server.")]
    if left:
        return [_("They left the server {when} and came back.").format(when=moment(max(left)))]
    return []


def _asked(story: Story) -> list[str]:
    request = story.request
    before = [one.sent_at for one in story.earlier if one.sent_at is not None]
    lines: list[str] = []
    if before:
        earlier = plural(
            "I had asked them once before, {when}.",
            "I had asked them {n} times before, first {when}.",
            len(before),
        )
        lines.append(earlier.format(n=len(before), when=moment(min(before))))
    if request is None:
        if not story.earlier and not story.signatures:
            lines.append(_("I have never asked them."))
    elif request.state is RequestState.BLOCKED:
        lines.append(
            _("I tried to write to them {when}, but their direct messages are closed.").format(
                when=moment(request.created_at)
            )
        )
    elif request.sent_at is not None and not _is_attested(story):
        lines.append(_asked_line(story, request.sent_at))
    elif request.state is RequestState.QUEUED:
        lines.append(
            _("In the queue since {when}. The message has not gone out yet.").format(
                when=moment(request.created_at)
            )
        )
    elif not _is_attested(story) and request.answered_at is not None:
        lines.append(
            _("They opened the agreement inside the server {when}.").format(
                when=moment(request.created_at)
            )
        )
    if story.reminders:
        count = plural("I reminded them once.", "I reminded them {n} times.", story.reminders)
        lines.append(count.format(n=story.reminders))
    return lines


def _asked_line(story: Story, sent_at: datetime) -> str:
    number = story.request.version_number if story.request else None
    language = story.request.language if story.request else None
    if language is not None:
        return _("Asked by direct message {when}, in {language}, to sign version {number}.").format(
            when=moment(sent_at), language=LANGUAGES.get(language, language), number=number
        )
    return _("Asked by direct message {when}, to sign version {number}.").format(
        when=moment(sent_at), number=number
    )


def _is_attested(story: Story) -> bool:
    newest, request = story.newest, story.request
    return (
        newest is not None
        and newest.method is Method.ATTESTED
        and request is not None
        and newest.request_id == request.id
    )


def _answered(story: Story) -> list[str]:
    request = story.request
    if request is None or request.state is not RequestState.DECLINED or _is_attested(story):
        return []
    if request.answered_at is None:
        return []
    return [_("Declined {when}.").format(when=moment(request.answered_at))]


def signature_line(signature: Signature, in_force: AgreementVersion | None) -> str:
    """One signature, in words.

    Args:
        signature: the signature.
        in_force: the version in force, to say that this one is another; None says nothing of it.
    """
    when = between(signature.signed_after, signature.signed_at)
    number, receipt = signature.version_number, signature.receipt_number
    if signature.method is Method.ATTESTED:
        known = signature.attested_by is not None
        attester = f"<@{signature.attested_by}>" if known else _("a facilitator")
        line = _(
            "Signed version {number} on paper or aloud, attested by {who}, {when}. Receipt"
            " `{receipt}`."
        ).format(number=number, who=attester, when=when, receipt=receipt)
    else:
        line = _("Signed version {number} by {method}, {when}. Receipt `{receipt}`.").format(
            number=number, method=_(METHODS[signature.method]), when=when, receipt=receipt
        )
    parts = [line]
    newest_number = in_force.number if in_force else None
    if signature.revoked_at is not None:
        parts.append(
            _("Ended {when}, {reason}.").format(
                when=between(signature.revoked_after, signature.revoked_at),
                reason=_(ENDINGS[signature.revoke_reason]),
            )
        )
        return " ".join(parts)
    if signature.shown_sha256 is not None and signature.language is not None:
        language = LANGUAGES.get(signature.language, signature.language)
        parts.append(_("They read it in {language}.").format(language=language))
    if newest_number == number:
        parts.append(_("That version is in force."))
    elif newest_number is not None:
        parts.append(_("The version in force is {number}.").format(number=newest_number))
    ends_at = signature.ends_at()
    if ends_at is None:
        parts.append(_("Valid until withdrawn."))
    else:
        parts.append(_("Valid until {day}.").format(day=moment(ends_at)))
    return " ".join(parts)


def _what_is_next(story: Story, settled: Settled, now: datetime, *, is_present: bool) -> list[str]:
    request = story.request
    has_left = not is_present or (request is not None and request.left_at is not None)
    if story.pause is not None:
        return _next_of_paused(story, story.pause)
    if has_left:
        if story.standing is Standing.SIGNED:
            return [_("**Next:** if they come back while it is valid, they get the role back.")]
        return [_("**Next:** nothing, unless they come back. Then I ask them.")]
    lines: list[str] = []
    match story.standing:
        case Standing.SIGNED:
            lines += _next_of_signer(story)
        case Standing.WAITING | Standing.EXPIRED | Standing.OUTDATED:
            lines += _next_of_waiting(story, settled, now)
        case Standing.BLOCKED:
            lines.append(
                _(
                    "**Next:** they can sign in the welcome channel or with `/agreement sign`. If"
                    " they agree in person, `/signatures record` writes it down."
                )
            )
        case Standing.DECLINED | Standing.WITHDRAWN:
            lines.append(
                _(
                    "**Next:** nothing. I leave them in peace; they can sign whenever they like,"
                    " with `/agreement sign`."
                )
            )
        case None:
            lines.append(
                _(
                    "**Next:** nothing by itself. They can sign with `/agreement sign`, or you can"
                    " ask them with `/agreement invite`."
                )
            )
    if story.adoption is not None and story.standing is not Standing.SIGNED:
        lines.append(_adopted(story, settled))
    return lines


def _next_of_paused(story: Story, pause: Pause) -> list[str]:
    if story.standing is Standing.SIGNED and pause.until is not None:
        return [
            _(
                "**Next:** access comes back by itself when the pause is over, if they are here and"
                " their signature still counts."
            )
        ]
    if story.standing is Standing.SIGNED:
        return [_("**Next:** their signature is kept. It opens nothing while the pause runs.")]
    return [_("**Next:** they can sign, and it counts. It opens nothing while the pause runs.")]


def _next_of_signer(story: Story) -> list[str]:
    newest, in_force = story.newest, story.in_force
    if newest is None or in_force is None:
        return []
    ends_at = newest.ends_at()
    if newest.version_number < (in_force.material_number or 0) and ends_at is not None:
        return [
            _(
                "**Next:** they keep access until {when}. It then ends unless they sign version"
                " {number}."
            ).format(when=moment(ends_at), number=in_force.number)
        ]
    if ends_at is not None:
        return [
            _("**Next:** their access ends {when} unless they sign again. I ask them then.").format(
                when=moment(ends_at)
            )
        ]
    return [_("**Next:** nothing to do. They have access until they take their signature back.")]


def _next_of_waiting(story: Story, settled: Settled, now: datetime) -> list[str]:
    request = story.request
    if request is not None and request.state is RequestState.QUEUED:
        if story.in_force is None:
            return [_("**Next:** I write to them as soon as an agreement is published.")]
        return [_("**Next:** I write to them when it is their turn.")]
    reminder_at = story.next_reminder_at(settled)
    if reminder_at is not None and reminder_at > now:
        return [
            _("**Next:** they have not answered. I remind them {when}.").format(
                when=moment(reminder_at)
            )
        ]
    if reminder_at is not None:
        return [_("**Next:** they have not answered. A reminder is on its way.")]
    return [
        _(
            "**Next:** they have not answered, and no reminder goes out by itself any more."
            " `/signatures remind` sends one."
        )
    ]


def _adopted(story: Story, settled: Settled) -> str:
    until = story.keeps_role_until(settled)
    if story.standing is Standing.DECLINED:
        return _("They had the member role before me.")
    if not settled.takes_roles:
        return _("They had the member role before me, and keep it: I take it from nobody here.")
    if until is not None:
        return _("They had the member role before me, and keep it until {when}.").format(
            when=moment(until)
        )
    return _(
        "They had the member role before me, and keep it for now: the `grace_days` begin when my"
        " message reaches them."
    )
