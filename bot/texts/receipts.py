"""What comes with a receipt, and every word on its printed page."""

from datetime import UTC, datetime

from bot.domain.agreements import Agreement, Method
from bot.domain.receipts import Receipt
from bot.texts.catalogue import _, mark
from bot.texts.staff import ENDINGS

RECEIPT_TITLE = mark("Receipt")
RECEIPT_FOOTER = mark("Receipt {number} · page {page} of {pages}")

BOTH_SIGNATURES = mark("The two signatures")
MEMBER = mark("The member")
FACILITATOR = mark("The facilitator who published the agreement")
AGREEMENT = mark("The agreement, as it was signed")
SHOWN = mark("The translation that was shown ({language})")
FINGERPRINT = mark("The fingerprint")
HOW_TO_CHECK = mark("How anybody can check this")

ACCOUNT = mark("Discord account")
GIVEN = mark("Given")
BETWEEN = mark("{after} at the earliest, {until} at the latest")
HOW = mark("How")
MESSAGE = mark("Message")
ATTESTED_BY = mark("Attested by")
VALID_UNTIL = mark("Valid until")
UNTIL_WITHDRAWN = mark("it is withdrawn")
ENDED = mark("Ended")
PUBLISHED = mark("Published")
SERVER = mark("Discord server")
VERSION = mark("Version")
RECEIPT_NUMBER = mark("Receipt number")
ISSUED = mark("Receipt made")
STATE = mark("When it was made")
HEAD = mark("Ledger head")
NO_HEAD = mark("none posted yet")
COMMAND = "pledge receipt verify FILE --head POSITION:HASH"
"""Typed as it is in every language."""

_METHODS = {
    Method.REACTION: mark("by a reaction to the direct message"),
    Method.BUTTON: mark("by a button under the agreement in the server"),
    Method.ATTESTED: mark("on paper or aloud, and recorded by a facilitator"),
}


def receipt_for(group: str) -> str:
    """Under the title."""
    return _("for a signature under the agreement of {group}").format(group=group)


def utc(at: datetime) -> str:
    """An instant that means the same to everybody, on paper too."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def method(word: str) -> str:
    """How a signature was given, in words."""
    known = {one.value: sentence for one, sentence in _METHODS.items()}
    return _(known.get(word, word))


def end(receipt: Receipt) -> str:
    """When a signature ended and why."""
    reasons = {reason.value: words for reason, words in ENDINGS.items() if reason is not None}
    when = span(receipt.ended_after, receipt.ended_at)
    return _("{when}, {why}").format(
        when=when, why=_(reasons.get(receipt.reason or "", ENDINGS[None]))
    )


def span(after: datetime | None, until: datetime | None) -> str:
    """An instant, or the two between which it lies when nobody saw it happen."""
    if until is None:
        return "–"
    if after is None:
        return utc(until)
    return _(BETWEEN).format(after=utc(after), until=utc(until))


def state(receipt: Receipt) -> str:
    """Whether the signature counted when the receipt was made."""
    if receipt.in_force:
        return _("This signature was in force.")
    if receipt.reason is not None or receipt.ended_at is not None:
        return _("This signature had ended. The receipt shows that it was given, and how it ended.")
    return _(
        "This signature did not count any more: it had run out, or its version of the agreement"
        " no longer counted."
    )


def agreement_sections(agreement: Agreement) -> list[tuple[str, str]]:
    """The parts of an agreement under their headings, without its title and its statements."""
    steps = "\n".join(f"{n}. {step.text}" for n, step in enumerate(agreement.consequences, 1))
    found = [
        (_("If you are in danger"), agreement.crisis),
        (_("In short"), agreement.summary),
        (_("Why we make this promise"), agreement.purpose),
        (_("What stays here"), agreement.scope.covered),
        (_("What you may always share"), agreement.scope.not_covered),
        (_("When you may speak all the same"), agreement.scope.exceptions),
        (_("If the promise is broken"), steps),
        (_("How long it lasts"), agreement.duration.text),
        (_("The participant's statement"), agreement.signatures.participant),
        (_("The facilitator's statement"), agreement.signatures.facilitator),
        (_("What this bot keeps (not part of the promise)"), agreement.privacy),
    ]
    return [(heading, text) for heading, text in found if text]


def fingerprint_hint() -> str:
    """What the SHA-256 is for."""
    return _(
        "This is the SHA-256 of the exact text. Change one letter of the text, and it is another"
        " one."
    )


def how_to_check(receipt: Receipt) -> list[str]:
    """What a person who doubts does with the two files, in paragraphs."""
    file = _(
        "The page is for reading; the proof is the JSON file that came with it. It is attached to"
        " this page too: open the list of attachments in your PDF reader and save"
        " {file}."
    ).format(file=receipt_file_name(receipt, "json"))
    how = _(
        "On a computer that has Pledge, this line checks it. It needs no network, key or database:"
    )
    answers = _("It answers valid, altered or unknown, and says why.")
    if receipt.head is None:
        head = _(
            "No ledger head covers this signature yet, so nobody can check it in full: the answer"
            " will be unknown. Ask for the receipt again in an hour or later."
        )
    else:
        head = _(
            "Pledge posts the heads of its ledger in the moderators' channel of the group. Take the"
            " head from there, or from somebody who wrote it down, and not from this page: it must"
            " be the one below."
        )
    return [file, how, answers, head]


def marks_hint() -> str:
    """That the printed text is drawn, and where the exact one is."""
    return _(
        "Lists and bold words are drawn as Discord draws them. The text with every sign of it is in"
        " the JSON file."
    )


def codes_hint() -> str:
    """What stands for signs that the page's type does not have."""
    return _(
        "Some signs of the text are not in the type of this page. They are printed as their code,"
        " such as [U+4E2D]. The text with every sign of it is in the JSON file."
    )


def receipt_file_name(receipt: Receipt, ending: str) -> str:
    """A name that tells nobody whose receipt it is."""
    number = "".join(sign for sign in receipt.receipt_number if sign.isascii() and sign.isalnum())
    return f"receipt-{number.lower()}.{ending}"


def receipt_message(receipt: Receipt, group: str) -> str:
    """What the two files come with."""
    lines = [
        _(
            "Here is the receipt for your signature under the agreement of **{group}**: a page to"
            " read and print, and a file that proves what the page says."
        ).format(group=group)
    ]
    if receipt.reason is not None:
        lines.append(_("That signature has ended; the receipt says when and why."))
    elif not receipt.in_force:
        lines.append(_("That signature does not count any more; the receipt says so."))
    if receipt.head is None:
        lines.append(
            _(
                "Others cannot check it in full yet, as I have not posted a ledger head since. In"
                " an hour or later, please use `/agreement receipt` again: the new one can be"
                " checked by anybody."
            )
        )
    else:
        lines.append(
            _(
                "To check the file, use `pledge receipt verify` with the ledger head"
                " `{head}`. It stands in the moderators' channel."
            ).format(head=receipt.posted_head())
        )
    lines.append(_("-# Keep both files where others do not find them: they hold your account id."))
    return "\n".join(lines)
