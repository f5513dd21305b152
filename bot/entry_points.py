"""Every way in for people, and what using it takes: one row each, or nobody gets in.

A new command, option that completes, context menu, button, view or form needs a row here, and one
in `tests/cogs/authorisation/sheet.py` (or `tests/cogs/cases/matrix.py`, where it leads to one
case) that says who gets in. Whatever has none is refused to everybody, and a test names it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bot.domain.authorisation import Act, Action, Right


def command(qualified_name: str, option: str | None = None) -> str:
    """What a command is called here; with an option, what is offered while that is typed."""
    return f"/{qualified_name}" if option is None else f"/{qualified_name} [{option}]"


def menu(name: str, target: str) -> str:
    """What the context menu on a message or a user is called here."""
    return f"{name} ({target})"


def button(template: str) -> str:
    """What a button is called here: its id up to what differs from one to the next."""
    return template.partition("(")[0].rstrip(":")


def right_to(entry_point: str) -> Right:
    """What using this way in takes.

    Raises:
        LookupError: it has no row, so nobody may use it.
    """
    if entry_point not in ENTRY_POINTS:
        message = f"{entry_point} has no row in bot/entry_points.py, so nobody may use it"
        raise LookupError(message)
    return ENTRY_POINTS[entry_point]


def action_of(entry_point: str) -> Action:
    """What using a way in takes that leads to no case.

    Raises:
        LookupError: it has no row, so nobody may use it; or it leads to one case.
    """
    right = right_to(entry_point)
    if isinstance(right, Action):
        return right
    message = f"{entry_point} leads to one case: who may is asked where that is read"
    raise LookupError(message)


ENTRY_POINTS: Mapping[str, Right] = MappingProxyType(
    {
        # Commands, and what they offer while an option is typed in
        "/agreement read": Action.READ,
        "/agreement sign": Action.SIGN,
        "/agreement withdraw": Action.WITHDRAW,
        "/agreement receipt": Action.RECEIPT,
        "/agreement publish": Action.PUBLISH,
        "/agreement history": Action.HISTORY,
        "/agreement invite": Action.INVITE,
        "/signatures check": Action.CHECK_PERSON,
        "/signatures list": Action.LIST_PEOPLE,
        "/signatures overview": Action.OVERVIEW,
        "/signatures export": Action.EXPORT_PEOPLE,
        "/signatures remind": Action.REMIND,
        "/signatures record": Action.RECORD,
        "/pledge check": Action.INSPECT,
        "/privacy show": Action.SEE_OWN_RECORD,
        "/privacy export": Action.EXPORT_OWN_RECORD,
        "/privacy erase": Action.ERASE_OWN_RECORD,
        "/breach report": Action.REPORT,
        "/breach mine": Action.SEE_OWN_CASES,
        "/breach list": Act.LIST,
        "/breach show": Act.SHOW,
        "/breach show [case]": Act.LIST,
        "/breach claim": Act.CLAIM,
        "/breach claim [case]": Act.LIST,
        "/breach note": Act.NOTE,
        "/breach note [case]": Act.LIST,
        "/breach ask": Act.ASK,
        "/breach ask [case]": Act.LIST,
        "/breach decide": Act.DECIDE,
        "/breach decide [case]": Act.LIST,
        "/breach decide [outcome]": Action.LOOK_AFTER_CASES,
        "/breach recuse": Act.RECUSE,
        "/breach recuse [case]": Act.LIST,
        "/breach reopen": Act.REOPEN,
        "/breach reopen [case]": Act.LIST,
        "/breach unseal": Act.UNSEAL,
        "/breach unseal [case]": Act.LIST,
        "/breach export": Act.EXPORT,
        "/breach export [case]": Act.LIST,
        "/breach appeal": Act.APPEAL,
        "/breach appeal [case]": Act.APPEAL,
        # Context menus
        "Report a breach (message)": Action.REPORT,
        "Report a breach (user)": Action.REPORT,
        # Buttons that outlive a restart
        "pledge:sign": Action.SIGN,
        "pledge:language": Action.READ,
        "pledge:accept": Action.SIGN,
        "pledge:decline": Action.SIGN,
        "pledge:withdraw": Action.WITHDRAW,
        "pledge:keep": Action.CANCEL,
        "pledge:publish": Action.PUBLISH,
        "pledge:not-now": Action.CANCEL,
        "pledge:history": Action.HISTORY,
        "pledge:invite": Action.INVITE,
        "pledge:stop-invite": Action.INVITE,
        "pledge:list": Action.LIST_PEOPLE,
        "pledge:remind": Action.REMIND,
        "pledge:enforce": Action.CONSENT,
        "pledge:remove": Action.CONSENT,
        "pledge:erase": Action.ERASE_OWN_RECORD,
        "pledge:erase:no": Action.CANCEL,
        "pledge:mine": Action.SEE_OWN_CASES,
        "pledge:letter:answer": Action.ANSWER_LETTER,
        "pledge:cases": Act.LIST,
        "pledge:case:numbers": Action.LOOK_AFTER_CASES,
        "pledge:case:open": Act.SHOW,
        "pledge:case:claim": Act.CLAIM,
        "pledge:case:file": Act.SHOW,
        "pledge:case:merge": Act.MERGE,
        "pledge:case:keep": Act.EXTEND,
        "pledge:case:hear": Act.HEAR,
        "pledge:case:decide": Act.DECIDE,
        "pledge:case:words": Act.DECIDE,
        "pledge:case:pause": Act.DECIDE,
        "pledge:case:drop": Act.DECIDE,
        "pledge:case:access": Act.MINE,
        "pledge:case:withdraw": Act.WITHDRAW_REPORT,
        "pledge:case:withdrawal": Act.WITHDRAW_REPORT,
        # Questions and forms that are open for a while
        "RecordView": Action.RECORD,
        "NoticeView": Action.REPORT,
        "ReportModal": Action.REPORT,
        "ConfirmView": Act.ASK,
        "HearForm": Act.HEAR,
        "AnswerForm": Action.ANSWER_LETTER,
        "MergeForm": Act.MERGE,
        "KeepForm": Act.EXTEND,
        "WordsForm": Act.DECIDE,
        "AppealForm": Act.APPEAL,
    }
)
