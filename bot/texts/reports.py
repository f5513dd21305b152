"""What the moderators' channel is told of the role, the ledger and a restored record."""

from datetime import datetime

from bot.domain.effects import Facts, Report
from bot.domain.holders import Cause, Source
from bot.texts.case_clocks import case_due, cases_end
from bot.texts.catalogue import _, mark, plural
from bot.texts.facilitators import objection_report, untold_report
from bot.texts.forms import moment, people
from bot.texts.lookout import record_back
from bot.texts.publishing import draft_waiting

ENFORCE_BUTTON = mark("Take the role from them")
ENFORCE_NOTHING = mark(
    "Everybody who has the member role has signed by now. There is nothing to do."
)

SOURCES = {
    Source.PERSON: mark("given by hand"),
    Source.BOT: mark("given by another bot"),
    Source.UNKNOWN: mark(
        "held from before me, or given in a way the audit log does not show, such as an invite or"
        " onboarding"
    ),
}

CAUSES = {
    Cause.EMPTY_RECORD: mark(
        "Hardly anybody here has signed as far as my record goes. Perhaps I was started with"
        " another database, or an old backup was put back."
    ),
    Cause.OTHER_ROLE: mark(
        "The member role is another one than before. Perhaps `roles.member` names the wrong role,"
        " or the role was renamed."
    ),
    Cause.UNKNOWN: mark(
        "Perhaps an invite, the server's onboarding or another bot gives the role to everybody."
    ),
}


def mass_change(facts: Facts) -> str:
    """The guard has stopped a sweep; a facilitator decides."""
    strangers, holders = int(facts["strangers"]), int(facts["holders"])
    wrong = _(
        "**{strangers} of the {people} with the member role have not signed.** That is so many that"
        " I have taken the role from nobody."
    ).format(strangers=strangers, people=people(holders))
    cause = _(CAUSES[Cause(facts["cause"])])
    advice = _(
        "Please find out first. If a setting is wrong, put it right, and I carry on by myself. If"
        " it is all as it should be, a facilitator can let me take the role from them."
    )
    return f"{wrong}\n{cause}\n{advice}"


def enforced(count: int) -> str:
    """Replaces the notice of a mass change once a facilitator has agreed."""
    return _(
        "A facilitator agreed: I am taking the member role from {people} without a valid signature."
    ).format(people=people(count))


def enforce_stale(count: int) -> str:
    """More people hold the role without a signature than the notice said."""
    return _(
        "The numbers have changed since that notice: it is {people} by now. Nothing was done."
        " Please look again, and press here if you still want me to."
    ).format(people=people(count))


def ways(facts: Facts) -> str:
    """In which ways people came by the role."""
    found = [(source, int(facts[source])) for source in Source if facts.get(source)]
    return "\n".join(f"- {count} {_(SOURCES[source])}" for source, count in found)


def _unsigned(word: Report, facts: Facts) -> str:
    """People had the role without a signature, and what is done about it."""
    total = sum(int(facts.get(source, 0)) for source in Source)
    taken = plural(
        "**{count} person had the member role without a valid signature.** I am taking it back.",
        "**{count} people had the member role without a valid signature.** I am taking it back.",
        total,
    )
    left = plural(
        "**{count} person has the member role without a valid signature.** I leave it, as"
        " the settings say.",
        "**{count} people have the member role without a valid signature.** I leave it, as"
        " the settings say.",
        total,
    )
    said = taken if word is Report.ROLE_TAKEN else left
    return f"{said.format(count=total)}\n{ways(facts)}"


def report(group: str, word: Report, facts: Facts) -> str:
    """A report in the moderators' channel; numbers, never names."""
    match word:
        case Report.ROLE_TAKEN | Report.ROLE_UNSIGNED:
            text = _unsigned(word, facts)
        case Report.ADOPTED:
            count = int(facts["people"])
            text = plural(
                "**{count} person had the member role before I came.** They keep it for now. A"
                " facilitator can ask them to sign with `/agreement invite`; from then on their"
                " `grace_days` run.",
                "**{count} people had the member role before I came.** They keep it for now. A"
                " facilitator can ask them to sign with `/agreement invite`; from then on their"
                " `grace_days` run.",
                count,
            ).format(count=count)
        case Report.RESTORED:
            text = _restored(facts)
        case Report.DRAFT_WAITING:
            text = draft_waiting(facts)
        case Report.RECORD_BACK:
            text = record_back(facts)
        case Report.RECORD_OLDER:
            text = _(
                "**My record is not the one I had.** I posted here that it had reached entry"
                " {position}; the one I have now does not have that entry. Perhaps"
                " an older copy was put back, or I was started with another database. I compare"
                " it with Discord now. Nobody loses the role by this. Please tell the person who"
                " runs me."
            ).format(position=int(facts["position"]))
        case Report.CASE_DUE:
            text = case_due(facts)
        case Report.CASES_END:
            text = cases_end(facts)
        case Report.RECORDS_END:
            text = _records_end(facts)
        case Report.ATTEST_OBJECTED:
            text = objection_report(str(facts["receipt"]))
        case Report.ATTEST_UNTOLD:
            text = untold_report(str(facts["receipt"]))
        case Report.LEDGER_HEAD:
            text = ledger_head(int(facts["position"]), str(facts["hash"]))
    return f"{text}\n-# {group}"


def ledger_head(position: int, entry_hash: str) -> str:
    """The head of the ledger, kept where the operator of the bot cannot change it unseen."""
    return plural(
        "The record has {position} entry. Its head is\n`{position}:{hash}`\n"
        "-# Please leave this message here. If anybody ever shortens or rewrites the record,"
        " `pledge ledger verify --head` with this line shows it.",
        "The record has {position} entries. Its head is\n`{position}:{hash}`\n"
        "-# Please leave this message here. If anybody ever shortens or rewrites the record,"
        " `pledge ledger verify --head` with this line shows it.",
        position,
    ).format(position=position, hash=entry_hash)


def _records_end(facts: Facts) -> str:
    """Something that was kept for long enough is about to go."""
    when = moment(datetime.fromisoformat(str(facts["until"])), "D")
    lines = [_("**Kept long enough:** this goes in the days until {when}.").format(when=when)]
    if signatures := int(facts["signatures"]):
        lines.append(
            plural(
                "- {count} signature that ended {days} days ago, or whose signer left then. What"
                " stays is a proof that somebody signed, without a name.",
                "- {count} signatures that ended {days} days ago, or whose signers left then. What"
                " stays is a proof that somebody signed, without a name.",
                signatures,
            ).format(count=signatures, days=facts["proof_days"])
        )
    if left := int(facts["people"]):
        lines.append(
            plural(
                "- what I know of {count} person who left {days} days ago without signing.",
                "- what I know of {count} people who left {days} days ago without signing.",
                left,
            ).format(count=left, days=facts["unsigned_days"])
        )
    lines.append(
        _(
            "Nobody loses access by this, and there is nothing to do. To keep things longer, the"
            " person who runs me can raise `retention` in the settings."
        )
    )
    return "\n".join(lines)


def _restored(facts: Facts) -> str:
    age = moment(datetime.fromisoformat(str(facts["from"])))
    adopted, unconfirmed = int(facts["adopted"]), int(facts["unconfirmed"])
    lines = [
        _(
            "**A backup from {when} was put back.** I have compared it with Discord. ✅ and ❌ that"
            " people gave or took away since then were found, where their messages are still there."
        ).format(when=age),
    ]
    if adopted:
        lines.append(
            _(
                "- With the member role, but not in the record as signed: {people}. They keep the"
                " role for now. Please ask them with `/agreement invite`."
            ).format(people=people(adopted))
        )
    if unconfirmed:
        lines.append(
            _(
                "- Signed, but without the role now: {people}. They may have withdrawn, so I have"
                " asked them again instead of letting them in."
            ).format(people=people(unconfirmed))
        )
    lines.append(
        _(
            "I cannot know what was done by button or command since then: signatures, withdrawals,"
            " and new versions. If a version was published, please publish it again."
        )
    )
    return "\n".join(lines)
