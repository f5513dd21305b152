"""What has changed in an agreement: removed words struck through, added ones bold."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from bot.domain.changes import LADDER, Edit, PartChange, Piece
from bot.domain.paragraphs import length, split_text
from bot.texts.catalogue import _, mark

PARTS = {
    "title": mark("The title"),
    "crisis": mark("If you are in danger"),
    "summary": mark("In short"),
    "purpose": mark("Why we make this promise"),
    "scope.covered": mark("What stays here"),
    "scope.not_covered": mark("What you may always share"),
    "scope.exceptions": mark("When you may speak all the same"),
    "consequences": mark("If the promise is broken: the order of the steps"),
    "duration.text": mark("How long it lasts"),
    "duration.days": mark("How many days a signature lasts"),
    "signatures.participant": mark("The participant's promise"),
    "signatures.facilitator": mark("The facilitator's promise"),
    "privacy": mark("What this bot keeps"),
}

MARKS = {Edit.KEPT: "", Edit.REMOVED: "~~", Edit.ADDED: "**"}
_LONGEST_LINE = 1_800
_LONGEST_WORD = 300
_SPECIAL = re.compile(r"[\\*_~`|<>\[\]]|:(?=//)|^#|^-(?=#)", re.MULTILINE)
_BULLET = re.compile(r"(- )(.*)", re.DOTALL)

Line = list[Piece]


def part_name(part: str, step: str | None = None) -> str:
    """What a part is called, above what changed in it.

    Args:
        part: the part.
        step: what readers know it by, if it is a step of the ladder.
    """
    if step is not None:
        return _("If the promise is broken: “{step}”").format(step=step)
    return _(PARTS[part.partition(".")[0] if part.startswith(f"{LADDER}.") else part])


def change_pages(changes: Iterable[PartChange]) -> list[str]:
    """What changed, in messages; formatting of the text itself is shown, not carried out."""
    shown: list[str] = []
    for change in changes:
        lines = [line for drawn in _lines(change.pieces) for line in _drawn(drawn)]
        shown.append("\n".join([f"### {_heading(change)}", *lines]))
    return split_text("\n\n".join(shown))


def _heading(change: PartChange) -> str:
    return part_name(change.part, _escaped(change.step) if change.step is not None else None)


def _lines(pieces: Sequence[Piece]) -> Iterator[Line | None]:
    """The lines in which something changed; None stands for lines that did not."""
    lines: list[Line] = [[]]
    for piece in _visible(pieces):
        first, *others = piece.text.split("\n")
        lines[-1].append(Piece(piece.edit, first))
        lines += [[Piece(piece.edit, text)] for text in others]
    skipped = False
    for line in lines:
        if any(piece.edit is not Edit.KEPT and piece.text.strip() for piece in line):
            if skipped:
                yield None
            yield line
            skipped = False
        else:
            skipped = skipped or any(piece.text.strip() for piece in line)
    if skipped:
        yield None


def _visible(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces, with signs for white space where nothing else has changed."""
    for number, piece in enumerate(pieces):
        beside = [p for p in pieces[max(number - 1, 0) : number + 2] if p.edit is not Edit.KEPT]
        words = [p.text.split() for p in beside]
        if piece.edit is Edit.KEPT or (words[0] and (len(words) == 1 or words[0] != words[1])):
            yield piece
        else:
            signs = piece.text.replace("\n", "↵")
            yield Piece(piece.edit, re.sub(r"\s{2,}|^\s+$|\s+$", _signs, signs))


def _signs(blanks: re.Match[str]) -> str:
    return "␣" * len(blanks[0])


def _drawn(line: Line | None) -> Iterator[str]:
    """A line in Markdown, cut into several where it is too long."""
    if line is None:
        yield "…"
        return
    bullet = _BULLET.fullmatch(line[0].text) if line[0].edit is Edit.KEPT else None
    start = ""
    if bullet is not None:
        start, line = bullet[1], [Piece(Edit.KEPT, bullet[2]), *line[1:]]
    room, words = _LONGEST_LINE, list[tuple[Edit, str]]()
    for word in _words(line):
        # Twice as long at most once its signs are escaped; marks and blanks around it.
        needs = length(_escaped(word[1])) + 7
        if words and needs > room:
            yield start + _marked(words)
            start, room, words = "", _LONGEST_LINE, []
        words.append(word)
        room -= needs
    yield start + _marked(words)


def _words(line: Line) -> Iterator[tuple[Edit, str]]:
    for piece in line:
        for word in piece.text.split():
            for at in range(0, len(word), _LONGEST_WORD):
                yield piece.edit, word[at : at + _LONGEST_WORD]


def _marked(words: Iterable[tuple[Edit, str]]) -> str:
    """Words with the marks of their edits, each run within marks of its own."""
    runs: list[tuple[Edit, list[str]]] = []
    for edit, word in words:
        if runs and runs[-1][0] is edit:
            runs[-1][1].append(_escaped(word))
        else:
            runs.append((edit, [_escaped(word)]))
    return " ".join(_closed(edit, " ".join(texts)) for edit, texts in runs)


def _closed(edit: Edit, text: str) -> str:
    sign = MARKS[edit]
    if sign and not text[-1].isalnum():
        # An escaped sign before the closing mark would be taken for a part of it.
        text += "\u200b"
    return f"{sign}{text}{sign}"


def _escaped(text: str) -> str:
    """Text whose signs are shown as they are, whatever they mean to Discord."""
    return _SPECIAL.sub(lambda found: "\\" + found[0], text)


def changes_document(sections: Iterable[tuple[str, Iterable[PartChange]]], title: str) -> str:
    """The same as a page of HTML, whole: every word that was kept stands there too."""
    body: list[str] = []
    for heading, changes in sections:
        body.append(f"<h2>{html.escape(heading)}</h2>")
        for change in changes:
            body.append(f"<h3>{html.escape(part_name(change.part, change.step))}</h3>")
            pieces = "".join(_tagged(piece) for piece in change.pieces)
            body.append(f'<div class="part">{pieces}</div>')
    return _PAGE.format(title=html.escape(title), body="\n".join(body))


def _tagged(piece: Piece) -> str:
    text = html.escape(piece.text)
    tag = {Edit.KEPT: "", Edit.REMOVED: "del", Edit.ADDED: "ins"}[piece.edit]
    return f"<{tag}>{text}</{tag}>" if tag else text


_PAGE = """<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem; }}
.part {{ white-space: pre-wrap; }}
del {{ color: light-dark(#a40000, #ff9a9a); }}
ins {{ font-weight: bold; color: light-dark(#005a1c, #8ae69c); text-decoration: none; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
