"""What `/privacy erase` says before, at and after it."""

from collections.abc import Sequence

from bot.domain.privacy import Erasure
from bot.domain.retention import RetentionTerms
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import moment
from bot.texts.members import SOMEONE_TO_TALK_TO, paused

ERASE_BUTTON = mark("Erase it for good")
KEEP_BUTTON = mark("No, keep everything")
KEPT = mark("All right. Nothing has changed, and nothing was erased.")
NOT_YOURS = mark(
    "This button was shown to somebody else. To see what can be erased about you, use"
    " `/privacy erase`."
)
STAYS_OPEN = mark(
    "I do not look after that group any more. If you still have a role in its server, somebody"
    " there must take it from you."
)
PAUSED_BEFORE = mark(
    "When I stopped looking after the group, the support channel was closed to you. I cannot open"
    " it any more."
)
CHANGED = mark(
    "Something has changed since this was shown to you, so nothing was erased. Please read it once"
    " more:"
)


def preview(group: str, found: Erasure, *, is_marked: bool) -> str:
    """What erasing means, before anything is done.

    Args:
        group: the name of the group.
        found: what goes, and what stays.
        is_marked: whether they are left in peace afterwards, which needs a mark.
    """
    if not found.has_something:
        return _nothing(group, found)
    stays = [*_staying(found), *_always_staying(found)]
    if is_marked:
        stays.append(
            _(
                "- A mark without your name, so that I leave you in peace while you stay in the"
                " server. It goes when you leave, or when you sign."
            )
        )
    parts = [
        _("## {group}: erase what I keep about you").format(group=group),
        "\n".join(
            [
                "**" + _("This goes at once") + "**",
                *_going(found, is_here=is_marked),
            ]
        ),
        "\n".join(["**" + _("This stays, and why") + "**", *stays]),
        _after(found),
        _("**Nobody can undo it.** Do you want it?"),
    ]
    return "\n\n".join(parts)


def _nothing(group: str, found: Erasure) -> str:
    parts = [_("**{group}:** there is nothing that can be erased about you.").format(group=group)]
    if found.has_rest:
        stays = _staying(found)
        if found.is_quiet:
            stays.append(
                _(
                    "- A mark without your name, so that I leave you in peace. It goes when you"
                    " leave the server, or when you sign."
                )
            )
        parts.append("\n".join(["**" + _("This stays, and why") + "**", *stays]))
    parts.append(_backups(found))
    return "\n\n".join(parts)


def _going(found: Erasure, *, is_here: bool) -> list[str]:
    lines: list[str] = []
    if found.ends_access and found.is_former:
        lines.append(_("- What I know of your access to the support channel"))
    elif found.ends_access:
        lines.append(
            _(
                "- **Your access to the support channel ends.** I can only let in people of whom I"
                " know that they have signed."
            )
        )
    elif is_here:
        lines.append(_("- The role that opens the support channel, if you have it"))
    if found.signatures:
        lines.append(
            plural(
                "- {n} signature: it does not stand under your account any more",
                "- {n} signatures: they do not stand under your account any more",
                found.signatures,
            ).format(n=found.signatures)
        )
    if found.requests:
        lines.append(
            plural(
                "- {n} request: when I asked you, what you answered, and where my message stands",
                "- {n} requests: when I asked you, what you answered, and where my messages stand",
                found.requests,
            ).format(n=found.requests)
        )
    if found.notes:
        lines.append(_("- Notes that were made with a signature of yours"))
    if found.messages or found.lists:
        lines.append(_("- The list of what I did, and still had to do, for you"))
    if found.entries:
        lines.append(
            plural(
                "- What {n} entry of my ledger says about you. Its fingerprint stays, with a code"
                " that only the key of whoever runs me could match with you",
                "- What {n} entries of my ledger say about you. Their fingerprints stay, with a"
                " code that only the key of whoever runs me could match with you",
                found.entries,
            ).format(n=found.entries)
        )
    return lines


def _staying(found: Erasure) -> list[str]:
    lines, terms = list[str](), found.terms
    if found.proven_until is not None:
        lines.append(
            _(
                "- **That somebody has signed**: which text, when, how, and the receipt number. The"
                " group may have to show that a promise was made. Your account is not in it, only a"
                " code that nobody without the key can match with you. On {when} at the latest,"
                " this code goes too."
            ).format(when=moment(found.proven_until, "D"))
        )
    if found.reported and found.is_former:
        lines.append(
            _(
                "- **What you reported** ({cases}): it stays until {days} days after the case was"
                " closed, with your name sealed. Others are judged by it."
            ).format(cases=_numbers(found.reported), days=terms.case.days)
        )
    elif found.reported:
        lines.append(
            _(
                "- **What you reported** ({cases}): it stays until {days} days after the case was"
                " closed, with your name sealed. Others are judged by it, and you may be written to"
                " about it. You can take a report back with `/breach mine`."
            ).format(cases=_numbers(found.reported), days=terms.case.days)
        )
    if found.concerned:
        lines.append(
            _(
                "- **Cases that concern you** ({cases}): they stay until {days} days after they"
                " were closed. What was decided must stay open to checking, for you as well."
            ).format(cases=_numbers(found.concerned), days=terms.case.days)
        )
    if found.pause is not None:
        pause = _(
            "- **The pause of your access**: your account number, locked, and how long it"
            " lasts. Erasing must not be a way around it."
        )
        now = _(PAUSED_BEFORE) if found.is_former else paused(found.pause)
        lines.append(f"{pause} {now}")
    if found.is_former and (found.reported or found.concerned or found.pause is not None):
        lines.append(f"- {cases_end(terms)}")
    if found.acts:
        lines.append(
            _(
                "- **What you did for the group** in an office: the record of other people rests on"
                " it."
            )
        )
    return lines


def cases_end(terms: RetentionTerms) -> str:
    """When the cases of a former group go that nobody closed."""
    return _(
        "Whatever is still open goes {days} days after I stopped looking after the group. A pause"
        " goes then, too."
    ).format(days=terms.case.days)


def _always_staying(found: Erasure) -> list[str]:
    """Said to everybody, so that it tells nobody anything."""
    return [
        _(
            "- If there were a case that you have not been told of, it would stay too, until {days}"
            " days after it was closed."
        ).format(days=found.terms.case.days)
    ]


def _numbers(cases: Sequence[int]) -> str:
    return ", ".join(f"#{number}" for number in cases)


def _after(found: Erasure) -> str:
    lines = [
        _backups(found),
        _(
            "My messages to you stay in Discord; a ✅ under them does nothing any more. A receipt"
            " that you have saved still proves itself."
        ),
    ]
    if found.is_former:
        lines.append(
            _(
                "If I look after the group again one day, you are new to me. I ask you then like"
                " anybody."
            )
        )
    else:
        lines.append(
            _(
                "After that you are new to me. If you want to sign, use `/agreement sign`. If you"
                " leave and come back, I ask you like anybody who joins."
            )
        )
    return "\n".join(lines)


def _backups(found: Erasure) -> str:
    return _(
        "Backups from before are the last place where it stands, for up to {days} days: nobody can"
        " take one person out of a sealed copy. They are only used if the record is lost."
    ).format(days=found.terms.backup.days)


def done(group: str, found: Erasure, *, role_waits: bool) -> str:
    """Said where it was confirmed."""
    lines = [
        _("It is done. What could be erased about you for **{group}** is erased.").format(
            group=group
        )
    ]
    if found.is_former:
        lines.append(_(STAYS_OPEN))
    elif found.ends_access:
        lines.append(_ending(role_waits=role_waits))
    if found.ends_access:
        lines.append(_promise())
    if found.pause is None and not found.is_former:
        lines.append(_("If you want to come back one day, you are welcome: `/agreement sign`."))
    lines.append(_(SOMEONE_TO_TALK_TO))
    return "\n".join(lines)


def erased(group: str, *, role_waits: bool) -> str:
    """The last direct message to somebody who was erased; nobody knows any more who they were."""
    ended = _(
        "If you were in the support channel: it is closed to you now. Please keep what you heard"
        " there private. That part of a promise does not end."
    )
    return "\n".join(
        [
            _("What could be erased about you for **{group}** is erased, as you wanted.").format(
                group=group
            ),
            f"{_ending(role_waits=True)} {_promise()}" if role_waits else ended,
            _(
                "I do not write to you any more by myself, except about a case that you were told"
                " of."
            ),
            _(SOMEONE_TO_TALK_TO),
        ]
    )


def _ending(*, role_waits: bool) -> str:
    if role_waits:
        return _(
            "I cannot close the support channel to you yet: something in the server must be set"
            " right first. Until then I keep the number of your account, for that alone. Please do"
            " not read there."
        )
    return _("You have no access to the support channel any more.")


def _promise() -> str:
    return _("Please keep what you heard there private. That part of your promise does not end.")
