"""Pipedrive's webhooks of version 2: what a delivery announces, whose it is, and our subscriptions.

Rules: a delivery is a hint. Of its envelope the kind of record, its id, the action, `update_time` and `merged_to_id` are kept; its
content is never looked at but for that time. Deliveries bear no signature: what tells ours from others is an address that nobody can
guess and random Basic credentials, compared in constant time. Pipedrive drops a subscription after three days without success, and
loses events while it has banned us, so subscriptions are checked, and looking never ends.
Source: Pipedrive's guide to webhooks v2 (payloads, retries after 3, 30 and 150 s, ban after ten failures, forty a user).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tandem.connectors.http import Json, JsonObject, as_object, object_at, parse, text_at
from tandem.connectors.pipedrive.api import Api
from tandem.connectors.pipedrive.codec import whole_seconds
from tandem.core.state import RecordId, Version
from tandem.errors import ConsentNarrowed, Malformed, NotAllowed, NotThere, Rejected
from tandem.replica import Handle, Hint

#: What is subscribed to; a record's every action comes by one subscription.
KINDS = ("person", "organization")
ACTIONS = frozenset({"create", "change", "delete"})
NAME = "Tandem"
_TRACE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Ticket:
    """What Pipedrive shows us with each delivery: the unguessable part of the address, and Basic credentials."""

    place: str
    user: str
    password: str

    @classmethod
    def new(cls) -> Ticket:
        """A random one."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(12), secrets.token_urlsafe(24))

    def opens(self, authorization: str) -> bool:
        """Whether a header of the name Authorization bears these credentials. Takes the same time for any that does not."""
        kind, _, coded = authorization.partition(" ")
        try:
            shown = base64.b64decode(coded.strip(), validate=True)
        except (binascii.Error, ValueError):
            shown = b""
        is_same = hmac.compare_digest(shown, f"{self.user}:{self.password}".encode())
        return is_same and kind.lower() == "basic"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """How our subscriptions stand: their ids, or why there are none. `has_gap`: some had to be made, or have failed since."""

    ids: tuple[str, ...] = ()
    sentence: str = ""
    has_gap: bool = False


def hints_of(content: bytes) -> tuple[Hint, ...]:
    """What a delivery announces; nothing for kinds of records that are not synced. Malformed for anything that is no delivery."""
    delivery = as_object(parse(content), "a delivery")
    meta = object_at(delivery, "meta")
    kind, action = text_at(meta, "entity"), text_at(meta, "action")
    if kind not in KINDS:
        return ()
    if action not in ACTIONS:
        raise Malformed("a delivery announces nothing that is known")
    is_gone, trace = action == "delete", text_at(meta, "correlation_id")[:_TRACE_LENGTH]
    data = delivery.get("data")
    told = text_at(data, "update_time") if isinstance(data, dict) and not is_gone else ""
    version = Version(whole_seconds(told)) if told else Version("")
    survivor = _id(meta.get("merged_to_id")) if meta.get("merged_to_id") is not None else ""
    is_reference = kind != KINDS[0]
    merged_into = RecordId(survivor) if survivor and not is_reference else None
    hint = Hint(_handle(_id(meta.get("entity_id"))), version, is_gone, is_reference, merged_into, trace)
    return (hint, Hint(_handle(survivor), is_reference=is_reference, trace=trace)) if survivor else (hint,)


def _handle(id_: str) -> Handle:
    return Handle(RecordId(id_), id_)


def _id(value: Json) -> str:
    """An id, which envelopes write as text. Malformed for anything that no record can be called."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Malformed("a delivery names no record")
    return text


class Subscriptions:
    """Our subscriptions as one user has them. Raises whatever the door raises, but for what `Subscribed` says in words."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def ensure(self, known: Sequence[str], url: str, ticket: Ticket) -> Subscribed:
        """Make sure that there is one for each kind of record, to this address. Those known that go elsewhere are ended."""
        try:
            there = {_number(row): row for row in self._api.webhooks()}
            ours = {id_: row for id_, row in there.items() if text_at(row, "subscription_url") == url}
            for id_ in [id_ for id_ in known if id_ in there and id_ not in ours]:
                self._end(id_)
            kept: dict[str, str] = {}
            for id_, row in ours.items():
                if row.get("is_active") in (1, True) and text_at(row, "event_object") not in kept:
                    kept[text_at(row, "event_object")] = id_
                else:
                    self._end(id_)
            has_gap = any(kind not in kept for kind in KINDS) or any(_has_failed(ours[id_]) for id_ in kept.values())
            ids = self._complete(kept, url, ticket)
        except ConsentNarrowed:
            return Subscribed(sentence="The app lacks Pipedrive's scope admin, so there are no webhooks, and Pipedrive is asked instead.")
        except NotAllowed:
            return Subscribed(sentence="Pipedrive lets only administrators have webhooks, so it is asked instead.")
        except Rejected as error:
            return Subscribed(sentence=_refusal(error))
        return Subscribed(tuple(ids), has_gap=has_gap)

    def alive(self) -> set[str]:
        """Ids of those that are there and in use."""
        return {_number(row) for row in self._api.webhooks() if row.get("is_active") in (1, True)}

    def _complete(self, kept: Mapping[str, str], url: str, ticket: Ticket) -> list[str]:
        """The ids of all, those that are lacking made. All or none: half of them would tell half."""
        made: list[str] = []
        try:
            made.extend(kept.get(kind) or self._make(kind, url, ticket) for kind in KINDS)
        except Rejected:
            self.end([*made, *kept.values()])
            raise
        return made

    def end(self, ids: Sequence[str]) -> None:
        """End our subscriptions; those that are gone already are passed over."""
        for id_ in ids:
            self._end(id_)

    def _end(self, id_: str) -> None:
        try:
            self._api.delete_webhook(id_)
        except (NotThere, NotAllowed):
            return

    def _make(self, kind: str, url: str, ticket: Ticket) -> str:
        body: JsonObject = {
            "subscription_url": url, "event_action": "*", "event_object": kind, "name": NAME, "version": "2.0",
            "http_auth_user": ticket.user, "http_auth_password": ticket.password,
        }  # fmt: skip
        return _number(self._api.add_webhook(body))


def _number(row: JsonObject) -> str:
    return _id(row.get("id"))


def _has_failed(row: JsonObject) -> bool:
    status = row.get("last_http_status")
    return isinstance(status, int) and not 200 <= status < 300


def _refusal(error: Rejected) -> str:
    if error.status == 422:
        return "The Pipedrive user has as many webhooks as Pipedrive allows; end some there. Until then it is asked instead."
    return f"Pipedrive did not take a webhook (status {error.status}), so it is asked instead: is TANDEM_BASE_URL reachable from outside?"
