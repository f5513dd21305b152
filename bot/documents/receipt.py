"""The receipt as a page that one is glad to keep, with the file that proves it attached."""

from bot.documents.paper import ACCENT, Paper, is_printable
from bot.domain.agreements import Agreement
from bot.domain.receipt_file import read
from bot.domain.receipts import Receipt
from bot.texts import receipts as words
from bot.texts.catalogue import _, speaking


def print_receipt(file: bytes, language: str) -> bytes:
    """The page for a receipt; runs in the worker.

    Args:
        file: the receipt as JSON, which is attached as it is.
        language: the words around the text are in.
    """
    with speaking(language):
        return _print(read(file), file, language)


def _print(receipt: Receipt, file: bytes, language: str) -> bytes:
    footer = _(words.RECEIPT_FOOTER).replace("{number}", receipt.receipt_number)
    paper = Paper(
        title=_(words.RECEIPT_TITLE),
        footer=footer,
        language=language,
        made_at=receipt.issued_at,
    )
    agreement = _agreement(receipt.text)
    paper.title_line(_(words.RECEIPT_TITLE), words.receipt_for(receipt.group_name))
    paper.fields(
        [
            (_(words.RECEIPT_NUMBER), receipt.receipt_number),
            (_(words.SERVER), str(receipt.server_id)),
            (_(words.ISSUED), words.utc(receipt.issued_at)),
            (_(words.STATE), words.state(receipt)),
        ]
    )
    paper.heading(_(words.BOTH_SIGNATURES))
    _print_member(paper, receipt, agreement)
    _print_facilitator(paper, receipt, agreement)
    paper.heading(_(words.FINGERPRINT))
    paper.code(receipt.sha256)
    paper.note(words.fingerprint_hint())
    paper.begin_page()
    _print_text(paper, _(words.AGREEMENT), receipt.text)
    if receipt.shown is not None:
        heading = _(words.SHOWN).format(language=receipt.shown.language)
        _print_text(paper, heading, receipt.shown.text)
    _print_checking(paper, receipt)
    paper.attach(words.receipt_file_name(receipt, "json"), file)
    return paper.finish()


def _agreement(text: str) -> Agreement | None:
    try:
        return Agreement.from_canonical(text)
    except (ValueError, TypeError, KeyError):
        return None


def _print_member(paper: Paper, receipt: Receipt, agreement: Agreement | None) -> None:
    rows = [
        (_(words.ACCOUNT), str(receipt.member_id)),
        (_(words.GIVEN), words.span(receipt.signed_after, receipt.signed_at)),
        (_(words.HOW), words.method(receipt.method)),
    ]
    if receipt.message_id is not None:
        rows.append((_(words.MESSAGE), str(receipt.message_id)))
    if receipt.attested_by is not None:
        rows.append((_(words.ATTESTED_BY), str(receipt.attested_by)))
    if receipt.reason is not None:
        rows.append((_(words.ENDED), words.end(receipt)))
    elif receipt.expires_at is not None:
        rows.append((_(words.VALID_UNTIL), words.utc(receipt.expires_at)))
    else:
        rows.append((_(words.VALID_UNTIL), _(words.UNTIL_WITHDRAWN)))
    with paper.block():
        paper.subheading(_(words.MEMBER))
        if agreement is not None:
            paper.quote(agreement.signatures.participant)
        paper.fields(rows)


def _print_facilitator(paper: Paper, receipt: Receipt, agreement: Agreement | None) -> None:
    with paper.block():
        paper.subheading(_(words.FACILITATOR))
        if agreement is not None:
            paper.quote(agreement.signatures.facilitator)
        paper.fields(
            [
                (_(words.ACCOUNT), str(receipt.facilitator_id)),
                (_(words.PUBLISHED), words.utc(receipt.published_at)),
                (_(words.VERSION), str(receipt.version)),
            ]
        )


def _print_checking(paper: Paper, receipt: Receipt) -> None:
    paper.heading(_(words.HOW_TO_CHECK), room=60)
    file, how, answers, about_head = words.how_to_check(receipt)
    paper.paragraph(file, size=9)
    paper.paragraph(how, size=9)
    paper.code(words.COMMAND)
    paper.paragraph(answers, size=9)
    paper.paragraph(about_head, size=9)
    head = receipt.posted_head()
    paper.subheading(_(words.HEAD))
    paper.code(_(words.NO_HEAD) if head is None else str(head))


def _print_text(paper: Paper, heading: str, text: str) -> None:
    agreement = _agreement(text)
    paper.heading(heading)
    paper.note(words.marks_hint() if is_printable(text) else words.codes_hint())
    paper.space(2)
    if agreement is None:
        paper.paragraph(text)
        return
    paper.paragraph(agreement.title, size=13, colour=ACCENT, bold=True)
    for name, part in words.agreement_sections(agreement):
        paper.subheading(name)
        paper.prose(part)
