"""A server made up by chance: what people do, what moderators do, and what goes wrong."""

import dataclasses
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from bot.domain.agreements import Change
from bot.domain.breaches import Clause
from bot.services.cases import access
from bot.storage import cases, requests, suspensions, versions
from bot.storage import signatures as signature_queries
from tests.cogs.conftest import ACCEPT, DECLINE
from tests.factories import GUILD, make_agreement
from tests.simulation.truths import PEOPLE, RECEIPT, Person, World
from tests.simulation.wire import Answer, Fault

MESSAGES = "/channels/*/messages"
ROLES = "/guilds/*/members/*/roles/*"
HASTE = st.sampled_from([False, False, True])
"""Whether the next thing happens before the bot is done with this one."""
REQUESTS = (
    *(("POST", MESSAGES), ("POST", "/users/@me/channels"), ("PUT", ROLES), ("DELETE", ROLES)),
    *(("PUT", "/channels/*/messages/*/reactions/*/@me"), ("GET", "/channels/*/messages/*")),
    *(("GET", MESSAGES), ("GET", "/guilds/*/members"), ("PATCH", "/channels/*/messages/*")),
)
WRONG = (
    Answer(status=503),
    Answer(status=429, text="<html></html>"),
    Answer(status=500, code=0),
    Answer(error=lambda: ConnectionResetError(104, "reset")),
    Answer(error=lambda: ConnectionResetError(104, "reset"), sent=True),
    Answer(error=TimeoutError, sent=True),
    Answer(status=400, code=40003),
)


class Worlds(World):
    """One world. Hypothesis makes it up and, when something is wrong, makes it small."""

    # --- coming and going -----------------------------------------------------------------------

    @precondition(lambda self: len(self.here()) < PEOPLE)
    @rule(
        n=st.integers(0, 9), screening=st.sampled_from([False, False, False, True]), at_once=HASTE
    )
    def join(self, n: int, screening: bool, at_once: bool) -> None:
        away = [p for p in self.people if p not in self.here()]
        self.live.join(away[n % len(away)].id, pending=screening)
        self.note("joins")
        self.run(self._pass(at_once))

    @precondition(lambda self: len(self.here()) > len(self.admitted()))
    @rule(at_once=HASTE)
    def pass_screening(self, at_once: bool) -> None:
        waiting = [p for p in self.here() if p not in self.admitted()]
        self.live.pass_screening(waiting[0].id)
        self.note("screenings passed")
        self.run(self._pass(at_once))

    @precondition(lambda self: self.here())
    @rule(n=st.integers(0, 9), at_once=HASTE)
    def leave(self, n: int, at_once: bool) -> None:
        person = self.here()[n % len(self.here())]
        self.backend.remove_member(GUILD, person.id)
        person.given_by_hand = False
        if person.unseen and person.signed:
            # Left before anybody saw their acceptance, and is asked anew.
            person.doubt()
        person.left_unseen = person.left_unseen or not self.live.is_online
        self.note("leavings")
        self.run(self._pass(at_once))

    # --- answering ------------------------------------------------------------------------------

    @precondition(lambda self: self.unanswered())
    @rule(n=st.integers(0, 9), at_once=HASTE)
    def accept(self, n: int, at_once: bool) -> None:
        person, message = self.unanswered()[n % len(self.unanswered())]
        self.run(self._accept(person, message, True))
        self.run(self._pass(at_once))

    def unanswered(self) -> list[tuple[Person, Any]]:
        """The newest request of everybody who has not accepted there."""
        newest = [(person, self.live.requests_of(person.id)[-1]) for person in self.asked()]
        return [one for one in newest if not self._has_reacted(*one)]

    @precondition(lambda self: self.live.is_online and self.unanswered())
    @rule(n=st.integers(0, 9))
    def accept_in_an_absence(self, n: int) -> None:
        self.run(self.live.stop())
        person, message = self.unanswered()[n % len(self.unanswered())]
        self.run(self._accept(person, message, True))
        self.run(self._come_back())

    @precondition(lambda self: self.live.is_online and self.accepted())
    @rule(n=st.integers(0, 9))
    def take_back_in_an_absence(self, n: int) -> None:
        self.run(self.live.stop())
        person, message = self.accepted()[n % len(self.accepted())]
        self.run(self._accept(person, message, False))
        self.run(self._come_back())

    @precondition(lambda self: self.accepted())
    @rule(n=st.integers(0, 9), at_once=HASTE)
    def take_back(self, n: int, at_once: bool) -> None:
        person, message = self.accepted()[n % len(self.accepted())]
        self.run(self._accept(person, message, False))
        self.run(self._pass(at_once))

    @precondition(lambda self: any(len(self.live.requests_of(p.id)) > 1 for p in self.people))
    @rule(n=st.integers(0, 9), reacted=st.booleans(), at_once=HASTE)
    def answer_an_older_request(self, n: int, reacted: bool, at_once: bool) -> None:
        found = [(p, m) for p in self.people for m in self.live.requests_of(p.id)[:-1]]
        person, message = found[n % len(found)]
        self.run(self._accept(person, message, reacted))
        self.run(self._pass(at_once))

    def accepted(self) -> list[tuple[Person, Any]]:
        """Where a ✅ stands."""
        return [
            (person, message)
            for person in self.people
            for message in self.live.requests_of(person.id)
            if self._has_reacted(person, message)
        ]

    def _has_reacted(self, person: Person, message: Any) -> bool:
        found = [r for r in message.reactions if r.emoji == ACCEPT]
        return any(person.id in reaction.user_ids for reaction in found)

    async def _accept(self, person: Person, message: Any, reacted: bool) -> None:
        if self._has_reacted(person, message) is reacted:
            return
        self.note("acceptances" if reacted else "acceptances taken back")
        if self.live.is_online:
            await self.live.settle()
        answerable, standing, doubtful = await self._what_it_answers(person, message)
        said_no = await self._has_said_no_since(message)
        self.live.set_reaction(person.id, message, ACCEPT, reacted=reacted)
        offline = not self.live.is_online
        if reacted and answerable and not person.signed:
            # Whoever leaves and returns is asked anew: the older message may say what was before.
            doubted = person.signed is None and not person.in_grace
            unclear = person.refused_inside or person.left_unseen or said_no or doubted
            if (offline and unclear) or person not in self.admitted():
                person.doubt()
            else:
                person.signed = True
            person.unseen = offline
            person.refused_inside = person.refused_inside and offline
        elif reacted and standing and not person.signed:
            # Taken back and given again, and nobody saw either.
            person.doubt()
        elif not reacted and offline and doubtful:
            # Signed elsewhere; put here and taken away again while nobody was there to see it.
            person.doubt()
        elif not reacted and offline and standing and await self._has_moved_on(person, message):
            # Their acceptance of the newer text has taken the place of this one, as it would
            # have had somebody seen it.
            return
        elif not reacted and (standing or (offline and answerable)):
            # Messages of people who are not in the server are not read until they return; nobody
            # is let in before the one that holds their signature was.
            if offline and person not in self.admitted() and not standing:
                person.doubt()
            else:
                person.signed = False
            person.unseen = offline
        elif not answerable and not standing and offline:
            person.doubt()

    async def _has_moved_on(self, person: Person, older: Any) -> bool:
        """Whether they have accepted a newer text elsewhere, and nobody saw it yet."""
        for message in self.live.requests_of(person.id):
            if message is not older and self._has_reacted(person, message):
                answerable, standing, _ = await self._what_it_answers(person, message)
                if answerable and not standing:
                    return True
        return False

    async def _what_it_answers(self, person: Person, message: Any) -> tuple[bool, bool, bool]:
        """Whether the message asks for the text in force; whether the signature stands on it; and
        whether the person holds one although no acceptance was ever seen here.
        """
        async with self.live.database.read() as tx:
            request = await requests.find_by_message(tx, message.id)
            in_force = await versions.get_in_force(tx, self.live.group.key)
            held = await signature_queries.find_unrevoked(tx, self.live.group.key, person.id)
        if request is None:
            return False, False, False
        newest = (request.version_number or 0) >= (in_force.material_number or 0)
        answerable = request.is_open and request.left_at is None and newest
        standing = held is not None and held.request_id == request.id
        return answerable, standing, held is not None and request.accept_seen_at is None

    async def _has_said_no_since(self, message: Any) -> bool:
        """Whether they took back another acceptance after this message was last looked at."""
        async with self.live.database.read() as tx:
            request = await requests.find_by_message(tx, message.id)
            if request is None:
                return False
            given = await signature_queries.list_of_member(tx, request.group_key, request.member_id)
        known_at = request.checked_at or request.created_at
        return any(one.revoked_at is not None and one.revoked_at > known_at for one in given)

    @precondition(lambda self: self.asked())
    @rule(n=st.integers(0, 9), reacted=st.booleans(), at_once=HASTE)
    def decline(self, n: int, reacted: bool, at_once: bool) -> None:
        person = self.asked()[n % len(self.asked())]
        message = self.live.requests_of(person.id)[-1]
        self.live.set_reaction(person.id, message, DECLINE, reacted=reacted)
        self.note("refusals")
        self.run(self._pass(at_once))

    @precondition(lambda self: self.live.is_online and self.here())
    @rule(n=st.integers(0, 9))
    def sign_by_button(self, n: int) -> None:
        self.run(self._sign_by_button(self.here()[n % len(self.here())]))

    async def _sign_by_button(self, person: Person) -> None:
        await self.live.settle()
        async with self.live.database.read() as tx:
            in_force = await versions.get_in_force(tx, self.live.group.key)
        custom_id = f"pledge:accept:{self.live.group.key}:{in_force.id}"
        said = await self.live.press(person.id, custom_id)
        if found := RECEIPT.search(said):
            person.receipts.add(found[1])
            person.signed, person.unseen, person.refused_inside = True, False, False
            self.note("signatures by button")

    @precondition(lambda self: self.live.is_online and self.here())
    @rule(n=st.integers(0, 9), withdraws=st.booleans())
    def refuse_inside(self, n: int, withdraws: bool) -> None:
        self.run(self._refuse_inside(self.here()[n % len(self.here())], withdraws))

    async def _refuse_inside(self, person: Person, withdraws: bool) -> None:
        await self.live.settle()
        async with self.live.database.read() as tx:
            in_force = await versions.get_in_force(tx, self.live.group.key)
        key = self.live.group.key
        custom_id = f"pledge:withdraw:{key}" if withdraws else f"pledge:decline:{key}:{in_force.id}"
        said = await self.live.press(person.id, custom_id)
        if "You have withdrawn" in said or "You have not signed" in said:
            person.signed, person.unseen, person.refused_inside = False, False, True
            self.note("withdrawals by command" if withdraws else "refusals by button")

    # --- what moderators do ---------------------------------------------------------------------

    @precondition(lambda self: self.here() and self.role_is != "gone")
    @rule(n=st.integers(0, 9), given=st.booleans(), at_once=HASTE)
    def change_role_by_hand(self, n: int, given: bool, at_once: bool) -> None:
        person = self.here()[n % len(self.here())]
        if given:
            person.given_by_hand = True
            self.backend.add_member_role(GUILD, person.id, self.live.role_id)
        else:
            person.given_by_hand = False
            self.backend.remove_member_role(GUILD, person.id, self.live.role_id)
        self.note("roles by hand")
        self.run(self._pass(at_once))

    @rule(n=st.integers(0, PEOPLE - 1), for_good=st.booleans(), at_once=HASTE)
    def suspend_or_lift(self, n: int, for_good: bool, at_once: bool) -> None:
        person = self.people[n]
        self.run(self._lift(person) if person.suspended else self._suspend(person, for_good))
        person.suspended = not person.suspended
        self.note("suspensions" if person.suspended else "suspensions lifted")
        self.run(self._pass(at_once))

    async def _suspend(self, person: Person, for_good: bool) -> None:
        """What the decision of a case does to somebody's access."""
        key, now = self.live.group.key, self.live.client.now()
        until = None if for_good else now + timedelta(days=3650)
        async with self.live.database.write() as tx:
            case = await cases.add(tx, key, Clause.UNSURE, person.id, None, now)
            await access.close(tx, case, person.id, now, until=until)
        self.live.client.effects.wake()

    async def _lift(self, person: Person) -> None:
        key, now = self.live.group.key, self.live.client.now()
        async with self.live.database.write() as tx:
            for one in await suspensions.list_running_against(tx, key, person.id):
                await suspensions.end(tx, one, now)
            await access.open_again(tx, key, person.id, now)
        self.live.client.effects.wake()

    @precondition(lambda self: self.role_is == "there")
    @rule(what=st.sampled_from(["gone", "too high"]))
    def break_the_role(self, what: str) -> None:
        self._change_the_role(what)
        self.run(self._pass(False))

    @precondition(lambda self: self.role_is != "there")
    @rule()
    def mend_the_role(self) -> None:
        self._change_the_role("there")
        self.run(self._pass(False))

    @precondition(lambda self: self.live.is_online)
    @rule(change=st.sampled_from([Change.MINOR, Change.MATERIAL]), at_once=HASTE)
    def publish(self, change: Change, at_once: bool) -> None:
        self.texts += 1
        self.run(self._publish(change))
        self.note(f"{change} publishes")
        self.run(self._pass(at_once))

    async def _publish(self, change: Change) -> None:
        await self.live.settle()
        agreement = make_agreement(purpose=f"Text {self.texts}.")
        group = dataclasses.replace(self.live.group, agreement=agreement)
        self.live.client.groups[group.key] = group
        await self.live.publish(group, change)
        self.live.client.effects.wake()
        if change is Change.MATERIAL:
            for person in self.people:
                # It counts for the rest of the grace, and then no more.
                if person.signed:
                    person.signed, person.in_grace = None, True

    # --- what goes wrong ------------------------------------------------------------------------

    @precondition(lambda self: self.live.is_online)
    @rule()
    def go_away(self) -> None:
        self.run(self.live.stop())
        self.note("absences")

    @precondition(lambda self: not self.live.is_online)
    @rule()
    def come_back(self) -> None:
        self.run(self._come_back())

    async def _come_back(self) -> None:
        is_calm = not self.live.wire.faults
        await self.live.start()
        if is_calm:
            admitted = self.admitted()
            for person in self.people:
                person.unseen = person.unseen and person not in admitted
                person.left_unseen = False
            await self.check_what_people_said()

    @rule(request=st.sampled_from(REQUESTS), answer=st.sampled_from(WRONG), times=st.integers(1, 3))
    def break_requests(self, request: tuple[str, str], answer: Answer, times: int) -> None:
        self.live.wire.break_(*request, answer, times)
        self.note("faults")

    @precondition(lambda self: not self.closed)
    @rule(n=st.integers(0, PEOPLE - 1), status=st.sampled_from([400, 403]))
    def close_messages(self, n: int, status: int) -> None:
        person = self.people[n]
        channel_id = self.backend.get_dm_channel(person.id).id
        answer = Answer(status=status, code=50007)
        self.closed = Fault(method="POST", path=f"/channels/{channel_id}/messages", answer=answer)
        self.live.wire.faults.append(self.closed)
        self.note("direct messages closed")

    @precondition(lambda self: self.closed)
    @rule()
    def open_messages(self) -> None:
        assert self.closed is not None
        self.live.wire.faults.remove(self.closed)
        self.closed = None

    @rule(seconds=st.sampled_from([1, 20, 400, 86_400, 15 * 86_400]))
    def wait(self, seconds: int) -> None:
        if seconds > 3_600:
            # As when the machine slept: all is due at once.
            self.backend.advance_clock(seconds)
            seconds = 1
        self.run(self.live.advance(seconds))
        self.note("waits")
