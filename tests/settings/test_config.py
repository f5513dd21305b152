"""pledge.yaml: what it gives, and how each mistake in it is named."""

import dataclasses
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.domain.errors import UnknownGroupError
from bot.settings import Cases, Retention, Settings, Signing, load_agreement, same_emoji
from tests.settings.samples import AGREEMENT, CONFIG, refusal_of, swapped

HARBOUR = "groups.harbour-light"
MISSING = "this is missing"


def load(folder: Path, text: str | None = None) -> Settings:
    if text is not None:
        (folder / "pledge.yaml").write_text(text, encoding="utf-8")
    return Settings.load(folder / "pledge.yaml", {})


def test_load_gives_every_setting_when_all_are_written(folder: Path) -> None:
    settings = load(folder)
    (group,) = settings.groups
    assert settings.database_url == f"sqlite:///{folder}/data/pledge.db"
    assert settings.group("harbour-light") is group
    assert (group.key, group.name) == ("harbour-light", "Harbour Light")
    assert group.guild_id == 100000000000000001
    assert group.agreement == load_agreement(folder / "agreement.yaml")
    assert group.agreement_path == folder / "agreement.yaml"
    assert group.roles.model_dump() == {
        "member": 100000000000000010,
        "moderator": 100000000000000011,
        "facilitator": 100000000000000012,
    }
    assert group.channels.model_dump() == {
        "support": 100000000000000020,
        "moderators": 100000000000000021,
        "welcome": 100000000000000022,
    }
    assert (group.signing, group.cases, group.retention) == (Signing(), Cases(), Retention())
    assert group.enforcement == "revoke"


def test_load_gives_the_defaults_when_only_the_required_is_written(folder: Path) -> None:
    lines = CONFIG.splitlines()
    (group,) = load(folder, "\n".join([*lines[1:14], ""])).groups
    assert group.signing.model_dump() == {
        "accept": "✅",
        "decline": "❌",
        "remind_after_days": (1, 3, 7),
        "remind_before_days": (14, 3, 1),
        "remove_unsigned_after_days": None,
        "grace_days": 14,
        "dm_per_minute": 20,
    }
    assert group.enforcement == "revoke"
    assert group.cases.model_dump() == {
        "first_look_days": 3,
        "hearing_days": 3,
        "appeal_days": 14,
        "reports_per_day": 5,
        "group_reports_per_day": 50,
        "feedback_days": 30,
        "escalation": None,
    }
    assert group.retention.model_dump() == {
        "case_days": 365,
        "unsigned_days": 90,
        "proof_days": 1095,
        "activity_days": 30,
        "backup_days": 30,
    }
    assert load(folder).database_url == f"sqlite:///{folder}/data/pledge.db"


def test_load_keeps_other_defaults_when_a_section_is_written_in_part(folder: Path) -> None:
    text = "\n".join([*CONFIG.splitlines()[:15], "      grace_days: 0", ""])
    assert load(folder, text).groups[0].signing == Signing(grace_days=0)


@pytest.mark.parametrize(
    ("line", "new", "value"),
    [
        (8, '      member: "100000000000000010"', 100000000000000010),
        (8, "      member: Harbour member", "Harbour member"),
        (8, '      member: "⚓ member"', "⚓ member"),
    ],
)
def test_load_takes_a_role_by_id_or_name(
    folder: Path, line: int, new: str, value: int | str
) -> None:
    assert load(folder, swapped(CONFIG, line, new)).groups[0].roles.member == value


def test_load_takes_escalation_by_name_and_no_reminders(folder: Path) -> None:
    text = swapped(CONFIG, 25, "      escalation: Elders")
    text = swapped(text, 18, "      remind_after_days: []")
    (group,) = load(folder, text).groups
    assert (group.cases.escalation, group.signing.remind_after_days) == ("Elders", ())


@pytest.mark.parametrize("emoji", ["✔", "✔️", "👍🏽", "🏳️‍🌈", "🇮🇪", "1️⃣", "🧑🏽‍🤝‍🧑🏻", "❤️‍🔥", "🫶"])
def test_load_takes_any_standard_emoji(folder: Path, emoji: str) -> None:
    text = swapped(CONFIG, 16, f"      accept: {emoji}")
    assert load(folder, text).groups[0].signing.accept == emoji


REFUSALS = [
    (1, "databse: x", "databse", "there is no setting of this name", "did you mean `database`?"),
    (1, "token: hunter2", "token", "no setting of this name", "are database, groups"),
    (4, None, f"{HARBOUR}.name", MISSING, "1 to 60 characters"),
    (4, "    name:", f"{HARBOUR}.name", "found nothing", "1 to 60 characters"),
    (4, "    name: on", f"{HARBOUR}.name", "`on`, which YAML takes for true or", "in quotes"),
    (4, "    name: 2026-01-01", f"{HARBOUR}.name", "takes for a date", "in quotes"),
    (4, "    name: 24", f"{HARBOUR}.name", "found the number 24", "in quotes"),
    (4, "    name: ''", f"{HARBOUR}.name", "this is empty", "1 to 60 characters"),
    (4, "    name: ' x'", f"{HARBOUR}.name", "blanks before or after", "take them out"),
    (4, f"    name: {'x' * 61}", f"{HARBOUR}.name", "61 characters", "1 to 60 characters"),
    (4, '    name: "a\\nb"', f"{HARBOUR}.name", "U+000A", "delete it"),
    (4, '    name: "a\\u202Eb"', f"{HARBOUR}.name", "U+202E", "delete it"),
    (4, '    name: "a\\u200Db"', f"{HARBOUR}.name", "U+200D", "delete it"),
    (5, None, f"{HARBOUR}.guild", MISSING, "id of the server"),
    (5, "    guild: Harbour", f"{HARBOUR}.guild", "the text “Harbour”", "digits only"),
    (5, "    guild: 0", f"{HARBOUR}.guild", "0 cannot be an id", "digits only"),
    (5, f"    guild: {2**63}", f"{HARBOUR}.guild", "cannot be an id", "digits only"),
    (5, "    guild: 1_000", f"{HARBOUR}.guild", "a special notation", "digits only"),
    (5, "    guild: true", f"{HARBOUR}.guild", "found true", "digits only"),
    (5, "    guild: 1.5", f"{HARBOUR}.guild", "a decimal point", "digits only"),
    (5, "    guild: ١٢٣", f"{HARBOUR}.guild", "found the text", "digits only"),
    (5, "    gild: 5", f"{HARBOUR}.gild", "no setting of this name", "did you mean `guild`?"),
    (6, None, f"{HARBOUR}.agreement", MISSING, "give the path of the agreement"),
    (6, "    agreement: none.yaml", f"{HARBOUR}.agreement", "no file at this path", "exists"),
    (6, "    agreement: [a]", f"{HARBOUR}.agreement", "found a list", "give the path"),
    (8, None, f"{HARBOUR}.roles.member", MISSING, "id or the name of a role"),
    (8, "      member: -5", f"{HARBOUR}.roles.member", "-5 cannot be an id", "of a role"),
    (8, "      member: yes", f"{HARBOUR}.roles.member", "`yes`, which YAML", "in quotes"),
    (8, '      member: "@everyone"', f"{HARBOUR}.roles.member", "everyone in", "opens nothing"),
    (8, '      member: "<@&5>"', f"{HARBOUR}.roles.member", "a mention", "only the digits"),
    (8, "      member: [1]", f"{HARBOUR}.roles.member", "found a list", "name of a role"),
    (
        9,
        "      moderator: 100000000000000010",
        f"{HARBOUR}.roles.moderator",
        "the role of `member` as well",
        "another role",
    ),
    (
        10,
        '      facilitator: "100000000000000011"',
        f"{HARBOUR}.roles.facilitator",
        "the role of `moderator` as well",
        "another role",
    ),
    (12, "      support: #general", f"{HARBOUR}.channels.support", "nothing", "in quotes"),
    (12, "      support: '#general'", f"{HARBOUR}.channels.support", "#", "write `general`"),
    (
        14,
        "      welcome: 100000000000000021",
        f"{HARBOUR}.channels.welcome",
        "the channel of `moderators` as well",
        "another channel",
    ),
    (16, "      accept: ':check:'", f"{HARBOUR}.signing.accept", "names an emoji", "“✅”"),
    (16, "      accept: '<:x:1>'", f"{HARBOUR}.signing.accept", "names an emoji", "“✅”"),
    (16, "      accept: ✅✅", f"{HARBOUR}.signing.accept", "not exactly one", "“✅”"),
    (16, "      accept: y", f"{HARBOUR}.signing.accept", "not exactly one", "“✅”"),
    (16, "      accept: ''", f"{HARBOUR}.signing.accept", "not exactly one", "“✅”"),
    (16, "      accept: 1", f"{HARBOUR}.signing.accept", "found the number 1", "“✅”"),
    (16, "      accept: '✅ '", f"{HARBOUR}.signing.accept", "not exactly one", "“✅”"),
    (17, "      decline: ✅", f"{HARBOUR}.signing.decline", "of `accept`", "two different"),
    (18, "      remind_after_days: 3", f"{HARBOUR}.signing.remind_after_days", "the number 3", "["),
    (18, "      remind_after_days: [3, 1]", f"{HARBOUR}.signing.remind_after_days", "rise", "["),
    (18, "      remind_after_days: [1, 1]", f"{HARBOUR}.signing.remind_after_days", "rise", "["),
    (18, "      remind_after_days: [0]", f"{HARBOUR}.signing.remind_after_days.0", "range", "["),
    (18, "      remind_after_days: [1, 366]", f"{HARBOUR}.signing.remind_after_days.1", "366", "["),
    (18, "      remind_after_days: ['1']", f"{HARBOUR}.signing.remind_after_days.0", "text", "["),
    (
        18,
        "      remind_after_days: [1, 2, 3, 4, 5, 6, 7, 8, 9]",
        f"{HARBOUR}.signing.remind_after_days",
        "this has 9 entries",
        "at most 8",
    ),
    (18, "      remind_before_days: 3", f"{HARBOUR}.signing.remind_before_days", "number 3", "["),
    (18, "      remind_before_days: [1, 3]", f"{HARBOUR}.signing.remind_before_days", "fall", "["),
    (18, "      remind_before_days: [3, 3]", f"{HARBOUR}.signing.remind_before_days", "fall", "["),
    (18, "      remind_before_days: [0]", f"{HARBOUR}.signing.remind_before_days.0", "range", "["),
    (
        18,
        "      remind_before_days: [9, 8, 7, 6, 5, 4, 3, 2, 1]",
        f"{HARBOUR}.signing.remind_before_days",
        "this has 9 entries",
        "at most 8",
    ),
    (
        18,
        "      remove_unsigned_after_days: 1",
        f"{HARBOUR}.signing.remove_unsigned_after_days",
        "number 1",
        "2 to 365",
    ),
    (
        18,
        "      remove_unsigned_after_days: never",
        f"{HARBOUR}.signing.remove_unsigned_after_days",
        "“never”",
        "null",
    ),
    (19, "      grace_days: 366", f"{HARBOUR}.signing.grace_days", "the number 366", "0 to 365"),
    (19, "      grace_days: -1", f"{HARBOUR}.signing.grace_days", "the number -1", "0 to 365"),
    (19, "      grace_days: 010", f"{HARBOUR}.signing.grace_days", "`010`", "0 to 365"),
    (19, "      grace_days: 14.0", f"{HARBOUR}.signing.grace_days", "`14.0`", "0 to 365"),
    (19, "      grace_days: true", f"{HARBOUR}.signing.grace_days", "found true", "0 to 365"),
    (19, "      grace_days: '14'", f"{HARBOUR}.signing.grace_days", "text “14”", "0 to 365"),
    (20, "      dm_per_minute: 0", f"{HARBOUR}.signing.dm_per_minute", "number 0", "1 to 60"),
    (20, "      dm_per_minute: 61", f"{HARBOUR}.signing.dm_per_minute", "number 61", "1 to 60"),
    (21, "    enforcement: off", f"{HARBOUR}.enforcement", "`off`", "revoke or report"),
    (21, "    enforcement: ban", f"{HARBOUR}.enforcement", "“ban”", "revoke or report"),
    (23, "      first_look_days: 0", f"{HARBOUR}.cases.first_look_days", "number 0", "1 to 3650"),
    (24, "      feedback_days: soon", f"{HARBOUR}.cases.feedback_days", "“soon”", "1 to 3650"),
    (25, "      escalation: [1]", f"{HARBOUR}.cases.escalation", "a list", "or null"),
    (27, "      case_days: 3651", f"{HARBOUR}.retention.case_days", "3651", "1 to 3650"),
    (30, "      backups: 30", f"{HARBOUR}.retention.backups", "no setting", "`backup_days`?"),
]


@pytest.mark.parametrize(("line", "new", "key", "wrong", "right"), REFUSALS)
def test_load_names_file_line_key_and_remedy_when_one_thing_is_wrong(
    folder: Path, line: int, new: str | None, key: str, wrong: str, right: str
) -> None:
    text = swapped(CONFIG, line, new)
    messages = refusal_of(lambda: load(folder, text))
    file = folder / "pledge.yaml"
    # What is missing is reported at the line of the mapping that lacks it.
    parent = {4: 3, 5: 3, 6: 3, 8: 7}.get(line, line) if new is None else line
    (message,) = [one for one in messages if one.startswith(f"{file}:{parent}: {key}: ")]
    found_wrong, _, found_right = message.partition("; ")
    assert wrong in found_wrong
    assert right in found_right
    assert "hunter2" not in "".join(messages)
    # One slip is one message, but a misspelt name is also missing under its right name.
    assert len(messages) == 1 + (key == f"{HARBOUR}.gild")


@pytest.mark.parametrize(
    ("key", "accepted"),
    [
        ("a", True),
        ("007", True),
        ("on", True),
        ("x" * 32, True),
        ("x" * 33, False),
        ("-a", False),
        ("Harbour", False),
        ("a_b", False),
        ("''", False),
        ("ä", False),
    ],
)
def test_load_checks_the_key_of_a_group(folder: Path, key: str, accepted: bool) -> None:
    text = swapped(CONFIG, 3, f"  {key}:")
    if accepted:
        assert load(folder, text).groups[0].key == key
        return
    (message,) = refusal_of(lambda: load(folder, text))
    assert message.startswith(f"{folder}/pledge.yaml:3: groups.")
    assert "cannot be the key of a group; use 1 to 32 lower-case letters" in message


@pytest.mark.parametrize(
    ("text", "line", "key", "right"),
    [
        ("groups: {}\n", 1, "groups", "at least one group"),
        ("groups:\n", 1, "groups", "at least one group"),
        ("groups: [a]\n", 1, "groups", "at least one group"),
        ("database: sqlite:///x\n", 1, "groups", "at least one group"),
        ("groups:\n  a:\n", 2, "groups.a", "name, guild, agreement, roles, channels"),
        ("groups:\n  a: 5\n", 2, "groups.a", "name, guild, agreement, roles, channels"),
    ],
)
def test_load_refuses_when_there_is_no_group(
    folder: Path, text: str, line: int, key: str, right: str
) -> None:
    (message,) = refusal_of(lambda: load(folder, text))
    assert message.startswith(f"{folder}/pledge.yaml:{line}: {key}: ")
    assert right in message


@pytest.mark.parametrize(
    ("line", "section"), [(7, "roles"), (11, "channels"), (15, "signing"), (22, "cases")]
)
def test_load_says_what_belongs_below_when_a_section_is_no_section(
    folder: Path, line: int, section: str
) -> None:
    rows: list[str] = CONFIG.splitlines()
    end = next((n for n in range(line, len(rows)) if not rows[n].startswith("      ")), len(rows))
    rows[line - 1 : end] = [f"    {section}: 5"]
    (message,) = refusal_of(lambda: load(folder, "\n".join(rows)))
    assert message.startswith(f"{folder}/pledge.yaml:{line}: {HARBOUR}.{section}: found the number")
    assert "write these keys below it: " in message


def second_group(**changes: str) -> str:
    """The configuration with a second group that differs in all that has to differ."""
    names = {"key": "north", "guild": "1", "member": "210", "support": "220", **changes}
    return (
        CONFIG
        + f"""\
  {names["key"]}:
    name: North
    guild: {"100000000000000001" if names["guild"] == "1" else names["guild"]}
    agreement: agreement.yaml
    roles: {{member: {names["member"]}, moderator: 211, facilitator: 212}}
    channels: {{support: {names["support"]}, moderators: 221, welcome: 222}}
"""
    )


def test_load_takes_two_groups_in_one_server(folder: Path) -> None:
    settings = load(folder, second_group())
    assert [group.key for group in settings.groups] == ["harbour-light", "north"]
    assert settings.groups[0].agreement is settings.groups[1].agreement


@pytest.mark.parametrize(
    ("changes", "line", "key", "right"),
    [
        ({"key": "harbour-light"}, 31, HARBOUR, "keep one of the two"),
        (
            {"member": "100000000000000010"},
            35,
            "groups.north.roles.member",
            "a role of its own",
        ),
        (
            {"support": "100000000000000020"},
            36,
            "groups.north.channels.support",
            "a channel of its own",
        ),
    ],
)
def test_load_refuses_when_two_groups_are_one(
    folder: Path, changes: dict[str, str], line: int, key: str, right: str
) -> None:
    (message,) = refusal_of(lambda: load(folder, second_group(**changes)))
    assert message.startswith(f"{folder}/pledge.yaml:{line}: {key}: ")
    assert message.endswith(right) or right in message


def test_load_takes_equal_ids_when_the_servers_differ(folder: Path) -> None:
    text = second_group(guild="200000000000000001", support="100000000000000020")
    assert len(load(folder, text).groups) == 2


def test_load_refuses_when_a_role_is_everyone(folder: Path) -> None:
    text = swapped(CONFIG, 8, "      member: 100000000000000001")
    (message,) = refusal_of(lambda: load(folder, text))
    assert message.startswith(f"{folder}/pledge.yaml:7: {HARBOUR}.roles: one of these is the id")


def test_load_names_every_problem_at_once_when_there_are_several(folder: Path) -> None:
    text = swapped(swapped(CONFIG, 30, "      backup_days: 0"), 21, "    enforcement: ban")
    text = swapped(swapped(text, 9, None), 1, "databse: sqlite:///x")
    (folder / "agreement.yaml").write_text(swapped(AGREEMENT, 1, "purpose: ''"))
    assert [line.split(": ")[0] for line in refusal_of(lambda: load(folder, text))] == [
        f"{folder}/pledge.yaml:1",
        f"{folder}/pledge.yaml:7",
        f"{folder}/pledge.yaml:20",
        f"{folder}/pledge.yaml:29",
        f"{folder}/agreement.yaml:1",
    ]


def test_load_names_a_broken_agreement_once_when_two_groups_share_it(folder: Path) -> None:
    (folder / "agreement.yaml").write_text(swapped(AGREEMENT, 1, None))
    (message,) = refusal_of(lambda: load(folder, second_group()))
    assert message.startswith(f"{folder}/agreement.yaml:1: purpose: this is missing; ")


def test_load_says_how_to_begin_when_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "pledge.yaml"
    assert refusal_of(lambda: Settings.load(path, {})) == [
        f"{path}: there is no such file; run `pledge init` to write one, or set PLEDGE_CONFIG to "
        "the path of yours"
    ]


def test_group_refuses_when_no_group_has_the_key(folder: Path) -> None:
    with pytest.raises(UnknownGroupError):
        load(folder).group("elsewhere")


def test_settings_cannot_be_changed(folder: Path) -> None:
    settings = load(folder)
    signing = settings.groups[0].signing
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.groups = ()  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValidationError):
        signing.grace_days = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_same_emoji_ignores_the_variation_selector() -> None:
    assert same_emoji("❤️", "❤")
    assert not same_emoji("✅", "❌")


def test_load_refuses_when_emoji_differ_only_in_the_variation_selector(folder: Path) -> None:
    text = swapped(swapped(CONFIG, 16, "      accept: ❤"), 17, "      decline: ❤️")
    (message,) = refusal_of(lambda: load(folder, text))
    assert message.startswith(f"{folder}/pledge.yaml:17: {HARBOUR}.signing.decline: ")
