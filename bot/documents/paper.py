"""The paper that every file is set on: A4, wide margins, one family of type, numbered pages.

The fonts hold Latin, Cyrillic, Greek, Armenian, Georgian, Hebrew and Arabic letters. A sign that
they lack is printed as its code, such as [U+4E2D], so that nothing is lost unseen.
"""

import re
import unicodedata
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal

from fpdf import FPDF, XPos, YPos
from fpdf.enums import TableBordersLayout, WrapMode
from fpdf.fonts import FontFace, TTFFont
from typing_extensions import override

Style = Literal["", "B"]
Colour = tuple[int, int, int]
FONTS = Path(__file__).parent / "fonts"
FILES: dict[Style, Path] = {"": FONTS / "DejaVuSans.ttf", "B": FONTS / "DejaVuSans-Bold.ttf"}
FAMILY = "Pledge"
MARGIN = 24.0
"""In millimetres, as every length here; sizes of type are in points."""

INK: Colour = (34, 40, 49)
MUTED: Colour = (106, 116, 128)
ACCENT: Colour = (32, 98, 104)
LINE: Colour = (214, 220, 224)
TINT: Colour = (241, 246, 246)
PAPER: Colour = (255, 255, 255)

_LEADING = 0.53
"""Height of a line for a size of type, in millimetres for a point."""
_BULLET = re.compile(r"\s{0,3}([-*]|[0-9]{1,2}\.)\s+")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_SILENT = {*range(0xFE00, 0xFE10), 0x200B, 0x2060, 0xFEFF}
"""Choose how another sign looks, or only where a line may end."""
_JOINERS = {0x200C, 0x200D, 0x200E, 0x200F, 0x061C}
"""Printed by nobody and needed by some scripts."""


class Paper(FPDF):
    """A document that is being written, from top to bottom.

    Args:
        title: what the viewer shows as its name; it must name no person.
        footer: stands at the foot of every page, with `{page}` and `{pages}` in it.
        language: of the words in it, for screen readers.
        made_at: the instant it is made.
    """

    def __init__(self, *, title: str, footer: str, language: str, made_at: datetime) -> None:
        super().__init__(format="A4")
        self._footer = footer
        for style, file in FILES.items():
            self.add_font(FAMILY, style, file)
        self.set_title(title)
        self.set_producer("Pledge")
        self.set_creation_date(made_at)
        self.set_lang(language)
        self.set_margins(MARGIN, MARGIN - 4)
        self.set_auto_page_break(auto=True, margin=MARGIN)
        self.c_margin = 0
        self.add_page()

    @override
    def footer(self) -> None:
        """Called by fpdf2 at the end of every page."""
        self.set_y(-MARGIN + 8)
        self._type(7.5, MUTED)
        words = self._footer.format(page=self.page_no(), pages="{nb}")
        self.cell(0, 4, readable(words), align="C")

    # What a document is written with --------------------------------------------------------------

    def title_line(self, text: str, under: str = "") -> None:
        """The name of the document, and what it is about under it."""
        self._type(22, ACCENT, "B")
        self._lines(text, 22)
        if under:
            self.space(0.5)
            self._type(11, MUTED)
            self._lines(under, 11)
        self.space(3)
        self.rule()
        self.space(4)

    def heading(self, text: str, *, room: float = 24) -> None:
        """Begins a section, on a new page if there is less room than this."""
        self.keep_together(room)
        self.space(4)
        self._type(12.5, ACCENT, "B")
        self._lines(text, 12.5)
        self.space(1.5)

    def subheading(self, text: str) -> None:
        """Begins a part of a section."""
        self.keep_together(16)
        self.space(1.5)
        self._type(10, INK, "B")
        self._lines(text, 10)
        self.space(0.5)

    def paragraph(
        self, text: str, *, size: float = 10, colour: Colour = INK, bold: bool = False
    ) -> None:
        """Running text; its own line breaks are kept."""
        for line in text.splitlines():
            self._type(size, colour, "B" if bold else "")
            if line.strip():
                self._lines(line, size)
            else:
                self.space(2)
        self.space(1.2)

    def prose(self, text: str, *, size: float = 9.5) -> None:
        """Text of an agreement: lists and bold words are drawn, all else stands as written."""
        for line in text.splitlines():
            found = _BULLET.match(line)
            if not line.strip():
                self.space(1.6)
            elif found is None or _runs_leftwards(line):
                self._runs(line, size)
            else:
                self._hang(found[1], line[found.end() :], size)
        self.space(1.2)

    def quote(self, text: str) -> None:
        """What somebody put their name to."""
        self.paragraph(text, size=10)
        self.space(0.5)

    def code(self, text: str) -> None:
        """Digits to compare, on a tint; they may be broken anywhere."""
        self._type(8.5, INK)
        self.set_fill_color(*TINT)
        left = self.l_margin
        self.set_x(left)
        self.multi_cell(
            0,
            6,
            readable(text),
            align="L",
            fill=True,
            padding=(1, 2, 1, 2),
            wrapmode=WrapMode.CHAR,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )
        self.space(1.5)

    def note(self, text: str) -> None:
        """Small print."""
        self.paragraph(text, size=8.5, colour=MUTED)

    def fields(self, rows: Iterable[tuple[str, str]], *, label_width: float = 42) -> None:
        """Names with their values, the values in a column of their own."""
        left, right = self.l_margin, self.w - self.r_margin
        for label, value in rows:
            # As many lines as it surely has, for both columns must stay on one page.
            self.keep_together(6 + 5 * (len(value) * 2.1 // (right - left - label_width)))
            top = self.get_y()
            self._type(8.5, MUTED)
            self.set_xy(left, top + 0.3)
            self._lines(label, 8.5, width=label_width - 4)
            bottom = self.get_y()
            self.set_xy(left + label_width, top)
            self._type(9.5, INK)
            self._lines(value, 9.5, width=right - left - label_width)
            self.set_xy(left, max(bottom, self.get_y()) + 0.8)

    @contextmanager
    def block(self) -> Generator[None]:
        """What is written within is set off by a bar at its left, over pages if it must."""
        self.space(1)
        # Else the bar would begin on this page, and the words on the next.
        self.keep_together(10)
        first, top = self.page, self.get_y()
        self.set_left_margin(MARGIN + 6)
        self.set_x(self.l_margin)
        yield
        last, bottom = self.page, self.get_y()
        self.set_left_margin(MARGIN)
        for number in range(first, last + 1):
            self.page = number
            start = top if number == first else self.t_margin
            end = bottom if number == last else self.h - self.b_margin
            self.set_fill_color(*ACCENT)
            self.rect(MARGIN, start, 1, max(end - start - 1, 1), style="F")
        self.set_xy(MARGIN, bottom)
        self.space(2)

    def grid(
        self,
        head: Iterable[str],
        rows: Iterable[Iterable[str]],
        widths: tuple[int, ...],
        align: Literal["LEFT", "RIGHT"] = "LEFT",
        size: float = 8.5,
    ) -> None:
        """A table whose head is repeated on every page; `widths` are parts of the whole."""
        self._type(size, INK)
        self.set_draw_color(*LINE)
        self.set_fill_color(*PAPER)
        with self.table(
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            col_widths=widths,
            headings_style=FontFace(emphasis="BOLD", color=ACCENT),
            line_height=5,
            padding=(1, 2, 1, 0),
            text_align=align,
            width=self.epw,
        ) as table:
            for cells in (head, *rows):
                row = table.row()
                for cell in cells:
                    row.cell(readable(cell))
        self.space(3)

    def rule(self) -> None:
        """A fine line across."""
        self.set_draw_color(*LINE)
        self.set_line_width(0.3)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())

    def space(self, height: float) -> None:
        """Leave room."""
        self.ln(height)

    def keep_together(self, height: float) -> None:
        """Begin a new page if there is less room than this on the present one."""
        if self.will_page_break(height):
            self.add_page()

    def begin_page(self) -> None:
        """Begin a new page."""
        self.add_page()

    def attach(self, name: str, content: bytes) -> None:
        """Put a file into this one, as it is, where every PDF reader finds it."""
        self.embed_file(bytes=content, basename=name, mime_type="application/json", compress=False)

    def finish(self) -> bytes:
        """The file; nothing can be written any more."""
        try:
            return bytes(self.output())
        finally:
            _close(self)

    def _type(self, size: float, colour: Colour, style: Style = "") -> None:
        self.set_font(FAMILY, style, size)
        self.set_text_color(*colour)

    def _hang(self, mark: str, text: str, size: float) -> None:
        """A line of a list, whose further lines stand under its first word."""
        margin = self.l_margin
        self.keep_together(size * _LEADING)
        self._type(size, ACCENT)
        self.cell(5, size * _LEADING, "•" if mark in "-*" else mark)
        self.set_left_margin(margin + 5)
        self._runs(text, size)
        self.set_left_margin(margin)
        self.set_x(margin)

    def _runs(self, text: str, size: float) -> None:
        """One line of text with its bold words."""
        shown = readable(text)
        if _needs_shaping(shown):
            self._type(size, INK)
            self._lines(text, size)
            return
        for number, run in enumerate(_BOLD.split(shown)):
            if run:
                self._type(size, INK, "B" if number % 2 else "")
                self.write(size * _LEADING, run)
        self.ln(size * _LEADING)
        self.space(0.4)

    def _lines(self, text: str, size: float, width: float = 0) -> None:
        shown = readable(text)
        # Turning and joining letters costs ten times the rest, and few scripts ask for it.
        self.set_text_shaping(use_shaping_engine=_needs_shaping(shown))
        self.multi_cell(
            width,
            size * _LEADING,
            shown,
            align="R" if _runs_leftwards(shown) else "L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )
        self.set_text_shaping(use_shaping_engine=False)


def readable(text: str) -> str:
    """Text in which every sign has a shape of its own: what the fonts lack stands as its code.

    Signs that secretly turn the direction of what follows stand as their code as well.
    """
    return "".join(_shown(sign) for sign in text)


def is_printable(text: str) -> bool:
    """Whether all of it can be printed as it is."""
    return readable(text) == "".join(sign for sign in text if ord(sign) not in _SILENT)


@cache
def _shown(sign: str) -> str:
    code = ord(sign)
    if sign == "\n" or code in _JOINERS:
        return sign
    if code in _SILENT:
        return ""
    if sign == "\t":
        return "    "
    if code not in _printed() or unicodedata.category(sign)[0] == "C":
        return f"[U+{code:04X}]"
    return sign


@cache
def _printed() -> frozenset[int]:
    sheet = FPDF()
    for style, file in FILES.items():
        sheet.add_font(FAMILY, style, file)
    fonts = [font for font in sheet.fonts.values() if isinstance(font, TTFFont)]
    both = frozenset(fonts[0].cmap.keys() & fonts[1].cmap.keys())
    _close(sheet)
    return both


def _close(sheet: FPDF) -> None:
    """Close the files of the fonts, which fpdf2 leaves open."""
    for font in sheet.fonts.values():
        if isinstance(font, TTFFont):
            font.close()


def _needs_shaping(text: str) -> bool:
    return any(
        unicodedata.bidirectional(sign) in ("R", "AL", "AN", "NSM")
        for sign in text
        if not sign.isascii()
    )


def _runs_leftwards(text: str) -> bool:
    """Whether the first sign with a direction has that of Hebrew or Arabic."""
    for sign in text:
        direction = unicodedata.bidirectional(sign)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False
