"""The outbox worker: takes what is due, has it done, and writes down what came of it."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import aiohttp
import discord

from bot.domain.effects import AlarmKind, Effect, EffectKind, Verdict, retry_delay, verdict_on
from bot.domain.errors import RecordUnavailableError
from bot.effects.actions import Actions, CannotYetError
from bot.effects.pacing import Pace
from bot.services import alarms, outbox
from bot.settings import Group
from bot.storage.database import Database

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Lanes worked on side by side; Discord's own limits are kept by discord.py."""

NOT_ASKS = [kind for kind in EffectKind if kind is not EffectKind.ASK]
LONGEST_SLEEP = timedelta(minutes=5)
LONGEST_STOP_SECONDS = 20.0
_ROLE_ALARMS = {10011: AlarmKind.ROLE_GONE, 60003: AlarmKind.TWO_FACTOR}
"""What the codes of a refused role mean, other than that it stands too high."""


class Worker:
    """Runs while there is something due, then sleeps until there is again.

    Nothing is cancelled in the middle of a request to Discord: in discord.py 2.7.1 that can
    block every later one. `stop` therefore waits for what is in hand, though not for ever: a
    request can be stuck, and the next start finds what was not finished.
    """

    def __init__(
        self,
        database: Database,
        actions: Actions,
        groups: Mapping[str, Group],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._actions = actions
        self._groups = groups
        self._clock = clock
        self.pace = self._new_pace()
        self.resting: set[str] = set()
        """Groups whose server is not there: their rows wait where they are."""
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._woken = asyncio.Event()
        self._begun: dict[int, float] = {}
        self._suspect = False
        self._stopped = False
        self._running = False

    async def start(self) -> None:
        """Put back what an earlier process left in hand, and begin; later calls only wake.

        Once told to stop, it does not begin any more.
        """
        if self._stopped:
            return
        if self._running:
            self.wake()
            return
        left = await outbox.take_over(self._database)
        if left:
            log.info("%d effects were in hand when the last process ended; trying them again", left)
        # The last process may have lived with a clock that was ahead.
        await alarms.pull_forward(self._database, self._clock())
        # A break that the last process took is forgotten, so its alarm may be given again.
        await self._dms_flow_again()
        self._running = not self._stopped
        self.wake()

    def wake(self) -> None:
        """Look at the outbox now; cheap, and safe to call at any time."""
        if not self._running:
            return
        self._woken.set()
        if self._task is not None and not self._task.done():
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._task = asyncio.create_task(self._drain(), name="pledge-effects")

    async def stop(self) -> None:
        """Finish the rows in hand and take no more."""
        self._stopped = True
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
        if self._task is None:
            return
        _, stuck = await asyncio.wait([self._task], timeout=LONGEST_STOP_SECONDS)
        if stuck:
            log.error(
                "%d effects do not come to an end; the next start tries them", len(self._begun)
            )

    def oldest_in_hand(self, now: float) -> float:
        """When the oldest effect in hand was begun, by the monotonic clock; `now` without any."""
        return min(self._begun.values(), default=now)

    def forget_breaks(self) -> None:
        """The clock was wrong, so nobody knows when a break ends; Discord says if it is needed."""
        self.pace = self._new_pace()

    def _new_pace(self) -> Pace:
        return Pace({key: group.signing.dm_per_minute for key, group in self._groups.items()})

    async def _drain(self) -> None:
        sleep_until = self._clock() + LONGEST_SLEEP
        in_hand: set[asyncio.Task[None]] = set()
        self._woken.clear()
        try:
            if self._suspect:
                # Nothing is in hand now: what still says so was left by a failure.
                await outbox.take_over(self._database)
                self._suspect = False
            while True:
                self._woken.clear()
                in_hand |= {asyncio.create_task(self._run(e)) for e in await self._claim(in_hand)}
                if not in_hand and not self._woken.is_set():
                    break
                in_hand = await self._wait(in_hand)
            sleep_until = await self._next_look_at()
        except Exception as error:
            # The database did not answer: what it holds is safe, so look again shortly.
            self._suspect = True
            if not isinstance(error, RecordUnavailableError):  # whoever noticed that has said so
                log.exception("The outbox could not be worked on; trying again")
            sleep_until = self._clock() + timedelta(seconds=30)
        finally:
            if in_hand:
                await asyncio.wait(in_hand)
            self._task = None
            if self._running:
                self._sleep(sleep_until)

    async def _wait(self, in_hand: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """Until something in hand is done or there is something new to do."""
        if not in_hand:
            return in_hand
        woken = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait({*in_hand, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        return {task for task in in_hand if not task.done()}

    async def _claim(self, in_hand: set[asyncio.Task[None]]) -> list[Effect]:
        now = self._clock()
        free = AT_ONCE - len(in_hand)
        if not self._running or free <= 0 or self.pace.over_budget_until(now) is not None:
            return []
        return await outbox.claim(
            self._database,
            now,
            limit=free,
            group_keys=self._awake(),
            not_asking=self.pace.not_asking(now),
        )

    def _awake(self) -> list[str]:
        return [key for key in self._groups if key not in self.resting]

    async def _next_look_at(self) -> datetime:
        now = self._clock()
        over_until = self.pace.over_budget_until(now)
        if over_until is not None:
            return over_until
        keys, waiting = self._awake(), self.pace.not_asking(now)
        asking = [key for key in keys if key not in waiting]
        looks = [now + LONGEST_SLEEP]
        for groups, kinds, earliest in (
            (keys, NOT_ASKS, now),
            (asking, [EffectKind.ASK], now),
            (waiting, [EffectKind.ASK], self.pace.next_asking_at(now)),
        ):
            due = await outbox.find_next_due_at(self._database, groups, kinds)
            if due is not None:
                looks.append(max(due, earliest))
        return min(looks)

    def _sleep(self, until: datetime) -> None:
        if self._woken.is_set():
            self.wake()
            return
        seconds = max((until - self._clock()).total_seconds(), 0.05)
        self._timer = asyncio.get_running_loop().call_later(seconds, self.wake)

    async def _run(self, effect: Effect) -> None:
        """Carry out an effect and what follows it in its lane; never raises."""
        following: Effect | None = effect
        try:
            while following is not None:
                following = await self._run_one(following)
                if following is not None and not self._running:
                    # Told to stop: it is as if it had not been taken.
                    await outbox.retry(self._database, following, "stopped", self._clock())
                    return
        except Exception as error:
            # What came of it could not be written down; it is found again when nothing else is
            # in hand.
            self._suspect = True
            if not isinstance(error, RecordUnavailableError):
                log.exception("The outcome of an effect could not be recorded")

    async def _run_one(self, effect: Effect) -> Effect | None:
        now = self._clock()
        if effect.kind is EffectKind.ASK:
            self.pace.spend(effect.group_key, now)
        self._begun[effect.id] = time.monotonic()
        try:
            outcome = await self._actions.perform(effect)
            if outcome == "asked" and self.pace.end_break(now):
                await self._dms_flow_again()
            if outcome is not None:
                return await outbox.finish(self._database, effect, outcome, self._clock())
        except CannotYetError as error:
            await self._cannot_yet(effect, error.alarm)
        except discord.HTTPException as error:
            await self._refused(effect, error.status, error.code)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            await self._try_again(effect, type(error).__name__)
        except RecordUnavailableError:
            raise
        except Exception as error:
            log.exception("Effect %d (%s) failed", effect.id, effect.kind)
            await self._try_again(effect, type(error).__name__)
        finally:
            del self._begun[effect.id]
        return None

    async def _dms_flow_again(self) -> None:
        alarms, now = [AlarmKind.DIRECT_MESSAGES_PAUSED], self._clock()
        for group_key in self._groups:
            await outbox.all_clear(self._database, group_key, [EffectKind.ASK], alarms, now)

    async def _cannot_yet(self, effect: Effect, alarm: AlarmKind | None) -> None:
        if alarm is None:
            await self._try_again(effect, "cannot be done yet")
        elif effect.kind in (EffectKind.ALARM, EffectKind.REPORT):
            log.warning("Group %s: cannot write in the moderators' channel", effect.group_key)
            await outbox.hold(self._database, effect, None, alarm, self._clock())
        else:
            log.warning("Effect %d (%s) is held: %s", effect.id, effect.kind, alarm)
            await outbox.hold(self._database, effect, alarm, alarm, self._clock())

    async def _refused(self, effect: Effect, status: int, code: int) -> None:
        verdict, now = verdict_on(status, code), self._clock()
        log.info("Effect %d (%s): %s (%d, %d)", effect.id, effect.kind, verdict, status, code)
        match verdict:
            case Verdict.RETRY:
                await self._try_again(effect, f"http {status}")
            case Verdict.PAUSE:
                until = self.pace.take_a_break(code, now)
                await outbox.retry(self._database, effect, f"paused {code}", until)
                pause = AlarmKind.DIRECT_MESSAGES_PAUSED
                await outbox.raise_alarm(self._database, effect.group_key, pause, now)
            case Verdict.BLOCKED:
                await outbox.record_blocked(self._database, effect, code, now)
            case Verdict.GONE:
                await outbox.drop_gone(self._database, effect, code, now)
            case Verdict.HOLD | Verdict.MISSING | Verdict.REFUSED:
                await self._set_aside(effect, code or status, now)

    async def _set_aside(self, effect: Effect, code: int, now: datetime) -> None:
        """Discord will not do this as things are: no blind retry, and somebody is told."""
        match effect.kind:
            case EffectKind.ALIGN_ROLE:
                alarm = _ROLE_ALARMS.get(code, AlarmKind.ROLE_TOO_HIGH)
                await outbox.hold(self._database, effect, alarm, f"refused {code}", now)
            case EffectKind.PANEL:
                alarm = AlarmKind.CHANNEL_GONE
                await outbox.hold(self._database, effect, alarm, f"refused {code}", now)
            case EffectKind.ASK:
                await outbox.record_blocked(self._database, effect, code, now)
            case EffectKind.ALARM | EffectKind.REPORT:
                await outbox.hold(self._database, effect, None, f"refused {code}", now)
            case EffectKind.REMOVE:
                alarm = AlarmKind.KICK_MISSING
                await outbox.hold(self._database, effect, alarm, f"refused {code}", now)
            case EffectKind.CASE_NOTICE:
                alarm = AlarmKind.CASES_UNSEEN
                await outbox.hold(self._database, effect, alarm, f"refused {code}", now)
            case EffectKind.NOTICE | EffectKind.LETTER | EffectKind.CASE_CALL:
                await outbox.drop(self._database, effect, f"refused {code}", now)

    async def _try_again(self, effect: Effect, outcome: str) -> None:
        due_at = self._clock() + retry_delay(effect.attempts, random.random())  # noqa: S311
        await outbox.retry(self._database, effect, outcome, due_at)
