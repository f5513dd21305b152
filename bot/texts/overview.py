"""What facilitators read about a group as a whole: the overview, its picture, and exports."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.domain.agreements import Method, Standing
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import people
from bot.texts.staff import STANDINGS

_HOUR = 60
_DAY = 24

CHART_COVERED = mark("People covered over time")
CHART_FUNNEL = mark("From joining to signing")
CHART_PEOPLE = mark("People")
CHART_TIME = mark("Date (UTC)")
CHART_NOTHING = mark("Nobody has signed yet.")
CHART_JOINED = mark("Joined")
CHART_ASKED = mark("Asked")
CHART_SIGNED = mark("Signed")

ROSTER_TITLE = mark("Who has signed")
ROSTER_FOOTER = mark(
    "Confidential: keep it as safe as what is said in the group. Page {page} of {pages}"
)
ROSTER_GROUP = mark("Group")
ROSTER_MADE = mark("As of")
ROSTER_COVERED = mark("Covered")
ROSTER_FACILITATORS = mark("Signed for the group")
ROSTER_PEOPLE = mark("The people")
ROSTER_NOBODY = mark("I know of nobody in this group yet.")
ROSTER_UNPUBLISHED = mark("Nothing has been published yet.")
ROSTER_VERSION = mark("Version")
ROSTER_FACILITATOR = mark("Facilitator (account)")
ROSTER_FINGERPRINT = mark("Fingerprint of the text")
ROSTER_DATE = mark("Date (UTC)")
ROSTER_WHO = mark("Who (account)")
ROSTER_STANDING = mark("Standing")
ROSTER_SIGNED = mark("Signed (UTC)")
ROSTER_UNTIL = mark("Valid until (UTC)")
ROSTER_RECEIPT = mark("Receipt")
ROSTER_METHODS = {
    Method.REACTION: mark("by reaction"),
    Method.BUTTON: mark("by button"),
}


def overview(
    group: str,
    counts: Mapping[Standing, int],
    total: int,
    covered: int,
    half_within: timedelta | None,
    one_in: int,
) -> str:
    """`/signatures overview`: a group in numbers."""
    lines = [_overview_head(group, total, covered)]
    lines += [
        _("- {standing}: {count}").format(standing=_(word), count=f"{counts[standing]:,}")
        for standing, word in STANDINGS.items()
        if counts.get(standing)
    ]
    if half_within is not None:
        lines.append(
            _("Half of the people signed within {time} of being asked.").format(
                time=length(half_within)
            )
        )
    if one_in > 1:
        lines.append(
            _(
                "-# Yours is a large group: that time and the line in the picture come from one in"
                " {number} people. The numbers come from everybody."
            ).format(number=one_in)
        )
    lines.append(
        _(
            "-# Counted are the people in this server whom I have in my record: those who joined"
            " since I look after the group, and those who were asked with `/agreement invite`."
        )
    )
    return "\n".join(lines)


def _overview_head(group: str, total: int, covered: int) -> str:
    if not total:
        return _("**{group}**: there is nobody in my record yet.").format(group=group)
    return _("**{group}**: {covered} of {people} hold a valid signature, **{percent} %**.").format(
        group=group, covered=f"{covered:,}", people=people(total), percent=percent(covered, total)
    )


def percent(part: int, whole: int) -> int:
    """A part in whole per cent; nobody is left out or added by rounding to none or all."""
    if part in (0, whole):
        return 100 if part else 0
    return min(max(round(100 * part / whole), 1), 99)


def length(time: timedelta) -> str:
    """A length of time, as coarse as one would say it."""
    minutes = max(1, -(-int(time.total_seconds()) // 60))
    if minutes < 2 * _HOUR:
        return plural("{n} minute", "{n} minutes", minutes).format(n=minutes)
    hours = -(-minutes // _HOUR)
    if hours < 2 * _DAY:
        return plural("{n} hour", "{n} hours", hours).format(n=hours)
    days = -(-hours // _DAY)
    return plural("{n} day", "{n} days", days).format(n=days)


def chart_description(total: int, asked: int, covered: int, first: datetime | None) -> str:
    """What the picture shows, for whoever does not see it."""
    steps = _(
        "Bars: {total} joined, {asked} of them were asked, {covered} hold a signature now."
    ).format(total=f"{total:,}", asked=f"{asked:,}", covered=f"{covered:,}")
    if first is None:
        return " ".join((_("Nobody has signed yet, so there is no line."), steps))
    line = _(
        "A line of the people who were covered by a signature, from {day} (UTC) until today:"
        " {covered} now. Dashed lines mark when versions were published."
    ).format(day=f"{first:%Y-%m-%d}", covered=f"{covered:,}")
    return f"{line} {steps}"


def exported(group: str, total: int, *, has_names: bool, is_zipped: bool, is_table: bool) -> str:
    """What comes with an exported file."""
    if not total:
        return _(
            "There is nobody in my record for **{group}** yet, so the file has a heading only."
        ).format(group=group)
    lines = [
        _("**{group}**: {people}, as of this moment. Times are in UTC.").format(
            group=group, people=people(total)
        )
    ]
    if not has_names:
        lines.append(
            _(
                "It has no names: I keep none, and Discord tells me those of a small group only."
                " Everybody is there by their account number."
            )
        )
    if is_zipped:
        lines.append(_("It was too large for Discord as it is, so it is zipped."))
    if is_table:
        lines.append(
            _("-# A spreadsheet may round the long account numbers. Import those columns as text.")
        )
    lines.append(
        _("-# Who belongs to this group is private. Please keep the file safe, and not for long.")
    )
    return "\n".join(lines)


def too_many_for_paper(at_most: int) -> str:
    """Instead of a roster of hundreds of pages."""
    return _(
        "There are more than {people} in this group, which is too much to print. Please use"
        " `/signatures export` with `csv` or `json`."
    ).format(people=people(at_most))


def roster_covered(covered: int, total: int) -> str:
    """How many are covered, on paper."""
    return _("{covered} of {people} hold a valid signature").format(
        covered=f"{covered:,}", people=people(total)
    )


def roster_method(method: Method, attested_by: int | None) -> str:
    """How a signature was given, on paper."""
    if method is Method.ATTESTED:
        return _("attested by {account}").format(account=attested_by)
    return _(ROSTER_METHODS[method])


def roster_between(after: str, until: str) -> str:
    """An interval on paper."""
    return _("between {after} and {until}").format(after=after, until=until)
