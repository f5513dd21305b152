"""What `pledge receipt verify` says in the terminal; it needs nothing but the file."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bot.domain.errors import DomainError
from bot.domain.ledger import Head, instant
from bot.domain.receipt_file import BEGINS, LONGEST, ReceiptFileError, read
from bot.domain.receipts import CANNOT_TELL, Doubt, Judgement, Outcome, Receipt, judge

LONGEST_FILE = 20 * LONGEST
"""Bytes; a page with the receipt attached has a hundredth of it."""
ENDS = b"\n}\n"

WORDS = {
    Doubt.FORM: "The file is not as Pledge writes it: something in it was changed, or is missing.",
    Doubt.CHECKSUM: "The file is not what it was when it was made.",
    Doubt.TEXT: "The text of the agreement is not the one that was signed.",
    Doubt.SHOWN: "The translation is not the one that was shown.",
    Doubt.ENTRY: "An entry of the ledger in it was changed.",
    Doubt.FACTS: "What it says of the signatures is not what the entries of the ledger say.",
    Doubt.WAY: "The entries are not those that the ledger head covers.",
    Doubt.NOT_COVERED: "No ledger head had been posted since the signature when this was made, so"
    " nobody can check it in full. The member can ask for a newer one with /agreement receipt.",
    Doubt.NO_PUBLICATION: "What the ledger said of the facilitator's signature was erased, or is"
    " older than the ledger; so nobody can check that half of it.",
    Doubt.NO_HEAD: "The file fits together, but anybody could make up one that does. Compare this"
    " ledger head with the one posted in the moderators' channel, and give that with --head:",
    Doubt.OTHER_HEAD: "The ledger head you gave is not the one this receipt was made with. Look in"
    " the moderators' channel, or ask a moderator, whether this one was posted too:",
    Doubt.NO_RECEIPT: "This is not a receipt of Pledge. Give the JSON file that /agreement receipt"
    " sent, or the PDF as it was sent.",
}
PACKED = (
    "In this PDF no receipt can be found: it is another one, or was saved anew by some program."
    " Save the attachment of the PDF to a file, and give that."
)
STYLES = {Outcome.VALID: "green", Outcome.ALTERED: "red", Outcome.UNKNOWN: "yellow"}


def verify(file: Path, head: Head | None, console: Console) -> bool:
    """Say what can be told of a receipt; returns whether it is valid.

    Args:
        file: the JSON file, or the page it is attached to.
        head: as it was posted in the moderators' channel.
        console: the first line on it is the answer in one word.

    Raises:
        DomainError: the file cannot be opened.
    """
    content = _content(file)
    is_page = content.startswith(b"%PDF")
    try:
        receipt = read(_attached(content) if is_page else content)
    except ReceiptFileError as error:
        outcome = Outcome.UNKNOWN if error.doubt in CANNOT_TELL else Outcome.ALTERED
        _say(console, Judgement(outcome=outcome))
        is_packed = is_page and error.doubt is Doubt.NO_RECEIPT
        console.print(PACKED if is_packed else WORDS[error.doubt])
        return False
    judgement = judge(receipt, head)
    _say(console, judgement)
    for doubt in judgement.doubts:
        console.print(WORDS[doubt])
        if doubt in (Doubt.NO_HEAD, Doubt.OTHER_HEAD):
            console.print(str(receipt.posted_head()))
    if judgement.outcome is not Outcome.ALTERED:
        _describe(receipt, console, is_page=is_page)
    return judgement.outcome is Outcome.VALID


def _say(console: Console, judgement: Judgement) -> None:
    console.print(judgement.outcome.value, style=STYLES[judgement.outcome])


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST_FILE)
    except OSError as error:
        raise DomainError(f"{file} cannot be read: {error.strerror}.") from None


def _attached(page: bytes) -> bytes:
    """The receipt in a page, where it lies as it is; nothing if there are several or none."""
    start = page.find(BEGINS)
    end = page.find(ENDS, start)
    if start < 0 or end < 0 or page.count(BEGINS) > 1:
        return b""
    return page[start : end + len(ENDS)]


def _describe(receipt: Receipt, console: Console, *, is_page: bool) -> None:
    given = instant(receipt.signed_at)
    if receipt.signed_after is not None:
        given = f"between {instant(receipt.signed_after)} and {given}"
    lines = [
        f"Receipt {receipt.receipt_number}, made {instant(receipt.issued_at)}",
        f"Group {receipt.group_key} on the Discord server {receipt.server_id}; the file calls it"
        f" {receipt.group_name}",
        f"Agreement: version {receipt.version}, SHA-256 {receipt.sha256}",
        f"Facilitator: account {receipt.facilitator_id}, published {instant(receipt.published_at)}",
        f"Member: account {receipt.member_id}, {given}, method {receipt.method}",
    ]
    if receipt.attested_by is not None:
        lines.append(f"Attested by account {receipt.attested_by}")
    if receipt.shown is not None:
        lines.append(
            f"Shown in {receipt.shown.language}, SHA-256 {receipt.shown.sha256} of that text"
        )
    if receipt.expires_at is not None:
        lines.append(f"Valid until {instant(receipt.expires_at)}")
    if receipt.ended_at is not None:
        lines.append(f"Ended {instant(receipt.ended_at)}: {receipt.reason}")
    for line in lines:
        console.print(escape("".join(sign for sign in line if sign.isprintable())))
    console.print(
        "The ledger vouches for the texts and both signatures, and for their end, if one is told"
        " here. It does not vouch for the name of the group, nor that nothing has ended since."
    )
    if is_page:
        console.print("All this is from the attached file; the printed words were not compared.")
