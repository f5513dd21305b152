"""What a look at the servers found, in words, each with what mends it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.domain.inspection import Finding, Gravity, Matter
from bot.texts.forms import people

INSPECTION_COMMANDS = "Whether the support channel is closed to people who have not signed"
_LONGEST = 1_900
_MOST_NAMES = 8

GRAVITIES = {
    Gravity.OPEN: "OPEN",
    Gravity.BROKEN: "BROKEN",
    Gravity.COULD_OPEN: "COULD OPEN",
    Gravity.NOTE: "NOTE",
}
"""One word each, so that nobody needs colours to tell them apart."""

_SIGN = "ask them to sign with `/agreement sign`"
_OVERWRITES = "in the channel's settings, under Permissions,"

_WORDS: dict[Matter, tuple[str, str]] = {
    Matter.EVERYONE_READS: (
        "Everybody on the server can read the support channel{counted}.",
        f"{_OVERWRITES} switch off View Channel for @everyone. If it stays open, @everyone has"
        " Administrator: take that away in Server Settings → Roles.",
    ),
    Matter.MEMBER_ROLE_UNSIGNED: (
        "{people} can read the support channel with the member role, {names}, without having"
        " signed.",
        f"{_SIGN}, or take the role from them.",
    ),
    Matter.ROLES_UNSIGNED: (
        "{people} can read the support channel without having signed, by other roles: {names}.",
        f"{_OVERWRITES} remove these roles; if they are not there, switch off View Channel for"
        f" @everyone, or take View Channels from the roles. Or {_SIGN}.",
    ),
    Matter.PEOPLE_UNSIGNED: (
        "{people} can read the support channel without having signed, because the channel's"
        " settings let them in by name.",
        f"{_OVERWRITES} remove single people. Or {_SIGN}.",
    ),
    Matter.ADMINISTRATORS_UNSIGNED: (
        "{people} can read the support channel without having signed, because they are"
        " Administrators, by these roles: {names}.",
        f"{_SIGN}, or take Administrator from these roles in Server Settings → Roles. Nothing"
        " else keeps an Administrator out.",
    ),
    Matter.OWNER_UNSIGNED: (
        "The owner of the server can read the support channel, and has not signed.",
        "ask the owner to sign with `/agreement sign`. Nothing keeps an owner out.",
    ),
    Matter.ONBOARDING_GIVES: (
        "The server's onboarding hands out what opens the support channel: {names}. Whoever picks"
        " the answer can read at once, before signing anything.",
        "in Server Settings → Onboarding, take these roles out of the answers.",
    ),
    Matter.INVITES_GIVE: (
        "Invites that are valid now ({count}) hand out what opens the support channel: {names}."
        " Whoever follows one can read at once, before signing anything.",
        "in Server Settings → Invites, revoke the invites that carry these roles.",
    ),
    Matter.ROLE_TAKEN_FREELY: (
        "Discord or another service gives out a role that opens the support channel, without"
        " asking you: {names}. Such are linked roles, roles that are sold, and those of boosters.",
        f"{_OVERWRITES} remove these roles; if one is the member role, make a plain new role and"
        " name that one in `roles.member`.",
    ),
    Matter.INTENT_OFF: (
        "The Server Members Intent is off: Pledge cannot see who joins, nor who has the role.",
        "open your application in Discord's developer portal, choose Bot, and switch on Server"
        " Members Intent. Then start Pledge again.",
    ),
    Matter.NOT_ON_SERVER: (
        "Pledge is not on the server {detail}.",
        "invite it with the link from the README, or correct `guild`.",
    ),
    Matter.MEMBERS_UNSEEN: (
        "Pledge may not list the members, so nobody knows who can read the support channel"
        " unsigned.",
        "switch on the Server Members Intent in Discord's developer portal, start Pledge again"
        " and repeat this.",
    ),
    Matter.RECORD_UNREADABLE: (
        "The record cannot be read, so nobody knows who has signed: {detail}",
        "run this as the account that runs Pledge, with the same key and the same version.",
    ),
    Matter.MANAGE_ROLES_MISSING: (
        "Pledge lacks the permission Manage Roles: it can neither give nor take the member role.",
        "in Server Settings → Roles, give Manage Roles to Pledge's own role.",
    ),
    Matter.ROLE_MISSING: (
        "There is no role {names} on this server.",
        "give the id of a role of this server, or make the role.",
    ),
    Matter.ROLE_AMBIGUOUS: (
        "Several roles on this server are called {names}.",
        "give the id of the one you mean.",
    ),
    Matter.ROLE_IS_EVERYONE: (
        "The member role is @everyone: nobody can be kept out with it.",
        "make a role for members and give its id.",
    ),
    Matter.ROLE_MANAGED: (
        "Pledge may not give the role {names}, because Discord or another service manages it.",
        "make a plain role for members and give its id.",
    ),
    Matter.ROLE_TOO_HIGH: (
        "Pledge may not give or take the role {names}, because it is not below Pledge's own.",
        "in Server Settings → Roles, drag Pledge's role above it.",
    ),
    Matter.ROLE_SHARED: (
        "The member role is also something else: {detail}. Signing would give that as well.",
        "use a role of its own for each.",
    ),
    Matter.ROLE_BLIND: (
        "The member role, {names}, does not open the support channel: people who sign still"
        " cannot read it.",
        f"{_OVERWRITES} add this role and allow View Channel.",
    ),
    Matter.CHANNEL_MISSING: (
        "There is no channel {names} on this server that Pledge can see.",
        "let Pledge's role view the channel, and give its id.",
    ),
    Matter.CHANNEL_AMBIGUOUS: (
        "Several text channels on this server are called {names}.",
        "give the id of the one you mean.",
    ),
    Matter.CHANNEL_NOT_TEXT: (
        "The channel {names} is not a text channel.",
        "give the id of a text channel. Forums and voice channels do not fit.",
    ),
    Matter.CHANNEL_SHARED: (
        "The support channel is also something else: {detail}.",
        "use a channel of its own for each.",
    ),
    Matter.PERMISSIONS_MISSING: (
        "Pledge lacks {names} in this channel.",
        f"{_OVERWRITES} add Pledge's role and allow {{names}}.",
    ),
    Matter.ESCALATION_NOWHERE: (
        "The role or person named here is not on this server.",
        "give the id of a role or of a member, or null for the server's owner.",
    ),
    Matter.ROLES_COULD_READ: (
        "Other roles than the member role open the support channel: {names}. Nobody is known to"
        " use them unsigned now, but the next one who gets such a role need not sign.",
        f"{_OVERWRITES} remove these roles; if they are not there, switch off View Channel for"
        " @everyone. People who sign read by the member role.",
    ),
    Matter.PEOPLE_COULD_READ: (
        "The support channel's settings let single accounts in by name ({count}), who have signed"
        " or are not here now. They could read also after a withdrawal, or when they come back.",
        f"{_OVERWRITES} remove single people.",
    ),
    Matter.ANNOUNCEMENTS: (
        "The support channel is an announcement channel: what is published there goes to every"
        " server that follows it.",
        "in the channel's settings, under Overview, switch off Announcement Channel.",
    ),
    Matter.NO_RECORD: (
        "There is no database yet, so everybody counts as unsigned. You have not started Pledge.",
        "mend whatever else is said here, then start it with `pledge run`.",
    ),
    Matter.NOT_STARTED: (
        "No agreement is published yet, so nobody can have signed, and everybody counts as"
        " unsigned.",
        "a facilitator publishes it with `/agreement publish`. Look again when people have signed.",
    ),
    Matter.ALWAYS_READ: (
        "The owner of the server and every Administrator{by_roles} can always read the support"
        " channel, and let anybody in. That is Discord's rule; Pledge cannot change it.",
        "keep Administrator to as few people as you can.",
    ),
    Matter.THREADS: (
        "The support channel has public threads ({count} not archived). Whoever can read the"
        " channel can read them all, the archived ones too; nobody else can.",
        "nothing, as long as the channel itself is closed.",
    ),
    Matter.ADOPTED: (
        "Members from before Pledge keep the member role for now without having signed: {people}."
        " They are not counted above.",
        "ask them with `/agreement invite`; from then on their `grace_days` run. Somebody has to"
        " talk to those who take no direct messages.",
    ),
    Matter.BOTS_READ: (
        "Other bots can read the support channel ({count}). Bots do not sign, and whoever runs"
        " one can see what it sees.",
        f"{_OVERWRITES} keep out every bot that the group does not need there.",
    ),
    Matter.WELCOME_HIDDEN: (
        "Not everybody can see the welcome channel, and newcomers whose direct messages are"
        " closed can sign nowhere else.",
        f"{_OVERWRITES} allow View Channel for @everyone.",
    ),
    Matter.MODERATORS_PUBLIC: (
        "Everybody can read the moderators' channel, and what Pledge tells the moderators.",
        f"{_OVERWRITES} switch off View Channel for @everyone.",
    ),
    Matter.TWO_FACTOR: (
        "This server asks moderators for two-factor authentication. Pledge can then give roles"
        " only if the account that owns its application uses it too, which cannot be seen from"
        " here.",
        "make sure that account has it switched on.",
    ),
    Matter.AUDIT_LOG_UNSEEN: (
        "Pledge cannot see the audit log, so it cannot tell who gave somebody the role by hand.",
        "in Server Settings → Roles, give View Audit Log to Pledge's role, if you want that.",
    ),
    Matter.INVITES_UNSEEN: (
        "Pledge could not look at the invites; one may hand out a role that opens the channel.",
        "look at Server Settings → Invites yourself, or give Pledge's role View Audit Log.",
    ),
    Matter.ONBOARDING_UNSEEN: (
        "Pledge could not look at the onboarding; an answer may hand out a role that opens the"
        " channel.",
        "look at Server Settings → Onboarding yourself, or give Pledge's role Manage Server for"
        " as long as you repeat this.",
    ),
    Matter.GROUP_UNCONFIGURED: (
        "The record knows groups that the settings do not name any more: {names}. Nobody looks"
        " after them.",
        "if one was renamed, put its old key back: the signatures are kept under the old one.",
    ),
}


def finding(found: Finding) -> tuple[str, str]:
    """What is wrong, and what mends it; the names must be plain for wherever this is shown."""
    wrong, fix = _WORDS[found.matter]
    names = [f"“{name}”" for name in found.names[:_MOST_NAMES]]
    if more := len(found.names) - len(names):
        names.append(f"and {more} more")
    if found.matter is Matter.PERMISSIONS_MISSING:
        names = list(found.names)
    listed = ", ".join(names)
    words = {
        "names": listed,
        "people": people(found.count),
        "count": str(found.count),
        "counted": f"; {people(found.count)} there have not signed" if found.count else "",
        "by_roles": f" (by these roles: {listed})" if listed else "",
        "detail": found.detail,
    }
    place = f"`{found.place}`: " if found.place else ""
    wrong, fix = wrong.format_map(words), fix.format_map(words)
    return place + wrong, fix[0].upper() + fix[1:]


def verdict(findings: Sequence[Finding]) -> str:
    """One sentence about all that was found."""
    gravities = {found.gravity for found in findings}
    if Gravity.OPEN in gravities:
        return "The gate is open: people who have not signed can read, or can let themselves in."
    if Gravity.BROKEN in gravities:
        return "No open gate was seen, but something keeps Pledge from its work or from looking."
    if Gravity.COULD_OPEN in gravities:
        return "The gate is closed, as far as can be seen. It could open; see below."
    return "The gate is closed, as far as can be seen from here."


def inspection_pages(
    general: Sequence[Finding],
    sections: Sequence[tuple[str, Sequence[Finding]]],
    plain: Callable[[str], str],
) -> list[str]:
    """The answer of `/pledge check`, in messages that each fit.

    Args:
        general: what concerns Pledge as a whole, the gravest first.
        sections: for each group its name and what was found there, the gravest first.
        plain: makes what people wrote harmless in Discord.
    """
    blocks = [_block(found, plain) for found in general]
    for name, findings in sections:
        blocks.append(f"**{plain(name)}** · {verdict([*general, *findings])}")
        blocks += [_block(found, plain) for found in findings]
    pages = [""]
    for block in blocks:
        if pages[-1] and len(pages[-1]) + len(block) + 2 > _LONGEST:
            pages.append("")
        pages[-1] += f"\n\n{block}" if pages[-1] else block
    return pages


def _block(found: Finding, plain: Callable[[str], str]) -> str:
    names = tuple(plain(name) for name in found.names)
    wrong, fix = finding(replace(found, names=names))
    return f"**{GRAVITIES[found.gravity]}** {wrong}\n→ {fix}"[:_LONGEST]
