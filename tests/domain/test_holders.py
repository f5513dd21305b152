"""When a change to many people's role is left to a person."""

import pytest

from bot.domain.holders import Cause, is_mass_change, likely_cause


@pytest.mark.parametrize(
    ("strangers", "holders", "is_mass"),
    [
        (0, 0, False),
        (5, 5, False),
        (6, 6, True),
        (6, 59, True),
        (6, 60, False),
        (50, 1_500, False),
        (151, 1_500, True),
    ],
)
def test_more_than_five_and_more_than_a_tenth_is_a_mass_change(
    strangers: int, holders: int, *, is_mass: bool
) -> None:
    assert is_mass_change(strangers, holders) is is_mass


@pytest.mark.parametrize(
    ("signers", "role_changed", "cause"),
    [
        (0, False, Cause.EMPTY_RECORD),
        (0, True, Cause.EMPTY_RECORD),
        (9, True, Cause.EMPTY_RECORD),
        (10, True, Cause.OTHER_ROLE),
        (90, False, Cause.UNKNOWN),
    ],
)
def test_likely_cause_follows_from_the_record(
    signers: int, cause: Cause, *, role_changed: bool
) -> None:
    assert likely_cause(signers, 100, role_changed=role_changed) is cause
