"""What comes with Pledge is complete and usable as it stands."""

import re
from dataclasses import fields

import pytest

from bot.domain.agreements import Agreement
from bot.entry_points import ENTRY_POINTS
from bot.settings import (
    Cases,
    Retention,
    Settings,
    Signing,
    Upkeep,
    lint_agreement,
    load_agreement,
)
from bot.settings.agreement_file import texts_of
from bot.settings.documents import read_document
from tests.settings.samples import DEFAULT_AGREEMENT, EXAMPLE, ROOT

SHA256 = "29f071fb0015789ffe3d73cc816843bc3a385fd1b74e5bdebfa7f2b867d0fceb"


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    return load_agreement(DEFAULT_AGREEMENT)


def test_example_loads_with_the_documented_values() -> None:
    settings = Settings.load(EXAMPLE, {})
    (group,) = settings.groups
    assert settings.database_url == f"sqlite:///{ROOT}/config/data/pledge.db"
    assert (group.key, group.name, group.guild_id) == (
        "harbour-light",
        "Harbour Light",
        100000000000000001,
    )
    assert (group.signing, group.cases, group.retention) == (Signing(), Cases(), Retention())
    assert group.agreement == load_agreement(DEFAULT_AGREEMENT)
    assert group.agreement_path == DEFAULT_AGREEMENT


def test_example_writes_out_every_setting() -> None:
    section = read_document(EXAMPLE).data["groups"]["harbour-light"]
    assert set(section) == {
        *("name", "guild", "agreement", "roles", "channels"),
        *("language", "signing", "enforcement", "upkeep", "cases", "retention"),
    }
    sections = {"signing": Signing, "upkeep": Upkeep, "cases": Cases, "retention": Retention}
    for name, model in sections.items():
        assert set(section[name]) == set(model.model_fields)


def test_default_agreement_needs_no_advice() -> None:
    assert lint_agreement(DEFAULT_AGREEMENT).advice == ()


def test_default_agreement_has_every_part(agreement: Agreement) -> None:
    assert all(getattr(agreement, field.name) for field in fields(Agreement))
    keys = [step.key for step in agreement.consequences]
    assert keys == ["reminder", "sign_again", "suspended", "removed", "legal"]
    assert agreement.duration.days == 365


def test_default_agreement_keeps_its_fingerprint(agreement: Agreement) -> None:
    # Every group that uses the file gets a new draft when a word of it changes: change this line
    # only together with the text, and say so in the change log.
    assert agreement.sha256() == SHA256
    assert Agreement.from_canonical(agreement.canonical()) == agreement
    assert Agreement.from_canonical(agreement.canonical()).sha256() == SHA256


def test_default_agreement_fits_a_few_messages(agreement: Agreement) -> None:
    assert 3_500 <= sum(map(len, texts_of(agreement))) <= 5_500


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("purpose", "peer support|not therapy|crisis service"),
        ("scope.covered", "Stories|Identities|Who was here|Messages|Voice|Files"),
        ("scope.not_covered", "own story|therapist|doctor|family|learned"),
        ("scope.exceptions", "danger|abuse|law|only what is needed|who can help"),
        ("scope.exceptions", "Reporting a crime, abuse or misconduct never breaks this promise"),
        ("duration.text", "365 days|even after you leave"),
        ("crisis", "112|911|999|000|findahelpline.com|988|116 123"),
        ("privacy", "account id|answer|when|version|fingerprint|no names|no messages|Discord"),
        ("privacy", "as long as|facilitators|The person who runs the bot|`/privacy erase`"),
        ("signatures.participant", "I have read|I understand|after I leave|I choose"),
        ("signatures.facilitator", "I make the same promise|never use this agreement to hide"),
    ],
)
def test_default_agreement_says_what_it_must(agreement: Agreement, part: str, words: str) -> None:
    text: object = agreement
    for name in part.split("."):
        text = getattr(text, name)
    assert isinstance(text, str)
    assert [word for word in words.split("|") if word not in text] == []


def test_default_agreement_names_only_commands_that_exist(agreement: Agreement) -> None:
    named = {name for text in texts_of(agreement) for name in re.findall(r"`/([a-z ]+)`", text)}
    assert "privacy erase" in named
    assert {f"/{name}" for name in named} <= set(ENTRY_POINTS)


def test_default_agreement_has_no_heading_placeholder_or_long_sentence(
    agreement: Agreement,
) -> None:
    for text in texts_of(agreement):
        assert not re.search(r"(?m)^#|[<>{}\[\]]|XXX|lorem", text)
        sentences = re.split(r"[.!?:;]\s+|\n", text)
        assert [one for one in sentences if len(one.split()) > 26] == []
