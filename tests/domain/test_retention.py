"""How long each class of data is kept."""

from datetime import timedelta

import pytest

from bot.domain.retention import (
    RULES,
    DataClass,
    RetentionTerms,
    Start,
    goes_at,
    is_due,
    kept_for,
)
from bot.settings.sections import Retention
from tests.factories import NOW

TERMS = RetentionTerms(
    case=timedelta(days=1),
    unsigned=timedelta(days=2),
    proof=timedelta(days=3),
    activity=timedelta(days=4),
    backup=timedelta(days=5),
)


def test_every_class_has_a_rule_and_every_setting_a_class() -> None:
    assert set(RULES) == set(DataClass)
    assert {rule.setting for rule in RULES.values()} - {None} == set(Retention.model_fields)
    for rule in RULES.values():
        assert (rule.setting is None) == (rule.start is None)
        assert rule.readers


def test_what_is_left_is_a_class_that_stays() -> None:
    for rule in RULES.values():
        if rule.leaves is not None:
            assert RULES[rule.leaves].setting is None


def test_terms_of_the_settings_are_the_defaults() -> None:
    assert Retention().terms == RetentionTerms()
    assert Retention(case_days=7).terms.case == timedelta(days=7)


@pytest.mark.parametrize(
    ("data", "days"),
    [
        (DataClass.CASE, 1),
        (DataClass.LEFT_REQUEST, 2),
        (DataClass.ENDED_SIGNATURE, 3),
        (DataClass.ACTIVITY, 4),
        (DataClass.BACKUP, 5),
    ],
)
def test_time_counts_from_when_it_began(data: DataClass, days: int) -> None:
    end = NOW + timedelta(days=days)
    assert kept_for(data, TERMS) == timedelta(days=days)
    assert goes_at(data, TERMS, NOW) == end
    assert not is_due(data, TERMS, NOW, end - timedelta(seconds=1))
    assert is_due(data, TERMS, NOW, end)


def test_what_has_not_begun_to_end_stays() -> None:
    assert goes_at(DataClass.SIGNATURE, TERMS, None) is None
    assert RULES[DataClass.SIGNATURE].start is Start.LEAVING
    assert kept_for(DataClass.AGREEMENT, TERMS) is None
    assert goes_at(DataClass.AGREEMENT, TERMS, NOW) is None
    assert not is_due(DataClass.AGREEMENT, TERMS, NOW, NOW + timedelta(days=99_999))
