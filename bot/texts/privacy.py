"""What `/privacy show` and the readable file of `/privacy export` say."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import cast

from bot.domain.privacy import OwnRecord, Part, Row
from bot.domain.retention import RetentionTerms
from bot.texts.catalogue import _, mark, plural
from bot.texts.erasing import PAUSED_BEFORE, cases_end
from bot.texts.forms import moment, quoted
from bot.texts.members import paused
from bot.texts.own_words import LABELS, LONG, SENTENCES, TECHNICAL, TITLES, WORDS, in_one_word

PRIVACY_COMMANDS = mark("What I keep about you: see it, take it with you, erase it")
NOTHING_HELD = mark(
    "There is nothing here that I could show you: no request, no"
    " signature, no report of yours. My log has no names in it, either."
    " If there were a case that you have not been told of, I could not"
    " show it. If a backup still holds something older, it goes with the backup."
)
FORMER = mark(
    "**I do not look after this group any more.** For it I write to nobody, and change nothing in"
    " its server. To me it is as if everybody had left."
)
EXPORT_NOTE = mark(
    "Here is everything that I may show you of what I keep about you: one file to read, and one for"
    " programs. Only you can see this. These files say that you belong to a group: keep them where"
    " only you can open them."
)
OWN_FILES = mark("These are the files that you handed in with your reports, as I keep them.")
REST_IN_FILE = mark("The rest is in this file. Only you can see it.")

MOST_LINES = 12
"""So many lines of what comes often are shown in Discord, the newest; the export has them all."""

_HEADINGS = {
    Part.AGREEMENT: mark("Your promise"),
    Part.ACCESS: mark("How you come in"),
    Part.MESSAGES: mark("What I did and have to do for you"),
    Part.LEDGER: mark("The ledger"),
    Part.REPORTED: mark("What you reported"),
    Part.CONCERNED: mark("Cases that concern you"),
    Part.OFFICE: mark("What you did for the group"),
}

_WHY = {
    Part.AGREEMENT: mark(
        "Kept so that the group knows who agreed to what, and so that I let the right people in."
    ),
    Part.ACCESS: mark("Kept so that the support channel is open to the right people only."),
    Part.MESSAGES: mark("Kept so that nothing is done twice or forgotten when I am interrupted."),
    Part.LEDGER: mark(
        "Kept so that nobody can change the record unseen. It says once more what stands above."
    ),
    Part.REPORTED: mark("Kept so that your report can be looked into, fairly to everybody."),
    Part.CONCERNED: mark("Kept so that the case can be looked into, fairly to everybody."),
    Part.OFFICE: mark("Kept because the record of others rests on it: it says who acted for all."),
}

_SEEN = {
    Part.AGREEMENT: mark("Facilitators can see it. Moderators can, for one person at a time."),
    Part.ACCESS: mark(
        "Facilitators can see it. Moderators can, for one person at a time. Of a pause both see"
        " that it is there, and not why."
    ),
    Part.MESSAGES: mark("Nobody in the group can see it, but for how often I reminded you."),
    Part.LEDGER: mark("Nobody in the group can see it."),
    Part.REPORTED: mark(
        "Moderators without a part in the case can see it. If there is none, whoever the group has"
        " named can, or else the owner of the server. They do not see who you are. If one of them"
        " looks up your name, you are told, and why."
    ),
    Part.CONCERNED: mark(
        "You can see it, and moderators without a part in the case. If there is none, whoever the"
        " group has named can, or else the owner of the server."
    ),
    Part.OFFICE: mark(
        "Those who do this work in the group can see it: facilitators and moderators. Whoever signs"
        " can read on the receipt who published the text."
    ),
}
_SEEN_OF_FORMER = mark("Nobody in the group can see it any more.")


def _kept(part: Part, terms: RetentionTerms) -> str:
    match part:
        case Part.AGREEMENT:
            words = _(
                "A request stays while you are here, and {unsigned} days after you leave without a"
                " signature. A signature stays {proof} days after it has ended, or after you have"
                " left. Then I keep only that somebody has signed, without your name or"
                " number."
            )
        case Part.ACCESS:
            words = _(
                "It stays while it holds. A pause that is over goes {case} days after its case was"
                " closed."
            )
        case Part.MESSAGES:
            words = _("It goes {activity} days after it was done.")
        case Part.REPORTED | Part.CONCERNED:
            words = _("It goes {case} days after the case was closed.")
        case Part.LEDGER | Part.OFFICE:
            words = _of_the_record(part)
    return _in_days(words, terms)


def _of_the_record(part: Part) -> str:
    """How long that stays which does not depend on whether anybody looks after the group."""
    if part is Part.LEDGER:
        return _(
            "What it says of you goes after {proof} days. The chain stays, without the words."
            " Whoever has the key and your account number could still test whether you are in it."
        )
    return _("It stays as long as the record that rests on it.")


def _kept_by_former(part: Part, terms: RetentionTerms) -> str:
    match part:
        case Part.AGREEMENT:
            words = _(
                "A request goes {unsigned} days after I stopped looking after the group. A"
                " signature goes {proof} days after it has ended, or after that. Then I keep only"
                " that somebody has signed, without your name or number."
            )
        case Part.ACCESS:
            words = _("It goes {unsigned} days after I stopped looking after the group.")
        case Part.MESSAGES:
            words = _(
                "It goes {activity} days after it was done. What was not done goes {unsigned} days"
                " after I stopped looking after the group."
            )
        case Part.REPORTED | Part.CONCERNED:
            words = _("It goes {case} days after the case was closed.")
        case Part.LEDGER | Part.OFFICE:
            words = _of_the_record(part)
    if part in (Part.ACCESS, Part.REPORTED, Part.CONCERNED):
        words = f"{words} {cases_end(terms)}"
    return _in_days(words, terms)


def _in_days(words: str, terms: RetentionTerms) -> str:
    return words.format(
        unsigned=terms.unsigned.days,
        proof=terms.proof.days,
        case=terms.case.days,
        activity=terms.activity.days,
    )


def own_record(
    group: str,
    record: OwnRecord,
    terms: RetentionTerms,
    clean: Callable[[str], str],
    *,
    is_former: bool = False,
) -> str:
    """Everything that is held about a person, by purpose, to be read in Discord.

    Args:
        group: the name of the group.
        record: what is held.
        terms: how long the group keeps things.
        clean: makes plain what people wrote.
        is_former: whether the group is not looked after any more.
    """
    return _text(group, record, terms, clean, brief=True, is_former=is_former)


def own_file(
    group: str, record: OwnRecord, terms: RetentionTerms, *, is_former: bool = False
) -> str:
    """The same with every detail, as plain text to keep; times in UTC."""
    text = _text(group, record, terms, str, brief=False, is_former=is_former)
    when = _("Written on {when}.").format(when=_plain(record.read_at))
    return f"{_in_utc(text)}\n\n{when}\n"


def file_name(at: datetime, ending: str, suffix: str = "") -> str:
    """A name that says nothing to whoever sees it lie somewhere."""
    return f"record-{at.astimezone(UTC):%Y-%m-%d}{suffix}.{ending}"


def _text(
    group: str,
    record: OwnRecord,
    terms: RetentionTerms,
    clean: Callable[[str], str],
    *,
    brief: bool,
    is_former: bool,
) -> str:
    parts = [_("## {group}: what I keep about you").format(group=group)]
    if is_former:
        parts.append(_(FORMER))
    for part in Part:
        rows = record.of(part)
        if not rows:
            continue
        seen = _SEEN_OF_FORMER if is_former else _SEEN[part]
        kept = _kept_by_former if is_former else _kept
        head = [f"### {_(_HEADINGS[part])}", f"{_(_WHY[part])} {_(seen)}", kept(part, terms)]
        parts.append("\n".join(head))
        if part is Part.ACCESS and record.pause is not None:
            parts.append(_(PAUSED_BEFORE) if is_former else paused(record.pause))
        parts += _blocks(part, rows, clean, brief=brief)
    if not record.rows:
        parts.append(_(NOTHING_HELD))
    else:
        parts.append(_end(terms, brief=brief))
    return "\n\n".join(parts)


def _end(terms: RetentionTerms, *, brief: bool) -> str:
    lines = [
        "### " + _("Good to know"),
        _("Whoever runs me has the key, and can see all of this."),
        _(
            "Copies of all this can stand in backups for up to {days} days. Discord keeps its own"
            " record of our messages and of who has which role; I cannot change that."
        ).format(days=terms.backup.days),
        _(
            "Not shown: the account of anybody else, and the work on a case. Nobody with a part in"
            " a case sees that. If there were a case that you have not been told of, it"
            " would not stand here."
        ),
    ]
    if brief:
        lines.append(
            _(
                "`/privacy export` gives you all of it with every detail, in two files."
                " `/privacy erase` shows what can be erased, before anything is."
            )
        )
    return "\n".join(lines)


_OFTEN = (Part.MESSAGES, Part.LEDGER, Part.OFFICE)


def _blocks(
    part: Part, rows: list[Row], clean: Callable[[str], str], *, brief: bool
) -> Iterable[str]:
    if not (brief and part in _OFTEN):
        return [_block(row, clean, brief=brief) for row in rows]
    shown = [_line(row, clean) for row in rows[-MOST_LINES:]]
    older = len(rows) - len(shown)
    if older:
        more = plural(
            "- … and {n} more before that; `/privacy export` has it",
            "- … and {n} more before that; `/privacy export` has them",
            older,
        )
        shown.insert(0, more.format(n=older))
    return ["\n".join(shown)]


def _block(row: Row, clean: Callable[[str], str], *, brief: bool) -> str:
    """What a row says: a sentence, further facts, then what somebody wrote."""
    facts, words = _told(row, clean, brief=brief)
    lines = [" · ".join(facts)] if brief else [facts[0], " · ".join(facts[1:])]
    for label, text in words:
        lines += [f"{label}:", quoted(text)]
    return "\n".join(line for line in lines if line)


def _line(row: Row, clean: Callable[[str], str]) -> str:
    facts, _words = _told(row, clean, brief=True)
    return f"- {' · '.join(facts)}"


def _told(
    row: Row, clean: Callable[[str], str], *, brief: bool
) -> tuple[list[str], list[tuple[str, str]]]:
    """A sentence or a title and facts with their labels, and what somebody wrote.

    The brief form has no fact that the sentence has told, and none that is only technical.
    """
    values = {name: value for name, value in row.values.items() if value is not None}
    phrases = [one for one in SENTENCES.get(row.table, ()) if one.fits(values)]
    said = [
        _(one.text).format(**{name: _value(name, values[name], clean) for name in one.names})
        for one in phrases
    ]
    told = {name for one in phrases for name in (*one.names, *one.covers, *one.when)}
    left_out = {*TECHNICAL, *told} if brief else set[str]()
    title = _(TITLES[row.table])
    facts = [" ".join(said) or (f"**{title}**" if brief else title)]
    words: list[tuple[str, str]] = []
    shown = {name: value for name, value in values.items() if name not in left_out}
    for name, value in _flat(shown):
        if value is None or name in left_out:  # of a form, too
            continue
        label = _(LABELS.get(name, name))
        if name in LONG:
            words.append((label, clean(str(value))))
        else:
            facts.append(f"{label}: {_value(name, value, clean)}")
    return facts, words


_Facts = dict[str, object]


def _flat(values: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """Columns and values, with those of a form or of an entry's payload beside the others."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from cast(_Facts, value).items()
        else:
            yield name, value


_FLAGS = frozenset({"provisional", "reached", "is_kept", "names_somebody", "certain"})


def _value(name: str, value: object, clean: Callable[[str], str]) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if name in _FLAGS:
        return _("yes") if value else _("no")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        word = in_one_word(value)
        return _(WORDS[word]) if word in WORDS else clean(value)
    return str(value)


_MOMENT = re.compile(r"<t:(\d{1,11}):\w>")
"""What somebody typed may look like one, too: of more digits it would be no instant."""


def _in_utc(text: str) -> str:
    """The instants of a text as everybody reads them outside of Discord."""
    return _MOMENT.sub(lambda found: _plain(datetime.fromtimestamp(int(found[1]), UTC)), text)


def _plain(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
