"""Draws how a group stands: the people covered over time, and how far those who joined have come.

Its background is its own and nearly white, so that it reads alike in a dark and in a light theme,
and nothing in it is told by colour alone.
"""

import io
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.texts import overview as words
from bot.texts.catalogue import _, speaking

BACKGROUND = "#f5f7f8"
INK = "#222831"
MUTED = "#5d6873"
GRID = "#d9dfe3"
LINE = "#206268"
FILL = "#9fc5c4"
PUBLISH = "#a8480f"
BARS = ("#8fa3ad", "#4f8a8f", LINE)
MOST_LABELS = 8
"""Publishes that are named in the picture, the newest ones; more would cover one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is drawn.

    `line` are the instants, in order, from which on so many people were covered; `publishes` the
    numbers of the versions with their instants; `steps` the numbers of the funnel.
    """

    line: tuple[tuple[datetime, int], ...]
    publishes: tuple[tuple[int, datetime], ...]
    steps: tuple[int, int, int]


def draw(picture: Picture, language: str) -> bytes:
    """The picture, as PNG; runs in the worker, for it loads matplotlib.

    Args:
        picture: what is drawn.
        language: the words in it are in.
    """
    with speaking(language):
        return _draw(picture)


def _draw(picture: Picture) -> bytes:
    figure_type, dates, ticker = _load()
    figure = figure_type(figsize=(8.6, 6.4), dpi=120, facecolor=BACKGROUND, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15, hspace=0.06)
    upper, lower = figure.subplots(2, 1, height_ratios=(2.1, 1))
    for axes in (upper, lower):
        axes.set_facecolor(BACKGROUND)
        axes.tick_params(colors=MUTED, labelsize=9.5, length=0, pad=6)
        for side in axes.spines.values():
            side.set_visible(False)
    _draw_line(upper, picture, dates, ticker)
    _draw_funnel(lower, picture)
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor=BACKGROUND, metadata={"Software": "Pledge"})
    return file.getvalue()


def _load() -> tuple[Any, Any, Any]:
    """matplotlib, which writes a list of the fonts that it finds: into a folder that goes again."""
    before = os.environ.get("MPLCONFIGDIR")
    with tempfile.TemporaryDirectory(prefix="pledge-") as folder:
        os.environ["MPLCONFIGDIR"] = folder
        try:
            from matplotlib import dates, ticker  # noqa: PLC0415
            from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
            from matplotlib.figure import Figure  # noqa: PLC0415
        finally:
            if before is None:
                del os.environ["MPLCONFIGDIR"]
            else:
                os.environ["MPLCONFIGDIR"] = before

    def make_figure(**options: Any) -> Any:
        figure = Figure(**options)
        FigureCanvasAgg(figure)
        return figure

    return make_figure, dates, ticker


def _draw_line(axes: Any, picture: Picture, dates: Any, ticker: Any) -> None:
    _head(axes, _(words.CHART_COVERED))
    instants = [at.astimezone(UTC) for at, _ in picture.line]
    counts = [count for _, count in picture.line]
    if not instants:
        axes.set_xticks([])
        axes.set_yticks([])
        nothing = _(words.CHART_NOTHING)
        axes.text(0.5, 0.45, nothing, transform=axes.transAxes, ha="center", color=MUTED)
        return
    first, last = _window(instants, [at.astimezone(UTC) for _, at in picture.publishes])
    # The line runs on to the edge, and comes from nothing.
    moments, values = [first, *instants, last], [0, *counts, counts[-1]]
    axes.fill_between(moments, values, step="post", color=FILL, alpha=0.45, linewidth=0)
    axes.step(moments, values, where="post", color=LINE, linewidth=2.2, solid_joinstyle="round")
    axes.plot([last], [counts[-1]], "o", color=LINE, markersize=6, clip_on=False, zorder=4)
    axes.annotate(
        f"{counts[-1]:,}",
        (last, counts[-1]),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=INK,
        fontsize=11,
        fontweight="bold",
        annotation_clip=False,
    )
    axes.set_xlim(first, last)
    axes.set_ylim(0, max(*counts, 1) * 1.18)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    locator = dates.AutoDateLocator(tz=UTC, minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    # Numbers in an order of their own: the names of months would be English ones.
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(_stamp(last - first, dates)))
    axes.set_xlabel(_(words.CHART_TIME), color=MUTED, fontsize=9.5, labelpad=6)
    axes.set_ylabel(_(words.CHART_PEOPLE), color=MUTED, fontsize=9.5, labelpad=6)
    _draw_publishes(axes, picture, first, last)


def _window(instants: list[datetime], published: list[datetime]) -> tuple[datetime, datetime]:
    """From when to when the line is drawn; never so short that nothing could be seen."""
    last = instants[-1]
    first = min([instants[0], *(at for at in published if at <= last)])
    # Into the past: nobody knows yet what comes.
    first = min(first, last - timedelta(hours=1))
    return first - (last - first) * 0.03, last


def _stamp(span: timedelta, dates: Any) -> Any:
    pattern = "%Y-%m-%d" if span > timedelta(days=3) else "%m-%d %H:%M"

    def stamp(value: float, _position: int) -> str:
        return dates.num2date(value, tz=UTC).strftime(pattern)

    return stamp


def _draw_publishes(axes: Any, picture: Picture, first: datetime, last: datetime) -> None:
    shown = [(f"v{number}", at) for number, at in picture.publishes if first <= at <= last]
    taken: datetime | None = None
    for name, at in reversed(shown):
        axes.axvline(at, color=PUBLISH, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
        is_free = taken is None or taken - at > (last - first) / 22
        if is_free and len(shown) - shown.index((name, at)) <= MOST_LABELS:
            taken = at
            axes.annotate(
                name,
                (at, 1),
                xycoords=("data", "axes fraction"),
                xytext=(4, -3),
                textcoords="offset points",
                va="top",
                color=PUBLISH,
                fontsize=9.5,
                fontweight="bold",
                bbox={"facecolor": BACKGROUND, "edgecolor": "none", "pad": 1, "alpha": 0.85},
            )


def _draw_funnel(axes: Any, picture: Picture) -> None:
    steps = picture.steps
    _head(axes, _(words.CHART_FUNNEL))
    widest = max(*steps, 1)
    axes.barh(range(3), [widest] * 3, color=GRID, height=0.62, alpha=0.55)
    axes.barh(range(3), steps, color=BARS, height=0.62)
    for place, count in enumerate(steps):
        part = f"  ·  {count / steps[0]:.0%}" if steps[0] else ""
        axes.annotate(
            f"{count:,}{part}",
            (widest, place),
            xytext=(10, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize=10.5,
            fontweight="bold",
            annotation_clip=False,
        )
    names = (words.CHART_JOINED, words.CHART_ASKED, words.CHART_SIGNED)
    axes.set_yticks(range(3), [_(name) for name in names], color=INK)
    axes.set_xticks([])
    axes.set_xlim(0, widest * 1.16)
    axes.invert_yaxis()


def _head(axes: Any, text: str) -> None:
    axes.set_title(text, loc="left", color=INK, fontsize=13, fontweight="bold", pad=10)
