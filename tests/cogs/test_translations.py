"""An agreement in several languages: who reads which, and what the record says they read."""

from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult

from bot.domain.agreements import Agreement, Method, Signature, Statements
from bot.domain.translations import Translation
from bot.services import agreements, ledger, records
from bot.services.agreements import GroupText
from bot.settings import Group
from bot.texts.agreement import TRANSLATED
from bot.texts.catalogue import _, speaking
from tests.cogs.conftest import DECLINE, World, make_group
from tests.cogs.test_languages import Speak, posted, set_locale, speaks, words
from tests.factories import make_agreement

__all__ = ["speaks"]

SPANISH = Translation.of(
    "es",
    make_agreement(
        title="Lo que se dice aquí se queda aquí",
        purpose="Nos escuchamos.",
        signatures=Statements(participant="Lo prometo.", facilitator="También lo prometo."),
    ),
)
FRENCH = Translation.of("fr", make_agreement(purpose="Nous nous écoutons."))
NOT_THE_ORIGINAL = "This is a translation. Should the two differ, the original text counts."


@pytest.fixture
def groups(agreement: Agreement) -> list[Group]:
    return [make_group(agreement=agreement, translations=(SPANISH, FRENCH))]


def said(result: InteractionResult) -> str:
    """What came back to an interaction, with its buttons."""
    answers = [one for one in (result.response, *result.followups) if one is not None]
    parts = [text for one in answers for text in (one.content, *words(one.components))]
    return "\n".join(parts)


def last(result: InteractionResult) -> Any:
    """The message that carries the buttons."""
    return result.followups[-1] if result.followups else result.response


def labels(messages: list[discord.Message]) -> list[str]:
    """The buttons under the newest message."""
    return posted(messages[-1:])[1:]


async def change(world: World, purpose: str, *translations: Translation) -> None:
    """The file says something else, and a facilitator publishes it for everybody to sign."""
    text = GroupText(
        key=world.group.key,
        guild_id=world.group.guild_id,
        agreement=make_agreement(purpose=purpose),
        translations=translations,
    )
    await agreements.register_groups(world.database, [text], world.client.now())
    await world.publish("material")


async def signature_of(world: World, member: MemberActor) -> Signature:
    record = await records.check_member(
        world.database, world.group.key, member.id, world.client.now()
    )
    return record.signatures[-1]


async def test_newcomer_is_asked_in_the_servers_language_and_signs_that_text(world: World) -> None:
    set_locale(world, "es-419")
    await world.publish()

    member = await world.join()
    asked = world.dms(member)
    await world.react(member)

    text = "\n".join(message.content for message in asked)
    assert "Nos escuchamos." in text
    assert "We listen" not in text
    assert "> Lo prometo." in asked[-1].content
    with speaking("es"):
        assert _(TRANSLATED) in asked[-1].content
    assert labels(asked) == ["Texto original", "Français"]
    signature = await signature_of(world, member)
    assert (signature.method, signature.language) == (Method.REACTION, "es")
    assert signature.shown_sha256 == SPANISH.sha256
    assert signature.sha256 == world.group.agreement.sha256()
    assert world.has_role(member)
    assert (await ledger.verify(world.database)).wrong == 0


async def test_newcomer_reads_another_language_by_button_and_signs_there(world: World) -> None:
    await world.publish()
    member = await world.join()
    request = world.request_of(member)
    assert labels(world.dms(member)) == ["Español", "Français"]
    assert NOT_THE_ORIGINAL not in request.content

    shown = await member.user.click(request, label="Español")
    page = said(shown)
    accepted = await member.user.click(last(shown), label="I accept")
    await world.env.settle()

    assert "**Por qué hacemos esta promesa**\nNos escuchamos." in page
    with speaking("es"):
        assert _(TRANSLATED) in page
    assert SPANISH.sha256[:16] in page
    assert "Original text" in page
    assert "You have signed" in said(accepted)
    signature = await signature_of(world, member)
    assert (signature.method, signature.language) == (Method.BUTTON, "es")
    assert signature.shown_sha256 == SPANISH.sha256
    assert world.has_role(member)


async def test_reaction_on_the_message_signs_what_the_message_says(world: World) -> None:
    await world.publish()
    member = await world.join()

    await member.user.click(world.request_of(member), label="Français")
    await world.react(member)

    signature = await signature_of(world, member)
    assert (signature.language, signature.shown_sha256) == (None, None)


@pytest.mark.parametrize(
    ("locale", "language", "words_of_it"),
    [("es-ES", "es", "Nos escuchamos."), ("fr", "fr", "Nous nous écoutons."), ("de", None, "We l")],
)
async def test_signing_in_the_server_is_in_the_persons_own_language(
    world: World, speaks: Speak, locale: str, language: str | None, words_of_it: str
) -> None:
    await world.publish()
    world.close_dms()
    member = await world.join()
    speaks(member, locale)

    shown = await member.slash(world.channel("welcome"), "agreement sign")
    accept = {"es-ES": "Acepto"}.get(locale, "I accept")
    await member.click(last(shown), label=accept)
    await world.env.settle()

    assert words_of_it in said(shown)
    assert (await signature_of(world, member)).language == language


async def test_original_text_is_one_press_away(world: World, speaks: Speak) -> None:
    await world.publish()
    member = await world.join()
    speaks(member, "fr")

    shown = await member.slash(world.channel("welcome"), "agreement read")
    original = await member.click(last(shown), label="Original text")
    await member.click(last(original), label="I accept")
    await world.env.settle()

    assert "Nous nous écoutons." in said(shown)
    assert "We listen to each other." in said(original)
    assert (await signature_of(world, member)).language is None


async def test_whoever_has_signed_only_reads(world: World) -> None:
    await world.publish()
    member = await world.join()
    request = world.request_of(member)
    await world.react(member)

    shown = await member.user.click(request, label="Español")

    assert "Nos escuchamos." in said(shown)
    assert "I accept" not in said(shown)


async def test_button_of_a_language_that_is_gone_shows_the_original_text(world: World) -> None:
    await world.publish()
    member = await world.join()
    request = world.request_of(member)
    await world.react(member, DECLINE)
    await change(world, "We still listen.")

    shown = await member.user.click(request, label="Español")

    assert "We still listen." in said(shown)
    assert "Nos escuchamos." not in said(shown)


async def test_signer_reads_what_changed_in_their_own_language(world: World) -> None:
    set_locale(world, "es-ES")
    await world.publish()
    member = await world.join()
    await world.react(member)
    before = len(world.dms(member))
    newer = Translation.of("es", make_agreement(purpose="Nos escuchamos con calma."))
    await change(world, "We listen to each other in peace.", newer)

    told = "\n".join(message.content for message in world.dms(member)[before:])

    assert "~~Nos escuchamos." in told
    assert "**Nos escuchamos con calma." in told
    assert "in peace" not in told


async def test_translation_left_behind_is_named_before_publishing_and_hides_no_change(
    world: World,
) -> None:
    set_locale(world, "es-ES")
    await world.publish()
    member = await world.join()
    await world.react(member)
    before = len(world.dms(member))
    text = GroupText(
        key=world.group.key,
        guild_id=world.group.guild_id,
        agreement=make_agreement(purpose="We listen to each other in peace."),
        translations=(SPANISH, Translation.of("fr", make_agreement(purpose="Nous écoutons."))),
    )
    await agreements.register_groups(world.database, [text], world.client.now())

    shown = await world.facilitator.slash(
        world.channel("moderators"), "agreement publish", change="material"
    )
    asks = last(shown).content
    await world.facilitator.click(last(shown), label="Sign and publish")
    await world.env.settle()

    assert "not in the translation `es`:** Why we make this promise. Whoever reads it" in asks
    assert "not in the translation `fr`" not in asks
    told = "\n".join(message.content for message in world.dms(member)[before:])
    assert "A la traducción le faltan algunos de estos cambios" in told
    assert "in peace." in told
    assert "Nos escuchamos." in told
