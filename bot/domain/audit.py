"""What can be found wrong when the ledger and the record are compared with each other."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.agreements import AgreementVersion, Change, Signature, VersionState
from bot.domain.ledger import (
    ENDINGS,
    GENESIS,
    Entry,
    Facts,
    Head,
    LedgerKind,
    agrees,
    fact_in,
    facts_of_ending,
    facts_of_publish,
    facts_of_signing,
    kind_of_ending,
    subject_of,
)
from bot.domain.translations import Translation, languages_and_hashes


class Flaw(StrEnum):
    """What is wrong with an entry, a version or a signature."""

    GAP = "gap"
    CHANGED = "changed"
    """The hash is not the one that the entry has after the one before it."""
    PAYLOAD = "payload"
    """The entry does not say what it committed to."""
    ERASED = "erased"
    """What it said was destroyed, and no later entry records that."""
    CHECKPOINT = "checkpoint"
    """It does not cover what stands before it."""
    HEAD_MISSING = "head_missing"
    HEAD_OTHER = "head_other"

    TEXT = "text"
    """The text of a version has another hash than the version says."""
    VERSION = "version"
    """A version says something else than the entry of its publishing."""
    VERSION_MISSING = "version_missing"
    VERSION_UNRECORDED = "version_unrecorded"
    VERSION_NOT_LAST = "version_not_last"
    """Another version is in force than the one that was published last."""

    SIGNATURE_TEXT = "signature_text"
    """A signature stands for another text than its version has."""
    SIGNATURE = "signature"
    SIGNATURE_UNRECORDED = "signature_unrecorded"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_TWICE = "signature_twice"
    ENDING = "ending"
    ENDING_UNRECORDED = "ending_unrecorded"
    ENDING_UNDONE = "ending_undone"
    """An entry ends a signature, and there is none that ended by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not fit; it never names a person.

    `position` is that of the entry where it shows, `until` the last one of a gap; `receipt`
    names a signature, `number` a version of the group.
    """

    flaw: Flaw
    position: int | None = None
    until: int | None = None
    group_key: str | None = None
    receipt: str | None = None
    number: int | None = None


class Chain:
    """Walks through the entries in order; `head` is the last one it saw."""

    def __init__(self) -> None:
        self.head = Head(position=0, hash=GENESIS)
        self._follows: set[str] | None = {GENESIS}

    def check(self, entry: Entry) -> Iterator[Finding]:
        """What is wrong with the next entry."""
        expected = self.head.position + 1
        if entry.position != expected:
            yield Finding(flaw=Flaw.GAP, position=expected, until=entry.position - 1)
            # The hash of the one before it is gone: whether this one followed it cannot be told.
            self._follows = None
        hashes = {entry.hash}
        if self._follows is not None:
            computed = {entry.hash_after(previous) for previous in self._follows}
            if entry.hash not in computed:
                yield Finding(flaw=Flaw.CHANGED, position=entry.position)
                # Either its hash or the rest was changed: the next one may follow what it was.
                hashes |= computed
        if not entry.keeps_its_word():
            yield Finding(flaw=Flaw.PAYLOAD, position=entry.position)
        self._follows = hashes
        self.head = Head(position=entry.position, hash=entry.hash)


def text_finding(
    version: AgreementVersion, translations: Iterable[Translation] = ()
) -> Finding | None:
    """Whether the text of a version, and its translations, are those whose hashes they bear."""
    texts: Iterable[AgreementVersion | Translation] = (version, *translations)
    if all(hashlib.sha256(one.text.encode()).hexdigest() == one.sha256 for one in texts):
        return None
    return Finding(flaw=Flaw.TEXT, group_key=version.group_key, number=version.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version's row without its text."""

    group_key: str
    number: int
    state: VersionState
    published_at: datetime | None
    outdated_at: datetime | None
    translations: str
    facts: Facts

    @classmethod
    def of(cls, version: AgreementVersion, translations: Iterable[Translation] = ()) -> "Published":
        """Keep what is compared later."""
        return cls(
            group_key=version.group_key,
            number=version.number,
            state=version.state,
            published_at=version.published_at,
            outdated_at=version.outdated_at,
            translations=languages_and_hashes(translations),
            facts=facts_of_publish(version),
        )


class Publications:
    """Compares the versions with the entries of their publishing.

    `recorded` holds group and number of the versions that have one.
    """

    def __init__(self, versions: Iterable[Published]) -> None:
        self._rows: dict[tuple[object, object], Published] = {
            (version.group_key, version.number): version for version in versions
        }
        self._last: dict[str, int] = {}
        self.recorded: set[tuple[str, int]] = set()

    def check(self, entry: Entry) -> Iterator[Finding]:
        """What is wrong with the version whose publishing this entry records."""
        version = self._find(entry)
        if version is None or version.state is VersionState.DRAFT:
            yield Finding(
                flaw=Flaw.VERSION_MISSING, position=entry.position, group_key=entry.group_key
            )
            return
        self.recorded.add((version.group_key, version.number))
        self._last[version.group_key] = version.number
        if entry.payload is None:
            return
        # Compared by itself: an entry that names none says that there were none.
        translations = fact_in(entry.payload, "translations") or ""
        is_same = agrees(entry.payload, version.facts) and translations == version.translations
        if not is_same:
            yield Finding(
                flaw=Flaw.VERSION,
                position=entry.position,
                group_key=version.group_key,
                number=version.number,
            )

    def _find(self, entry: Entry) -> Published | None:
        if entry.payload is not None:
            number = fact_in(entry.payload, "number")
            return self._rows.get((entry.group_key, number))
        same = (
            version
            for version in self._rows.values()
            if version.group_key == entry.group_key and version.published_at == entry.recorded_at
        )
        return next(same, None)

    def rest(self) -> Iterator[Finding]:
        """After the last entry: versions in force or superseded that no entry tells of."""
        for version in self._rows.values():
            group_key, number = version.group_key, version.number
            if version.state is VersionState.DRAFT or group_key not in self._last:
                continue
            first = min(n for key, n in self.recorded if key == group_key)
            if (group_key, number) not in self.recorded and number > first:
                yield Finding(flaw=Flaw.VERSION_UNRECORDED, group_key=group_key, number=number)
            is_last = number == self._last[group_key]
            if is_last is not (version.state is VersionState.PUBLISHED):
                yield Finding(flaw=Flaw.VERSION_NOT_LAST, group_key=group_key, number=number)
            if version.outdated_at != self._outdated_at(version):
                yield Finding(flaw=Flaw.VERSION, group_key=group_key, number=number)

    def _outdated_at(self, version: Published) -> object:
        """When a text stops counting, as the first material change after it says."""
        changes = (
            newer
            for newer in sorted(self._rows.values(), key=lambda row: row.number)
            if newer.group_key == version.group_key
            and newer.number > version.number
            and newer.facts["change"] is Change.MATERIAL
        )
        newer = next(changes, None)
        return None if newer is None else newer.facts["grace_ends_at"] or newer.published_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What an entry says, without its place in the chain."""

    kind: str
    group_key: str | None
    subject: str | None
    payload: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """A signature, the hash of its version's text, and the entries it points at."""

    signature: Signature
    text_sha256: str
    signed: Statement | None
    ended: Statement | None


class Signatures:
    """Compares signatures, by ascending id, with their entries.

    `older` counts those from before the ledger: nothing can be told of them.

    Args:
        key: names the subjects.
        recorded: group and number of the versions that were published with an entry, so that
            whoever signed them has one too.
    """

    def __init__(self, key: bytes, recorded: set[tuple[str, int]]) -> None:
        self._key = key
        self._recorded = recorded
        self._seen_recorded = False
        self.count = 0
        self.older = 0

    def check(self, witnessed: Witnessed) -> Iterator[Finding]:
        """What is wrong with the next signature."""
        signature = witnessed.signature
        self.count += 1
        if signature.sha256 != witnessed.text_sha256:
            yield _about(signature, Flaw.SIGNATURE_TEXT, signature.signed_position)
        if signature.signed_position is None:
            version = (signature.group_key, signature.version_number)
            if self._seen_recorded or version in self._recorded:
                yield _about(signature, Flaw.SIGNATURE_UNRECORDED, None)
            else:
                self.older += 1
        else:
            self._seen_recorded = True
            facts, kinds = facts_of_signing(signature), (LedgerKind.SIGNED,)
            if not self._is_said(witnessed.signed, signature, facts, kinds):
                yield _about(signature, Flaw.SIGNATURE, signature.signed_position)
        yield from self._check_ending(signature, witnessed.ended)

    def _check_ending(self, signature: Signature, ended: Statement | None) -> Iterator[Finding]:
        position = signature.revoked_position
        if signature.revoke_reason is None:
            if position is not None:
                yield _about(signature, Flaw.ENDING_UNDONE, position)
        elif position is None:
            if signature.signed_position is not None:
                yield _about(signature, Flaw.ENDING_UNRECORDED, None)
        else:
            kinds = (kind_of_ending(signature.revoke_reason),)
            if not self._is_said(ended, signature, facts_of_ending(signature), kinds):
                yield _about(signature, Flaw.ENDING, position)

    def _is_said(
        self,
        statement: Statement | None,
        signature: Signature,
        facts: Facts,
        kinds: tuple[LedgerKind, ...],
    ) -> bool:
        return (
            statement is not None
            and statement.kind in kinds
            and statement.group_key == signature.group_key
            and statement.subject == subject_of(self._key, signature.member_id)
            and (statement.payload is None or agrees(statement.payload, facts))
        )


def _about(signature: Signature, flaw: Flaw, position: int | None) -> Finding:
    return Finding(
        flaw=flaw,
        position=position,
        group_key=signature.group_key,
        receipt=signature.receipt_number,
    )


def unanswered(position: int, kind: str) -> Finding:
    """An entry of a signature or of its end that no signature points at."""
    flaw = Flaw.ENDING_UNDONE if kind in ENDINGS else Flaw.SIGNATURE_MISSING
    return Finding(flaw=flaw, position=position)
