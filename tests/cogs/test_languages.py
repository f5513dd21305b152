"""Each person is answered in their language, and each group is told things in its own."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import discord
import pytest
import simcord
import simcord.interactions
from simcord.actors import MemberActor
from simcord.results import InteractionResult

from bot.domain.agreements import Agreement
from bot.settings import Group
from bot.texts.catalogue import speaking, spoken
from tests.cogs.conftest import ACCEPT, DECLINE, World, make_group
from tests.doubles.extra_routes import add_extra_routes
from tests.texts.extract import load

Speak = Callable[[MemberActor, str], None]


HELLO = {
    "en": "Hello, and welcome to **Harbour Light**.",
    "es": "Hola, te damos la bienvenida a **Harbour Light**.",
}
NOT_FOR_YOU = {"en": "This is only open to some people", "es": "Esto solo está abierto a algunas"}


@pytest.fixture
def speaks(monkeypatch: pytest.MonkeyPatch) -> Speak:
    """Sets the language of somebody's Discord; everybody else's is English."""
    locales: dict[int, str] = {}
    build = simcord.interactions.base_payload

    def with_locale(backend: Any, **what: Any) -> Any:
        record, payload = build(backend, **what)
        payload["locale"] = locales.get(what["user_id"], "en-US")
        return record, payload

    def speaks(person: MemberActor, locale: str) -> None:
        locales[person.id] = locale

    monkeypatch.setattr(simcord.interactions, "base_payload", with_locale)
    return speaks


def set_locale(world: World, locale: str) -> None:
    """Somebody chooses the language of a server with Community features."""
    world.env.backend.edit_guild(world.guild.id, {"preferred_locale": locale})


def words(components: Iterable[Any]) -> Iterator[str]:
    """What stands on buttons and menus."""
    for part in components:
        yield from (str(part[key]) for key in ("label", "placeholder") if part.get(key))
        yield from words(part.get("components", []))


def seen(result: InteractionResult) -> list[str]:
    """Everything that came back to an interaction."""
    answers = [one for one in [result.response, *result.followups] if one is not None]
    return [text for one in answers for text in (one.content, *words(one.components))]


def posted(messages: list[discord.Message]) -> list[str]:
    """Everything that stands in a channel."""
    return [
        text
        for one in messages
        for text in (one.content, *words(row.to_dict() for row in one.components))
    ]


def english_in(texts: Iterable[str]) -> list[str]:
    """The sentences, and the labels as they are, that were not put into Spanish."""
    sentences: list[re.Pattern[str]] = []
    labels: set[str] = set()
    for message in load("es"):
        for one in (message.id,) if isinstance(message.id, str) else message.id:
            if one and one != message.string:
                labels.add(one)
                parts = re.split(r"\{\w+\}", one)
                if max(len(part.split()) for part in parts) > 2:
                    sentences.append(re.compile(".+?".join(map(re.escape, parts))))
    return [
        text
        for text in texts
        if text in labels or any(sentence.search(text) for sentence in sentences)
    ]


# A group's language ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "language"),
    [("es-ES", "es"), ("es-419", "es"), ("fr", "en"), ("en-GB", "en")],
)
async def test_newcomer_is_asked_in_the_servers_language(
    world: World, locale: str, language: str
) -> None:
    set_locale(world, locale)
    await world.publish()

    member = await world.join()
    await world.react(member)

    assert world.dms(member)[0].content.startswith(HELLO[language])
    thanks = {"en": "Thank you. You have signed", "es": "Gracias. Has firmado"}[language]
    assert world.dms(member)[-1].content.startswith(thanks)
    assert "I promise." in "".join(message.content for message in world.dms(member))


class TestWithALanguageOfItsOwn:
    """`language: es`, on a server in another language."""

    @pytest.fixture
    def groups(self, agreement: Agreement) -> list[Group]:
        other = make_group("north", agreement=agreement)
        return [make_group(agreement=agreement, language="es"), other]

    async def test_group_is_told_in_its_language_and_its_neighbour_is_not(
        self, world: World
    ) -> None:
        set_locale(world, "fr")
        await world.env.settle()

        ours, theirs = world.channel("welcome"), world.channels["north-welcome"]

        assert [one.content.splitlines()[0] for one in ours.history()] == [
            "## La promesa de Harbour Light"
        ]
        assert posted(ours.history())[1:] == ["Leer y firmar"]
        assert [one.content.splitlines()[0] for one in theirs.history()] == [
            "## The promise of North"
        ]
        assert posted(theirs.history())[1:] == ["Read and sign"]


async def test_reason_in_the_audit_log_is_in_the_servers_language(world: World) -> None:
    set_locale(world, "es-ES")
    reasons: list[str] = []
    give = world.client.http.add_role

    async def listen(*place: Any, reason: str | None = None) -> Any:
        reasons.append(str(reason))
        return await give(*place, reason=reason)

    world.client.http.add_role = listen  # type: ignore[method-assign]
    await world.publish()
    await world.react(await world.join())

    assert reasons == ["Pledge mantiene el rol de acuerdo con el registro"]


# A person's language ---------------------------------------------------------------------------


async def test_refusal_is_in_the_language_of_whoever_asked(world: World, speaks: Speak) -> None:
    set_locale(world, "fr")
    newcomer = await world.join()
    for locale, language in (("es-ES", "es"), ("es-419", "es"), ("fr", "en"), ("en-GB", "en")):
        speaks(newcomer, locale)
        refused = await newcomer.slash(world.channel("welcome"), "agreement publish")
        assert NOT_FOR_YOU[language] in "".join(seen(refused))


async def test_refusal_of_a_button_is_in_the_language_of_whoever_pressed(
    world: World, speaks: Speak
) -> None:
    set_locale(world, "fr")
    speaks(world.facilitator, "es-ES")
    shown = await world.facilitator.slash(world.channel("welcome"), "agreement publish")
    role = world.roles[str(world.group.roles.facilitator)]
    world.env.backend.remove_member_role(world.guild.id, world.facilitator.id, role.id)

    pressed = await world.facilitator.click(shown.followups[-1], label="Firmar y publicar")

    assert NOT_FOR_YOU["es"] in "".join(seen(pressed))


async def test_fault_is_told_in_the_language_of_whoever_asked(
    world: World, speaks: Speak, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a test breaks this")

    monkeypatch.setattr("bot.services.agreements.read_in_force", fail)
    speaks(world.facilitator, "es-ES")

    answered = await world.facilitator.slash(world.channel("welcome"), "agreement read")

    assert "algo ha salido mal por mi parte" in "".join(seen(answered))
    world.env._errors.clear()


async def test_neighbours_do_not_hear_each_others_language(world: World, speaks: Speak) -> None:
    await world.publish()
    speaks(world.facilitator, "es-ES")
    newcomer = await world.join()

    # A press in Spanish wakes the outbox, which writes to an English server.
    shown = await world.facilitator.slash(world.channel("welcome"), "agreement sign")
    await world.facilitator.click(shown.followups[-1], label="Acepto")
    another = await world.join("test-other")
    answered = await newcomer.slash(world.channel("welcome"), "agreement read")

    assert world.dms(another)[0].content.startswith(HELLO["en"])
    assert "In short" in "".join(seen(answered)) or "Your promise" in "".join(seen(answered))
    assert spoken() == "en"


class TestWithTwoGroups:
    """A menu asks which group is meant, and goes on in the same language."""

    @pytest.fixture
    def groups(self, agreement: Agreement) -> list[Group]:
        return [
            make_group(agreement=agreement),
            make_group("north", agreement=agreement),
        ]

    async def test_menu_and_what_follows_it(self, world: World, speaks: Speak) -> None:
        await world.publish()
        plain = world.guild.create_text_channel("plain")
        member = await world.join()
        speaks(member, "es-419")

        asked = await member.slash(plain, "agreement withdraw")
        assert seen(asked) == [
            "Aquí hay más de un grupo. ¿A cuál te refieres?",
            "Elige un grupo",
        ]
        assert asked.response is not None
        refused = await member.select(asked.response, ["harbour-light"])

        assert "Aquí no has firmado" in "".join(seen(refused))


class TestInSpanish:
    """A group that has chosen Spanish, from the beginning to the end."""

    @pytest.fixture
    def groups(self, agreement: Agreement) -> list[Group]:
        return [make_group(agreement=agreement, language="es")]

    async def test_nothing_in_english_reaches_a_spanish_group(
        self, world: World, speaks: Speak, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_extra_routes(monkeypatch)
        told: list[str] = []
        welcome = world.channel("welcome")
        facilitator = world.facilitator
        speaks(facilitator, "es-ES")

        async def ask(person: MemberActor, command: str, **options: Any) -> InteractionResult:
            result = await person.slash(welcome, command, **options)
            assert seen(result), command
            told.extend(seen(result))
            return result

        async def press(person: MemberActor, result: InteractionResult, label: str) -> None:
            shown = [one for one in [result.response, *result.followups] if one is not None][-1]
            told.extend(seen(await person.click(shown, label=label)))
            await world.env.settle()

        await ask(facilitator, "agreement read")
        await press(facilitator, await ask(facilitator, "agreement publish"), "Ahora no")
        await press(facilitator, await ask(facilitator, "agreement publish"), "Firmar y publicar")
        await ask(facilitator, "agreement publish")

        member = await world.join()
        speaks(member, "es-419")
        await ask(member, "agreement withdraw")
        for emoji, reacted in ((DECLINE, True), (ACCEPT, True), (DECLINE, False), (DECLINE, True)):
            await world.react(member, emoji, reacted=reacted)
        await ask(member, "agreement sign")
        await ask(member, "agreement read")
        await press(member, await ask(member, "agreement withdraw"), "No, mantener mi firma")
        await press(member, await ask(member, "agreement withdraw"), "Sí, retirar")
        await press(member, await ask(member, "agreement sign"), "Prefiero que no")
        await press(member, await ask(member, "agreement sign"), "Acepto")
        await world.react(member, ACCEPT, reacted=False)

        for status in ("all", "signed", "waiting", "withdrawn"):
            await ask(facilitator, "signatures list", status=status)
        await ask(facilitator, "signatures check", member=member)
        await ask(facilitator, "signatures check", member=world.moderator)
        for command in ("history", "invite", "receipt"):
            await ask(facilitator, f"agreement {command}")
        await ask(member, "agreement receipt")
        await ask(facilitator, "pledge check")
        for command in ("overview", "remind"):
            await ask(facilitator, f"signatures {command}")
        for kind in ("csv", "pdf"):
            await ask(facilitator, "signatures export", format=kind)
        await ask(facilitator, "signatures record", member=member, note="en papel")
        await world.env.settle()

        told += posted(world.dms(member))
        for name in ("welcome", "moderators"):
            told += posted(world.channel(name).history())
        assert len(told) > 40
        assert english_in(told) == []


def test_english_among_spanish_is_found() -> None:
    with speaking("es"):
        assert english_in(["Acepto", "Tu número de recibo es `X`."]) == []
    english = ["I accept", "Hola. Your receipt number is `X`. Adiós.", "Not now"]
    assert english_in(english) == english


# What Discord is told of the commands ----------------------------------------------------------


def options_of(command: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {option["name"]: option for option in command.get("options", [])}


async def test_commands_have_spanish_names_beside_their_own(env: simcord.Env) -> None:
    commands = {name: command for (name, _), command in env.backend.commands[None].items()}
    assert {"agreement", "signatures", "pledge"} <= set(commands)

    agreement = commands["agreement"]
    assert agreement["name_localizations"] == {"es-ES": "acuerdo", "es-419": "acuerdo"}
    assert agreement["description_localizations"].keys() == {"es-ES", "es-419"}
    publish = options_of(agreement)["publish"]
    assert publish["name_localizations"]["es-ES"] == "publicar"
    assert publish["description_localizations"]["es-419"].startswith("Firma y publica")
    change = options_of(publish)["change"]
    assert change["name_localizations"]["es-ES"] == "cambio"
    assert change["description_localizations"]["es-ES"].startswith("Menor para ")
    names = {choice["value"]: choice["name_localizations"]["es-ES"] for choice in change["choices"]}
    assert names == {"minor": "menor", "material": "sustancial"}


async def test_commands_are_told_anew_when_only_a_translation_has_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> int:
        requests = world.env.http_requests
        return len([one for one in requests if one.path.endswith("/commands")])

    before = told()
    await world.restart()
    assert told() == before

    def other_name(kind: str, word: str) -> str:
        return json.dumps([kind, word]).encode().hex()[:30]

    monkeypatch.setattr("bot.effects.languages.name", other_name)
    await world.restart()
    assert told() == before + 1
