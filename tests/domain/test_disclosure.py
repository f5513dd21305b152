"""What in a moderator's words could give somebody away."""

import pytest

from bot.domain.disclosure import Risk, find_risks

REPORT = "At the meeting on Tuesday he told my sister about the hospital, and she told me."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Please tell us how you see it.", ()),
        ("You TOLD my sister, about the hospital?", (Risk.QUOTES,)),
        ("You told my sister something.", ()),
        ("It concerns <@123>.", (Risk.NAMES,)),
        ("It concerns @somebody_known.", (Risk.NAMES,)),
        ("It concerns 123456789012345678.", (Risk.NAMES,)),
        ("Write to me@example.org about it.", ()),
        ("See https://example.org/1", (Risk.LINKS,)),
        ("See discord.gg/abc", (Risk.LINKS,)),
        ("It was on 12.3.2026.", (Risk.DATES,)),
        ("It was at 19:30.", (Risk.DATES,)),
        ("It was at 7 pm, in <t:123:f>.", (Risk.DATES,)),
        ("It was on 2026-03-01 with <@!5>.", (Risk.NAMES, Risk.DATES)),
        ("", ()),
    ],
)
def test_risks_are_found_in_the_words_alone(text: str, found: tuple[Risk, ...]) -> None:
    assert find_risks(text, [REPORT]) == found


def test_nothing_is_quoted_where_nobody_wrote() -> None:
    assert find_risks(REPORT, []) == ()
    assert find_risks(REPORT, ["", "short words only"]) == ()
