"""What is shown before a case is decided, and what a decision says to each side."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.breaches import NO_BREACH
from bot.domain.disclosure import Risk
from bot.domain.paragraphs import split_text
from bot.domain.rulings import LEGAL, OF_ACCESS, REMINDER, REMOVED, SIGN_AGAIN, SUSPENDED, Plan
from bot.texts.asking import risky
from bot.texts.case_clocks import outcome_name
from bot.texts.catalogue import _, mark, plural
from bot.texts.forms import moment, quoted
from bot.texts.members import SOMEONE_TO_TALK_TO

CONFIRM_BUTTON = mark("Decide, and tell them")
WORDS_BUTTON = mark("Words to the accused")
DROP_BUTTON = mark("Not now")
PAUSE_BUTTON = mark("It is urgent: pause access now")
DROPPED = mark("Nothing was decided, and no one was told.")
PAUSED = mark(
    "Their access is paused until the case is decided, and they are told so. Please hear them soon."
)
WORDS_TITLE = mark("Your words to the accused")
WORDS_LABEL = mark("What they should know")
WORDS_HINT = mark("Please nothing that lets them guess who reported.")
APPEAL_TITLE = mark("Your appeal")
APPEAL_LABEL = mark("What should be looked at again, and why?")
APPEAL_HINT = mark("Somebody reads it who did not decide. In your own words; it can be short.")
APPEAL_EMPTY = mark("There was nothing in the form, so nothing has changed.")

LONGEST_STEP = 90


def outcome_choice(key: str, step: str | None = None) -> str:
    """An outcome to choose, with the agreement's own words as far as they fit."""
    name = outcome_name(key)
    label = f"{name}: {' '.join(step.split())}" if step else name
    return label if len(label) <= LONGEST_STEP else f"{label[: LONGEST_STEP - 1]}…"


# What a moderator sees first ---------------------------------------------------------------------


def decision_preview(
    group: str,
    plan: Plan,
    reason: str,
    to_accused: str,
    to_reporters: str,
    risks: Sequence[Risk] = (),
) -> list[str]:
    """All that a decision would do and say, in as many messages as it takes.

    Args:
        group: the name of the group.
        plan: what it would do.
        reason: the moderator's reason, safe to show.
        to_accused: the letter to the accused.
        to_reporters: the letter to those who reported.
        risks: what in the moderator's words to the accused could give somebody away.
    """
    head = _("**{group} · case #{number}** · Nothing is decided yet.").format(
        group=group, number=plan.case_number
    )
    lines = [head, _("Outcome: **{outcome}**").format(outcome=_named(plan))]
    if plan.step is not None:
        lines.append(quoted(plan.step))
    lines.append(_("Your reason, which stays in the case:\n{reason}").format(reason=quoted(reason)))
    if plan.needs_hearing:
        lines.append(_not_heard(plan))
        return split_text("\n".join(lines))
    lines.append(_("**This is what it does:**"))
    lines += [f"- {line}" for line in _deeds(plan)]
    if plan.tells_accused:
        lines.append(_("**To the accused:**\n{letter}").format(letter=quoted(to_accused)))
        lines.append(_("-# They are not shown your reason. You can add words of your own."))
        if risks:
            lines.append(risky(risks))
    if plan.reports:
        lines.append(_("**To whoever reported:**\n{letter}").format(letter=quoted(to_reporters)))
    return split_text("\n".join(lines))


def _named(plan: Plan) -> str:
    name, until = outcome_name(plan.ruling.outcome), plan.ruling.until
    if until is None:
        return name
    return _("{outcome} until {when}").format(outcome=name, when=moment(until))


def _not_heard(plan: Plan) -> str:
    text = _(
        "⚠️ **They have not been heard yet, or not since the case was reopened.** Before you"
        " decide more than a reminder, they are told what is alleged, and have time to answer. The"
        " button"
        " **Hear the accused** begins that. After it, please use this command again."
    )
    if plan.is_paused:
        return "\n".join([text, _("Their access is paused meanwhile.")])
    urgent = _(
        "If waiting would do harm, you can pause their access at once. It then stays paused until"
        " the case is decided. Your reason above is kept with it."
    )
    return f"{text}\n{urgent}"


def _deeds(plan: Plan) -> list[str]:
    deeds: list[str] = []
    if plan.is_confirmed:
        deeds.append(_("What was decided before stays in force."))
    elif plan.has_accused:
        deeds += _on_access(plan)
    else:
        deeds.append(_("The case names nobody, so it is recorded, and nothing else is done."))
    if plan.tells_accused:
        deeds.append(_("The accused is written to."))
    elif plan.has_accused:
        deeds.append(_("The accused was never told of this case, and is not told now."))
    if plan.reports:
        told = plural(
            "Whoever reported is written to.", "All {n} who reported are written to.", plan.reports
        )
        deeds.append(told.format(n=plan.reports))
    if plan.appeal_until is not None:
        deeds.append(
            _(
                "They can appeal once, until {when}. Somebody else then decides. Without an appeal"
                " the case closes by itself."
            ).format(when=moment(plan.appeal_until))
        )
    else:
        deeds.append(_("The case is closed."))
    return deeds


def _on_access(plan: Plan) -> list[str]:
    outcome, until = plan.ruling.outcome, plan.ruling.until
    if outcome == SUSPENDED and until is not None:
        return [
            _(
                "Their access is closed until {when}, whatever they sign. It then opens by itself,"
                " if they hold a valid signature."
            ).format(when=moment(until))
        ]
    if outcome == REMOVED:
        return [
            _("Their signature ends, and their access is closed for good. They stay in the server.")
        ]
    if outcome == SIGN_AGAIN:
        return [
            _("Their signature ends and their access is closed. I ask them to sign the agreement.")
        ]
    deeds: list[str] = []
    if plan.is_paused and plan.has_signature:
        deeds.append(_("Their access, paused until now, opens again."))
    elif plan.is_paused:
        deeds.append(_("The pause of their access ends. I ask them to sign the agreement."))
    else:
        deeds.append(_("Nothing changes about their access."))
    if outcome not in (NO_BREACH, REMINDER, *OF_ACCESS):
        deeds.append(_("I record it and tell them. Whatever else it means, people do it."))
    return deeds


def decided(plan: Plan) -> str:
    """The decision was recorded, and is being carried out."""
    return _("Case #{number} is decided: **{outcome}**. I am carrying it out.").format(
        number=plan.case_number, outcome=_named(plan)
    )


# The letters -------------------------------------------------------------------------------------


def outcome_to_accused(group: str, plan: Plan, words: str | None) -> str:
    """The letter to the accused: what follows, kindly, and how to appeal.

    Args:
        group: the name of the group.
        plan: what the decision does.
        words: the moderator's own, safe to show.
    """
    lines = [_(_INTRODUCTIONS[plan.appealed is not None]).format(group=group)]
    lines += _consequence(group, plan)
    if words:
        lines.append(
            _("Those who decided it want to tell you:\n{words}").format(words=quoted(words))
        )
    if plan.appeal_until is not None:
        lines.append(_how_to_appeal(plan.case_number, plan.appeal_until))
    elif plan.ruling.outcome != NO_BREACH:
        lines.append(_("This was the appeal, so it is final. The case is closed."))
    if plan.ruling.outcome != NO_BREACH:
        lines.append(
            _(
                "Please do not look for whoever spoke up, and do not speak about it in the group."
                " What you heard there stays private, as before."
            )
        )
    lines.append(_(SOMEONE_TO_TALK_TO))
    return "\n".join(lines)


_INTRODUCTIONS = {
    False: mark("Something that concerns you was looked into, in **{group}**."),
    True: mark("Your appeal in **{group}** was looked at by somebody who had not decided before."),
}


def _consequence(group: str, plan: Plan) -> list[str]:
    outcome, until = plan.ruling.outcome, plan.ruling.until
    if plan.is_confirmed:
        return [_("What was decided stays as it is: **{outcome}**.").format(outcome=_named(plan))]
    opens = _access_again(plan)
    if outcome == NO_BREACH:
        return [_("The promise was not broken. Nothing follows from it, and it is closed."), *opens]
    if outcome == REMINDER:
        text = _(
            "It is a private reminder of the promise: please keep what is said there, and who is"
            " there, to yourself. Most slips are not meant to hurt. Nothing else follows."
        )
        return [text, *opens]
    if outcome == SIGN_AGAIN:
        return [
            _(
                "You are asked to read the agreement and sign it again. I send it to you; until you"
                " have signed, the support channel is closed to you."
            )
        ]
    if outcome == SUSPENDED and until is not None:
        return [
            _(
                "Your access to the support channel is paused until {when}. If you hold a valid"
                " signature then, it opens to you again by itself."
            ).format(when=moment(until))
        ]
    if outcome == REMOVED:
        return [
            _(
                "You are no longer part of **{group}**: the support channel stays closed to you,"
                " and your signature has ended. This does not change whether you are in the rest of"
                " the server."
            ).format(group=group)
        ]
    if outcome == LEGAL:
        text = _(
            "The group found this serious and has written it down. Somebody who"
            " was hurt may decide to take legal steps. That is theirs alone to"
            " decide."
        )
        return [text, *opens]
    text = _("The group has chosen this step of the agreement:\n{step}")
    return [text.format(step=quoted(plan.step or outcome)), *opens]


def _access_again(plan: Plan) -> list[str]:
    if not plan.is_paused:
        return []
    if plan.has_signature:
        return [_("Your access, which was paused, opens again now.")]
    return [_("Your access is not paused any more. To come in again, please sign the agreement.")]


def _how_to_appeal(case_number: int, until: datetime) -> str:
    return _(
        "If you see it otherwise, you can **appeal once**, until {when}: use `/breach appeal` with"
        " the number {number}. Somebody who did not decide this then looks at it again. It stays in"
        " force until then, and an appeal never makes it worse."
    ).format(when=moment(until), number=case_number)


_TO_REPORTERS = {
    NO_BREACH: mark(
        "As far as can be told, the promise was not broken. That does not mean that you were wrong"
        " to speak up: thank you for it."
    ),
    REMINDER: mark("The person was reminded of the promise."),
    SIGN_AGAIN: mark(
        "They have to read and sign again, and are out of the support channel until then."
    ),
    SUSPENDED: mark("The person's access to the support channel is paused for a while."),
    REMOVED: mark("The person is no longer part of the group."),
    LEGAL: mark(
        "The group takes this seriously and has written it down so that it can help you if you want"
        " to take legal steps. That is yours to decide, and the group cannot promise how it turns"
        " out."
    ),
}


def outcome_to_reporters(group: str, plan: Plan) -> str:
    """The letter to whoever reported: what was decided, and whether it goes on."""
    outcome = plan.ruling.outcome
    lines = [_("Your report in **{group}** was looked into. Thank you.").format(group=group)]
    if plan.appealed is not None:
        lines = [_("The case in **{group}** was looked at once more.").format(group=group)]
    if outcome == NO_BREACH and not plan.has_accused:
        lines.append(
            _(
                "Your report names no one, so no step could be taken against a person. That does"
                " not mean that you were wrong to speak up: thank you for it. If you learn more,"
                " please tell us with `/breach report`."
            )
        )
    elif outcome in _TO_REPORTERS:
        lines.append(_(_TO_REPORTERS[outcome]))
    else:
        step = _("This step of the agreement was chosen:\n{step}")
        lines.append(step.format(step=quoted(plan.step or outcome)))
    if plan.appeal_until is not None:
        lines.append(
            _("They can appeal once, until {when}. If they do, I tell you that it goes on.").format(
                when=moment(plan.appeal_until)
            )
        )
    else:
        lines.append(_("The case is closed."))
    lines.append(_(SOMEONE_TO_TALK_TO))
    return "\n".join(lines)


# Appeals -----------------------------------------------------------------------------------------


def appeal_kept(case_number: int) -> str:
    """The appeal was recorded."""
    return _(
        "Your appeal in case #{number} has arrived. Somebody who did not decide it looks at it"
        " again, and I write to you. What was decided stays in force until then."
    ).format(number=case_number)


def appeal_choice(case_number: int) -> str:
    """A case to appeal in, while the command is being typed."""
    return _("Case #{number}").format(number=case_number)


def words_back(words: str) -> Sequence[str]:
    """What could not be kept, given back to whoever wrote it, safe to show."""
    return split_text(
        _("I could not keep what you wrote, so here it is:\n{words}").format(words=quoted(words))
    )
