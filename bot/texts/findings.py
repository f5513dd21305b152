"""What can be found wrong with a server, in words, each with what mends it."""

from bot.domain.inspection import Gravity, Matter
from bot.texts.catalogue import mark

GRAVITIES = {
    Gravity.OPEN: mark("OPEN"),
    Gravity.BROKEN: mark("BROKEN"),
    Gravity.COULD_OPEN: mark("COULD OPEN"),
    Gravity.NOTE: mark("NOTE"),
}
"""One word each, so that nobody needs colours to tell them apart."""

PERMISSIONS = (
    mark("View Channel"),
    mark("Send Messages"),
    mark("Read Message History"),
)
"""As Discord calls them in its settings."""

EVERYONE_READS_COUNTED = mark(
    "Everybody on the server can read the support channel; {people} there have not signed."
)
"""For `Matter.EVERYONE_READS`, when it is known how many people that concerns."""

ALWAYS_READ_NAMED = mark(
    "The owner of the server and every Administrator (by these roles: {names}) can always read the"
    " support channel, and let anybody in. That is Discord's rule; Pledge cannot change it."
)
"""For `Matter.ALWAYS_READ`, when there are such roles."""

WORDS: dict[Matter, tuple[str, str]] = {
    Matter.EVERYONE_READS: (
        mark("Everybody on the server can read the support channel."),
        mark(
            "In the channel's settings, under Permissions, switch off View Channel for @everyone."
            " If it stays open, @everyone has Administrator: take that away in Server Settings →"
            " Roles."
        ),
    ),
    Matter.MEMBER_ROLE_UNSIGNED: (
        mark(
            "{people} can read the support channel with the member role, {names}, without having"
            " signed."
        ),
        mark("Ask them to sign with `/agreement sign`, or take the role from them."),
    ),
    Matter.ROLES_UNSIGNED: (
        mark(
            "{people} can read the support channel without having signed, by other roles: {names}."
        ),
        mark(
            "In the channel's settings, under Permissions, remove these roles; if they are not"
            " there, switch off View Channel for @everyone, or take View Channels from the roles."
            " Or ask them to sign with `/agreement sign`."
        ),
    ),
    Matter.PEOPLE_UNSIGNED: (
        mark(
            "{people} can read the support channel without having signed, because the channel's"
            " settings let them in by name."
        ),
        mark(
            "In the channel's settings, under Permissions, remove single people. Or ask them to"
            " sign with `/agreement sign`."
        ),
    ),
    Matter.ADMINISTRATORS_UNSIGNED: (
        mark(
            "{people} can read the support channel without having signed, because they are"
            " Administrators, by these roles: {names}."
        ),
        mark(
            "Ask them to sign with `/agreement sign`, or take Administrator from these roles in"
            " Server Settings → Roles. Nothing else keeps an Administrator out."
        ),
    ),
    Matter.OWNER_UNSIGNED: (
        mark("The owner of the server can read the support channel, and has not signed."),
        mark("Ask the owner to sign with `/agreement sign`. Nothing keeps an owner out."),
    ),
    Matter.ONBOARDING_GIVES: (
        mark(
            "The server's onboarding hands out what opens the support channel: {names}. Whoever"
            " picks the answer can read at once, before signing anything."
        ),
        mark("In Server Settings → Onboarding, take these roles out of the answers."),
    ),
    Matter.INVITES_GIVE: (
        mark(
            "Invites that are valid now ({count}) hand out what opens the support channel:"
            " {names}. Whoever follows one can read at once, before signing anything."
        ),
        mark("In Server Settings → Invites, revoke the invites that carry these roles."),
    ),
    Matter.ROLE_TAKEN_FREELY: (
        mark(
            "Discord or another service gives out a role that opens the support channel, without"
            " asking you: {names}. Linked roles, roles that are sold and those of boosters are"
            " given like that."
        ),
        mark(
            "In the channel's settings, under Permissions, remove these roles; if one is the"
            " member role, make a plain new role and name that one in `roles.member`."
        ),
    ),
    Matter.INTENT_OFF: (
        mark(
            "The Server Members Intent is off: Pledge cannot see who joins, nor who has the role."
        ),
        mark(
            "Open your application in Discord's developer portal, choose Bot, and switch on Server"
            " Members Intent. Then start Pledge again."
        ),
    ),
    Matter.NOT_ON_SERVER: (
        mark("Pledge is not on the server {detail}."),
        mark("Invite it with the link from the README, or correct `guild`."),
    ),
    Matter.MEMBERS_UNSEEN: (
        mark(
            "Pledge may not list the members, so nobody knows who can read the support channel"
            " unsigned."
        ),
        mark(
            "In Discord's developer portal, switch on the Server Members Intent."
            " Then start Pledge again and repeat this."
        ),
    ),
    Matter.RECORD_UNREADABLE: (
        mark("The record cannot be read, so nobody knows who has signed: {detail}"),
        mark("Run this as the account that runs Pledge, with the same key and the same version."),
    ),
    Matter.MANAGE_ROLES_MISSING: (
        mark(
            "Pledge lacks the permission Manage Roles: it can neither give nor take the member"
            " role."
        ),
        mark("In Server Settings → Roles, give Manage Roles to Pledge's own role."),
    ),
    Matter.ROLE_MISSING: (
        mark("There is no role {names} on this server."),
        mark("Give the id of a role of this server, or make the role."),
    ),
    Matter.ROLE_AMBIGUOUS: (
        mark("Several roles on this server are called {names}."),
        mark("Give the id of the one you mean."),
    ),
    Matter.ROLE_IS_EVERYONE: (
        mark("The member role is @everyone: nobody can be kept out with it."),
        mark("Make a role for members and give its id."),
    ),
    Matter.ROLE_MANAGED: (
        mark(
            "Pledge may not give the role {names}, because Discord or another service manages it."
        ),
        mark("Make a plain role for members and give its id."),
    ),
    Matter.ROLE_TOO_HIGH: (
        mark("Pledge may not give or take the role {names}, because it is not below Pledge's own."),
        mark("In Server Settings → Roles, drag Pledge's role above it."),
    ),
    Matter.ROLE_SHARED: (
        mark("The member role is also something else: {detail}. Signing would give that as well."),
        mark("Use a role of its own for each."),
    ),
    Matter.ROLE_BLIND: (
        mark(
            "The member role, {names}, does not open the support channel: people who sign still"
            " cannot read it."
        ),
        mark("In the channel's settings, under Permissions, add this role and allow View Channel."),
    ),
    Matter.CHANNEL_MISSING: (
        mark("There is no channel {names} on this server that Pledge can see."),
        mark("Let Pledge's role view the channel, and give its id."),
    ),
    Matter.CHANNEL_AMBIGUOUS: (
        mark("Several text channels on this server are called {names}."),
        mark("Give the id of the one you mean."),
    ),
    Matter.CHANNEL_NOT_TEXT: (
        mark("The channel {names} is not a text channel."),
        mark("Give the id of a text channel. Forums and voice channels do not fit."),
    ),
    Matter.CHANNEL_SHARED: (
        mark("The support channel is also something else: {detail}."),
        mark("Use a channel of its own for each."),
    ),
    Matter.PERMISSIONS_MISSING: (
        mark("Pledge lacks {names} in this channel."),
        mark("In the channel's settings, under Permissions, add Pledge's role and allow {names}."),
    ),
    Matter.ESCALATION_NOWHERE: (
        mark("The role or person named here is not on this server."),
        mark("Give the id of a role or of a member, or null for the server's owner."),
    ),
    Matter.ESCALATION_BY_NAME: (
        mark(
            "This names a person by their account name. If somebody else takes that name one day,"
            " they get the cases."
        ),
        mark("Give the person's id instead: it stays theirs."),
    ),
    Matter.KICK_MISSING: (
        mark(
            "Pledge lacks the permission Kick Members: it cannot remove people who do not answer."
        ),
        mark(
            "In Server Settings → Roles, give Kick Members to Pledge's own role, or set this to"
            " null."
        ),
    ),
    Matter.ROLES_COULD_READ: (
        mark(
            "Other roles than the member role open the support channel: {names}. Nobody is known"
            " to use them unsigned now, but the next one who gets such a role need not sign."
        ),
        mark(
            "In the channel's settings, under Permissions, remove these roles; if they are not"
            " there, switch off View Channel for @everyone. People who sign read by the member"
            " role."
        ),
    ),
    Matter.PEOPLE_COULD_READ: (
        mark(
            "The support channel's settings let single accounts in by name ({count}), who have"
            " signed or are not here now. They could read also after a withdrawal, or when they"
            " come back."
        ),
        mark("In the channel's settings, under Permissions, remove single people."),
    ),
    Matter.ANNOUNCEMENTS: (
        mark(
            "The support channel is an announcement channel: what is published there goes to every"
            " server that follows it."
        ),
        mark("In the channel's settings, under Overview, switch off Announcement Channel."),
    ),
    Matter.NO_RECORD: (
        mark(
            "There is no database yet, so everybody counts as unsigned. You have not started"
            " Pledge."
        ),
        mark("Mend whatever else is said here, then start it with `pledge run`."),
    ),
    Matter.NOT_STARTED: (
        mark("No agreement is published yet. So nobody has signed, and all count as unsigned."),
        mark(
            "A facilitator publishes it with `/agreement publish`. Look again when people have"
            " signed."
        ),
    ),
    Matter.ALWAYS_READ: (
        mark(
            "The owner of the server and every Administrator can always read the support channel,"
            " and let anybody in. That is Discord's rule; Pledge cannot change it."
        ),
        mark("Keep Administrator to as few people as you can."),
    ),
    Matter.THREADS: (
        mark(
            "The support channel has public threads ({count} not archived). Whoever can read the"
            " channel can read them all, the archived ones too; nobody else can."
        ),
        mark("Nothing, as long as the channel itself is closed."),
    ),
    Matter.ADOPTED: (
        mark(
            "Members from before Pledge keep the member role for now without having signed:"
            " {people}. They are not counted above."
        ),
        mark(
            "Ask them with `/agreement invite`; from then on their `grace_days` run. Somebody has"
            " to talk to those who take no direct messages."
        ),
    ),
    Matter.REMOVALS: (
        mark(
            "People who were asked and do not answer are removed from the server: {people} if they"
            " stay silent, the first on {detail} (UTC) at the earliest. They are warned a week and"
            " a day before. Staff, bots, members from before Pledge, and whoever cannot be reached"
            " are left out when their turn comes."
        ),
        mark("Nothing, if this is what you want; null here removes nobody."),
    ),
    Matter.BOTS_READ: (
        mark(
            "Other bots can read the support channel ({count}). Bots do not sign, and whoever runs"
            " one can see what it sees."
        ),
        mark(
            "In the channel's settings, under Permissions, keep out every bot that the group does"
            " not need there."
        ),
    ),
    Matter.WELCOME_HIDDEN: (
        mark(
            "Some people cannot see the welcome channel. Whoever has closed their"
            " direct messages can sign nowhere else."
        ),
        mark("In the channel's settings, under Permissions, allow View Channel for @everyone."),
    ),
    Matter.MODERATORS_PUBLIC: (
        mark("The moderators' channel is open to all. All can read what Pledge says there."),
        mark(
            "In the channel's settings, under Permissions, switch off View Channel for @everyone."
        ),
    ),
    Matter.TWO_FACTOR: (
        mark(
            "This server asks moderators for two-factor authentication. Pledge can then give roles"
            " only if the account that owns its application uses it too, which cannot be seen from"
            " here."
        ),
        mark("Make sure that account has it switched on."),
    ),
    Matter.AUDIT_LOG_UNSEEN: (
        mark(
            "Pledge cannot see the audit log, so it cannot tell who gave somebody the role by hand."
        ),
        mark("In Server Settings → Roles, give View Audit Log to Pledge's role, if you want that."),
    ),
    Matter.INVITES_UNSEEN: (
        mark(
            "Pledge could not look at the invites; one may hand out a role that opens the channel."
        ),
        mark("Look at Server Settings → Invites yourself, or give Pledge's role View Audit Log."),
    ),
    Matter.ONBOARDING_UNSEEN: (
        mark(
            "Pledge could not look at the onboarding; an answer may hand out a role that opens the"
            " channel."
        ),
        mark(
            "Look at Server Settings → Onboarding yourself, or give Pledge's role Manage Server"
            " for as long as you repeat this."
        ),
    ),
    Matter.GROUP_UNCONFIGURED: (
        mark(
            "The record knows groups that the settings do not name any more: {names}. Nobody looks"
            " after them."
        ),
        mark(
            "If one was renamed, put its old key back: the signatures are kept under the old one."
        ),
    ),
}
