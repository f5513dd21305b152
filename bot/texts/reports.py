"""What the moderators' channel is told of the role, the ledger and a restored record."""

from datetime import datetime

from bot.domain.effects import Facts, Report
from bot.domain.holders import Cause, Source
from bot.texts.forms import moment, people
from bot.texts.lookout import record_back

ENFORCE_BUTTON = "Take the role from them"
ENFORCE_NOTHING = "Everybody who has the member role has signed by now. There is nothing to do."

SOURCES = {
    Source.PERSON: "given by hand",
    Source.BOT: "given by another bot",
    Source.UNKNOWN: "given in a way the audit log does not show, such as an invite or onboarding",
}

CAUSES = {
    Cause.EMPTY_RECORD: (
        "Hardly anybody here has signed as far as my record goes. Perhaps I was started with"
        " another database, or an old backup was put back."
    ),
    Cause.OTHER_ROLE: (
        "The member role is another one than before. Perhaps `roles.member` names the wrong role,"
        " or the role was renamed."
    ),
    Cause.UNKNOWN: (
        "Perhaps an invite, the server's onboarding or another bot gives the role to everybody."
    ),
}


def mass_change(facts: Facts) -> str:
    """The guard has stopped a sweep; a facilitator decides."""
    strangers, holders = int(facts["strangers"]), int(facts["holders"])
    return (
        f"**{strangers} of the {people(holders)} with the member role have not signed.** That is"
        " so many that I have taken the role from nobody.\n"
        f"{CAUSES[Cause(facts['cause'])]}\n"
        "Please find out first. If a setting is wrong, put it right, and I carry on by myself. If"
        " it is all as it should be, a facilitator can let me take the role from them."
    )


def enforced(count: int) -> str:
    """Replaces the notice of a mass change once a facilitator has agreed."""
    return (
        f"A facilitator agreed: I am taking the member role from {people(count)} without a valid"
        " signature."
    )


def enforce_stale(count: int) -> str:
    """More people hold the role without a signature than the notice said."""
    return (
        f"The numbers have changed since that notice: it is {people(count)} by now. Nothing was"
        " done. Please look again, and press here if you still want me to."
    )


def ways(facts: Facts) -> str:
    """In which ways people came by the role."""
    found = [(source, int(facts[source])) for source in Source if facts.get(source)]
    return "\n".join(f"- {count} {SOURCES[source]}" for source, count in found)


def report(group: str, word: Report, facts: Facts) -> str:
    """A report in the moderators' channel; numbers, never names."""
    total = sum(int(facts.get(source, 0)) for source in Source)
    match word:
        case Report.ROLE_TAKEN:
            text = (
                f"**{people(total)} had the member role without a valid signature.** I am taking"
                f" it back.\n{ways(facts)}"
            )
        case Report.ROLE_UNSIGNED:
            text = (
                f"**{people(total)} {'has' if total == 1 else 'have'} the member role without a"
                f" valid signature.** I leave it, as the settings say.\n{ways(facts)}"
            )
        case Report.ADOPTED:
            count = int(facts["people"])
            text = (
                f"**{people(count)} had the member role before I came.** They keep it for now. A"
                " facilitator can ask them to sign with `/agreement invite`; from then on their"
                " `grace_days` run."
            )
        case Report.RESTORED:
            text = _restored(facts)
        case Report.RECORD_BACK:
            text = record_back(facts)
        case Report.RECORD_OLDER:
            text = (
                "**My record is not the one I had.** I posted here that it had reached entry"
                f" {int(facts['position'])}; the one I have now does not have that entry. Perhaps"
                " an older copy was put back, or I was started with another database. I compare"
                " it with Discord now. Nobody loses the role by this. Please tell the person who"
                " runs me."
            )
        case Report.LEDGER_HEAD:
            text = ledger_head(int(facts["position"]), str(facts["hash"]))
    return f"{text}\n-# {group}"


def ledger_head(position: int, entry_hash: str) -> str:
    """The head of the ledger, kept where the operator of the bot cannot change it unseen."""
    entries = "entry" if position == 1 else "entries"
    return (
        f"The record has {position} {entries}. Its head is\n`{position}:{entry_hash}`\n"
        "-# Please leave this message here. If anybody ever shortens or rewrites the record,"
        " `pledge ledger verify --head` with this line shows it."
    )


def _restored(facts: Facts) -> str:
    age = moment(datetime.fromisoformat(str(facts["from"])))
    adopted, unconfirmed = int(facts["adopted"]), int(facts["unconfirmed"])
    lines = [
        f"**A backup from {age} was put back.** I have compared it with Discord. ✅ and ❌ that"
        " people gave or took away since then were found, where their messages are still there.",
    ]
    if adopted:
        lines.append(
            f"- {people(adopted)} with the member role are not in the record as signed. They keep"
            " the role for now. Please ask them with `/agreement invite`."
        )
    if unconfirmed:
        lines.append(
            f"- {people(unconfirmed)} had signed, but do not have the role any more. They may have"
            " withdrawn, so I have asked them again instead of letting them in."
        )
    lines.append(
        "I cannot know what was done by button or command since then: signatures, withdrawals, and"
        " new versions. If a version was published, please publish it again."
    )
    return "\n".join(lines)
