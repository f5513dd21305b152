"""The story: what happens in a group from its first agreement on, scene by scene.

Every scene plays, tells and checks one thing. A new scene is a function in `SCENES`.
"""

from collections.abc import Awaitable, Callable

from bot import texts
from bot.demo import case_story
from bot.demo.narration import StoryError
from bot.demo.stage import Stage
from bot.demo.world import ACCEPT, DECLINE, pages_of, reactions_on
from bot.domain.agreements import Method, Standing
from bot.services import agreements
from bot.texts import erasing

GREETING = "Hello everyone. This is our room now. Take your time, and say as much as you like."


async def set_the_scene(stage: Stage) -> None:
    """The bot is on the server, and its panel stands in #welcome."""
    world, tell = stage.world, stage.tell
    staff = {"Heron": world.facilitator, "Gannet": world.moderator, "Petrel": world.owner}
    stage.people.update(staff)
    tell.introduce({member.id: name for name, member in staff.items()})
    tell.saw("a new server: #welcome, #support (hidden), #moderators (hidden), and the bot.")
    tell.saw("three people: Heron, facilitator; Gannet, moderator; Petrel, who owns the server.")
    panel = world.panel()
    notices = [message.content for message in world.moderators.history()]
    waits = texts.draft_waiting({"number": 1})
    tell.check(len(notices) == 1 and waits in notices[0], "the bot has nothing to complain of")
    tell.said("in #welcome", [panel.content])
    tell.saw(f"below it a button: [{texts.PANEL_BUTTON}]")
    tell.said("in #moderators", notices)


async def publish(stage: Stage) -> None:
    """A facilitator reads the text, signs it and puts it in force."""
    world, tell, heron = stage.world, stage.tell, stage.world.facilitator
    shown = await heron.slash(world.moderators, "agreement publish")
    pages = pages_of(shown)
    tell.did("Heron", "is a facilitator, types /agreement publish in #moderators, and reads.")
    tell.check(len(pages) > 1 and all(page.ephemeral for page in pages), "the preview is private")
    tell.said("only to Heron", [pages[0].content, pages[-1].content])
    pressed = await heron.click(pages[-1], label=texts.PUBLISH_BUTTON)
    await world.settle()
    tell.did("Heron", f"presses [{texts.PUBLISH_BUTTON}]: publishing is signing.")
    tell.said("only to Heron", [pressed.response.content] if pressed.response else [])
    version = await agreements.read_in_force(world.client.database, world.group.key)
    tell.check(version.published_by == heron.id, "the version carries the facilitator's name")
    tell.check(
        version.sha256 == world.group.agreement.sha256(), "what is in force is the shipped text"
    )
    tell.stored(f"version {version.number} in force, SHA-256 {version.sha256[:16]}…, by Heron.")


async def ask_staff(stage: Stage) -> None:
    """Nobody is exempt: whoever leads the group makes the same promise."""
    asked = [name for name in stage.people if stage.world.unseen(stage.people[name])]
    stage.tell.check(asked == list(stage.people), "everybody on the server was asked")
    names = ", ".join(asked)
    stage.tell.saw(f"{names} came after the bot, so they get the agreement by direct message too.")
    stage.tell.saw("Nobody is exempt, whoever leads the group.")
    for name in ("Heron", "Gannet"):
        await stage.world.react(stage.people[name], ACCEPT)
        stage.tell.did(name, f"reads the last message and reacts with {ACCEPT}.")
        signature = await stage.expect_inside(name)
        stage.hear(name, signature.receipt_number)
    await stage.people["Heron"].send(stage.world.support, GREETING)
    stage.tell.did("Heron", f"writes in #support: “{GREETING}”")


async def ask_newcomer(stage: Stage) -> None:
    """A newcomer gets the agreement by direct message and cannot see the channel."""
    robin = await stage.enter("Robin")
    messages = stage.world.unseen(robin)
    ends = [messages[0].content, messages[-1].content] if messages else []
    stage.tell.check(len(ends) > 1, "Robin got the agreement")
    stage.tell.said("to Robin", ends[:1])
    stage.tell.saw(f"the whole agreement, in {len(messages)} direct messages. The last one ends:")
    stage.tell.said("to Robin", [ends[1].partition("Press ")[1] + ends[1].partition("Press ")[2]])
    offered = reactions_on(messages[-1])
    stage.tell.check(offered == {ACCEPT, DECLINE}, "the last message carries ✅ and ❌")
    stage.tell.saw(f"below it the reactions {ACCEPT} and {DECLINE}.")
    await stage.expect_outside("Robin", Standing.WAITING)


async def sign_by_reaction(stage: Stage) -> None:
    """The reaction is the signature: recorded first, then the door opens."""
    await stage.world.pass_time()
    await stage.world.react(stage.people["Robin"], ACCEPT)
    stage.tell.did("Robin", f"reacts with {ACCEPT}.")
    signature = await stage.expect_inside("Robin")
    stage.tell.check(signature.method is Method.REACTION, "Robin has signed by reaction")
    stage.hear("Robin", signature.receipt_number)


async def sign_by_button(stage: Stage) -> None:
    """Whoever takes no direct messages signs inside the server."""
    world, tell = stage.world, stage.tell
    wren = await stage.enter("Wren", takes_messages=False)
    tell.saw("Wren takes no direct messages, so Discord refuses the bot's.")
    tell.check(not world.unseen(wren), "nothing reached Wren")
    await stage.expect_outside("Wren", Standing.BLOCKED)
    await world.pass_time()
    shown = await wren.click(world.panel(), label=texts.PANEL_BUTTON)
    pages = pages_of(shown)
    tell.did("Wren", f"presses [{texts.PANEL_BUTTON}] in #welcome.")
    tell.check(len(pages) > 1 and all(page.ephemeral for page in pages), "only Wren sees the text")
    tell.saw(f"the whole agreement, visible to Wren alone, with [{texts.ACCEPT_BUTTON}] below.")
    pressed = await wren.click(pages[-1], label=texts.ACCEPT_BUTTON)
    await world.settle()
    tell.did("Wren", f"presses [{texts.ACCEPT_BUTTON}].")
    signature = await stage.expect_inside("Wren")
    tell.check(signature.method is Method.BUTTON, "Wren has signed by button")
    answer = pressed.response.content if pressed.response else ""
    tell.check(signature.receipt_number in answer, "Wren was told the receipt number")
    tell.said("only to Wren", [answer])


async def decline_and_think_again(stage: Stage) -> None:
    """A no is taken as a no, and can be changed."""
    lark = await stage.enter("Lark")
    stage.world.unseen(lark)
    await stage.world.react(lark, DECLINE)
    stage.tell.did("Lark", f"reads, and reacts with {DECLINE}.")
    await stage.expect_outside("Lark", Standing.DECLINED)
    stage.hear("Lark", "That is all right.")
    await stage.world.pass_time()
    await stage.world.react(lark, ACCEPT)
    stage.tell.did("Lark", f"thinks it over, and reacts with {ACCEPT} after all.")
    signature = await stage.expect_inside("Lark")
    stage.hear("Lark", signature.receipt_number)


async def withdraw(stage: Stage) -> None:
    """Taking the reaction away withdraws: the record stays, the access ends."""
    await stage.world.pass_time()
    await stage.world.react(stage.people["Robin"], ACCEPT, reacted=False)
    stage.tell.did("Robin", f"takes the {ACCEPT} away.")
    await stage.expect_outside("Robin", Standing.WITHDRAWN)
    record = await stage.world.record_of(stage.people["Robin"])
    revoked = [signature for signature in record.signatures if signature.revoked_at]
    stage.tell.check(len(revoked) == 1, "Robin's signature is revoked and not deleted")
    stage.hear("Robin", "withdrawn")


async def leave_and_return(stage: Stage) -> None:
    """A signature outlives a visit: whoever returns is let in again."""
    world, tell, lark = stage.world, stage.tell, stage.people["Lark"]
    before = (await world.record_of(lark)).signatures
    await world.pass_time()
    await world.leave(lark)
    tell.did("Lark", "leaves the server.")
    await world.pass_time()
    stage.people["Lark"] = await world.come_back(lark)
    tell.did("Lark", "comes back with the same account.")
    await stage.expect_inside("Lark")
    after = (await world.record_of(lark)).signatures
    tell.check(before == after, "Lark's signature is the same as before")
    stage.hear("Lark", "Welcome back")


async def look_up(stage: Stage) -> None:
    """The facilitator sees who has signed, and one person's history."""
    world, tell, heron = stage.world, stage.tell, stage.world.facilitator
    listed = await heron.slash(world.moderators, "signatures list", status="all")
    tell.did("Heron", "types /signatures list status: all")
    lines = (listed.response.content if listed.response else "").splitlines()
    people = [line for line in lines if line.startswith("- ")]
    tell.check(len(people) == len(stage.people), "the list holds everybody who joined")
    tell.check(listed.ephemeral, "only Heron sees the list")
    tell.listed("only to Heron", lines)
    robin = stage.people["Robin"]
    checked = await heron.slash(world.moderators, "signatures check", member=robin)
    tell.did("Heron", "types /signatures check member: @Robin")
    lines = (checked.response.content if checked.response else "").splitlines()
    tell.check(lines and "withdrawn" in lines[0], "Heron sees that Robin has withdrawn")
    tell.check(checked.ephemeral, "only Heron sees the answer")
    tell.listed("only to Heron", lines)


async def look_over(stage: Stage) -> None:
    """The facilitator sees how the whole group stands."""
    world, tell = stage.world, stage.tell
    await world.start_press()
    shown = await world.facilitator.slash(world.moderators, "signatures overview")
    await world.settle()
    tell.did("Heron", "types /signatures overview")
    answers = pages_of(shown)
    tell.check(answers and shown.ephemeral, "only Heron sees the overview")
    answer = answers[-1]
    tell.listed("only to Heron", answer.content.splitlines())
    pictures = [file for file in answer.attachments if file.filename.endswith(".png")]
    tell.check(len(pictures) == 1 and pictures[0].description, "the picture can be read aloud")
    tell.saw(f"below it a picture: {pictures[0].description}")


async def keep_the_receipt(stage: Stage) -> None:
    """Whoever signed has proof of it, with both signatures."""
    world, tell, wren = stage.world, stage.tell, stage.people["Wren"]
    asked = await wren.slash(world.welcome, "agreement receipt")
    await world.settle()
    tell.did("Wren", "types /agreement receipt")
    answers = pages_of(asked)
    tell.check(answers and asked.ephemeral, "only Wren sees the receipt")
    answer = answers[-1]
    tell.said("only to Wren", [answer.content])
    names = [file.filename for file in answer.attachments]
    endings = {name.rpartition(".")[2] for name in names}
    tell.check(endings == {"pdf", "json"}, "Wren gets a page and a file")
    tell.saw("attached: a page to keep, and a file that a stranger can check offline:")
    tell.saw(" and ".join(names) + ".")


async def see_and_erase(stage: Stage) -> None:
    """Everybody sees what is kept about them, and can have it erased."""
    world, tell, robin = stage.world, stage.tell, stage.people["Robin"]
    shown = await robin.slash(world.welcome, "privacy show")
    await world.settle()
    tell.did("Robin", "types /privacy show")
    answers = pages_of(shown)
    tell.check(answers and all(one.ephemeral for one in answers), "only Robin sees it")
    tell.listed("only to Robin", [line for line in answers[0].content.splitlines() if line][:4])
    asked = await robin.slash(world.welcome, "privacy erase")
    await world.settle()
    tell.did("Robin", "types /privacy erase")
    warned = pages_of(asked)
    lines = [line for one in warned for line in one.content.splitlines() if line]
    tell.listed("only to Robin", lines)
    before = await world.record_of(robin)
    tell.check(before.signatures, "nothing goes before Robin has said so")
    pressed = await robin.click(warned[-1], label=erasing.ERASE_BUTTON)
    await world.settle()
    tell.did("Robin", f"presses [{erasing.ERASE_BUTTON}].")
    done = [one.content for one in pages_of(pressed)]
    tell.said("only to Robin", done)
    after = await world.record_of(robin)
    tell.check(not after.signatures and after.request is None, "nothing of Robin's is left")
    tell.stored("Robin: nothing. A proof without a name is left of what was signed.")


async def look_at_the_disk(stage: Stage) -> None:
    """What the operator's disk holds tells nothing without the key."""
    content = stage.world.stored_bytes()
    known = (b"SQLite format 3", b"harbour-light", b"CREATE TABLE")
    stage.tell.check(content and not any(word in content for word in known), "it is encrypted")
    stage.tell.stored(
        f"a database of {len(content) // 1024} KiB, encrypted from its first byte on."
    )


SCENES: tuple[tuple[str, Callable[[Stage], Awaitable[None]]], ...] = (
    ("The server, before anything is signed", set_the_scene),
    ("The facilitator publishes the agreement", publish),
    ("The staff make the same promise", ask_staff),
    ("A newcomer is asked", ask_newcomer),
    ("The newcomer signs and is let in", sign_by_reaction),
    ("Somebody with closed direct messages signs by button", sign_by_button),
    ("Somebody declines, and thinks again", decline_and_think_again),
    ("Somebody withdraws", withdraw),
    ("Somebody leaves and comes back", leave_and_return),
    ("The facilitator looks up who has signed", look_up),
    ("And how the group stands as a whole", look_over),
    ("A member keeps the receipt", keep_the_receipt),
    ("Something leaves the group, and is reported", case_story.report),
    ("A moderator looks into it, and the other side is heard", case_story.look_into_it),
    ("It is decided, and carried out", case_story.decide),
    ("The pause ends, and the case is closed", case_story.close),
    ("Somebody sees what is kept, and has it erased", see_and_erase),
    ("What lies on the disk", look_at_the_disk),
)


async def tell_story(stage: Stage) -> None:
    """Play every scene in order.

    Raises:
        StoryError: something did not happen as told, or the bot reported a fault.
    """
    for heading, scene in SCENES:
        stage.tell.begin(heading)
        try:
            await scene(stage)
        except StoryError as error:
            raise StoryError(" ".join([str(error), *stage.world.faults.take()])) from None
        faults = stage.world.faults.take()
        stage.tell.check(not faults, f"the bot ran without a fault ({'; '.join(faults)})")
