"""Webhooks of version 2: subscriptions, the queue of outgoing calls, retries, ban and removal.

Rules: nothing is sent from here; a sender asks for what is due, carries it out and reports the status (`deliver_due`). Deliveries
cost no tokens. Times are seconds since 1970 on the sandbox's clock.
Theory: an event becomes one delivery per subscription that listens and whose user may see the record. A delivery fails without a
2xx within 10 s and is repeated 3, 30 and 150 s later. Ten failed first attempts ban a subscription for 30 minutes, in which
events are lost; three days without a success remove it.
Sources: the vendor's guide to webhooks v2 and its migration guide (payload samples).
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from tandem.sandbox.pipedrive_model import Kind, Object, Source
from tandem.sandbox.service import Switch
from tandem.sandbox.wire import Json

RETRY_AFTER_S = (3.0, 30.0, 150.0)
BAN_AFTER = 10
BAN_S = 30 * 60.0
REMOVE_AFTER_S = 3 * 86_400.0
#: A delivery handed out and not reported on is handed out again after this long.
LEASE_S = 20.0
ACTIONS = ("create", "change", "delete", "*")
OBJECTS = ("activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user", "*")


@dataclass(slots=True)
class Webhook:
    """One subscription."""

    id: int
    user_id: int
    owner_id: int
    name: str
    url: str
    action: str
    object: str
    type: str
    added_at: float
    auth: tuple[str, str] | None = None
    first_failures: int = 0
    banned_until: float = 0.0
    succeeded_at: float | None = None
    failing_since: float | None = None
    last_status: int | None = None
    last_at: float | None = None

    def listens(self, event: Event) -> bool:
        """Whether the event is one of those subscribed to, by somebody who may see the record."""
        return self.action in (event.action, "*") and self.object in (event.kind, "*") and self.user_id in event.permitted

    def shown(self, company_id: int) -> Object:
        """The form that the list call gives; the password is hidden."""
        return {
            "id": self.id,
            "company_id": company_id,
            "owner_id": self.owner_id,
            "user_id": self.user_id,
            "event_action": self.action,
            "event_object": self.object,
            "subscription_url": self.url,
            "version": "2.0",
            "is_active": 1,
            "add_time": _precise(self.added_at),
            "remove_time": None,
            "type": self.type,
            "http_auth_user": self.auth[0] if self.auth else None,
            "http_auth_password": "*****" if self.auth else None,
            "remove_reason": None,
            "last_delivery_time": _precise(self.last_at) if self.last_at is not None else None,
            "last_http_status": self.last_status,
            "admin_id": self.owner_id,
            "name": self.name,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """One change as webhooks tell of it; `extra` holds merged_to_id or merged_from_id."""

    kind: Kind
    action: str
    id: int
    data: Json
    previous: Json
    user_id: int
    source: Source
    permitted: tuple[int, ...]
    at: float
    extra: Object = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One outgoing call, to be answered by `delivered(id, status)`; status 0 means no answer."""

    id: str
    url: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery that waits; `webhook_id` is None for the call that tells an app of its removal."""

    id: str
    webhook_id: int | None
    url: str
    headers: dict[str, str]
    payload: Object
    due_at: float
    attempt: int = 1
    method: str = "POST"

    def delivery(self) -> Delivery:
        """The call itself; its body names the attempt."""
        payload = self.payload
        meta = payload.get("meta")
        if isinstance(meta, dict):
            payload = {**payload, "meta": {**meta, "attempt": self.attempt}}
        return Delivery(self.id, self.url, self.headers, json.dumps(payload, ensure_ascii=False).encode(), self.method)


@dataclass(slots=True)
class Outbox:
    """All subscriptions and everything that waits to be sent."""

    webhooks: dict[int, Webhook] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    next_webhook: int = 1
    next_delivery: int = 1

    def publish(self, event: Event, company_id: int, switches: Mapping[str, Switch], rng: random.Random) -> None:
        """Queue one delivery per subscription that listens."""
        for webhook in self.webhooks.values():
            if not webhook.listens(event) or webhook.banned_until > event.at or _happens(switches["webhook_loss"], rng):
                continue
            payload = _payload(event, webhook, company_id, rng)
            for _ in range(2 if _happens(switches["webhook_duplication"], rng) else 1):
                late = float(switches["webhook_reorder_s"])
                due = event.at + float(switches["webhook_delay_s"]) + (rng.uniform(0, late) if late else 0)
                self.queue(webhook.id, webhook.url, _headers(webhook.auth), payload, due_at=due)

    def queue(
        self, webhook_id: int | None, url: str, headers: dict[str, str], payload: Object, *, due_at: float, method: str = "POST"
    ) -> None:
        """Put one call into the queue."""
        id_ = f"delivery-{self.next_delivery}"
        self.next_delivery += 1
        self.pending[id_] = Pending(id_, webhook_id, url, headers, payload, due_at, method=method)

    def due(self, now: float) -> list[Delivery]:
        """What is to be sent now, the oldest first; each is handed out once, and again when nobody reports on it."""
        ready = sorted((one for one in self.pending.values() if one.due_at <= now), key=lambda one: one.due_at)
        for one in ready:
            self.pending[one.id] = replace(one, due_at=now + LEASE_S)
        return [one.delivery() for one in ready]

    def next_due_at(self) -> float | None:
        """When the next delivery falls due."""
        return min((one.due_at for one in self.pending.values()), default=None)

    def delivered(self, id_: str, status: int, now: float) -> None:
        """What became of a delivery: done, to be repeated, or given up; unknown ids are ignored."""
        pending = self.pending.pop(id_, None)
        if pending is None:
            return
        success = 200 <= status < 300
        webhook = self.webhooks.get(pending.webhook_id) if pending.webhook_id is not None else None
        if pending.webhook_id is not None and webhook is None:
            return
        if not success and pending.attempt <= len(RETRY_AFTER_S):
            wait = RETRY_AFTER_S[pending.attempt - 1]
            self.pending[id_] = replace(pending, attempt=pending.attempt + 1, due_at=now + wait)
        if webhook is not None:
            self._note(webhook, status, first=pending.attempt == 1, now=now)

    def _note(self, webhook: Webhook, status: int, *, first: bool, now: float) -> None:
        webhook.last_status, webhook.last_at = status or None, now
        if 200 <= status < 300:
            webhook.succeeded_at, webhook.failing_since = now, None
            return
        webhook.failing_since = webhook.failing_since if webhook.failing_since is not None else now
        if now - webhook.failing_since >= REMOVE_AFTER_S:
            self.remove(webhook.id)
            return
        if first:
            webhook.first_failures += 1
        if webhook.first_failures >= BAN_AFTER:
            webhook.first_failures, webhook.banned_until = 0, now + BAN_S

    def remove(self, webhook_id: int) -> None:
        """End a subscription and forget what waits for it."""
        self.webhooks.pop(webhook_id, None)
        self.pending = {id_: one for id_, one in self.pending.items() if one.webhook_id != webhook_id}


class Sending(Protocol):
    """What a sender needs of the service; it may be wrapped in the lock of whoever serves the sandbox."""

    def due_deliveries(self, now: datetime | None = None) -> list[Delivery]:
        """Hand out what is due."""

    def delivered(self, id_: str, status: int) -> None:
        """Take note of what became of one."""


def deliver_due(service: Sending, post: Callable[[Delivery], int]) -> int:
    """Send what is due now and report each status; `post` returns 0 when nothing came back. Returns how many were sent."""
    due = service.due_deliveries()
    for delivery in due:
        service.delivered(delivery.id, post(delivery))
    return len(due)


def basic(user: str, password: str) -> str:
    """The value of a Basic authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _headers(auth: tuple[str, str] | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "user-agent": "Pipedrive Webhooks (sandbox)"}
    return {**headers, "authorization": basic(*auth)} if auth else headers


def _payload(event: Event, webhook: Webhook, company_id: int, rng: random.Random) -> Object:
    meta: Object = {
        "action": event.action,
        "company_id": str(company_id),
        "correlation_id": _uuid(rng),
        "entity_id": str(event.id),
        "entity": event.kind,
        "id": _uuid(rng),
        "is_bulk_edit": False,
        "timestamp": _precise(event.at),
        "type": webhook.type,
        "user_id": str(event.user_id),
        "version": "2.0",
        "webhook_id": str(webhook.id),
        "webhook_owner_id": str(webhook.owner_id),
        "change_source": event.source,
        "attempt": 1,
        "host": "sandbox-company.pipedrive.test",
        "permitted_user_ids": [str(id_) for id_ in event.permitted],
        **event.extra,
    }
    return {"data": event.data, "previous": event.previous, "meta": meta}


def _uuid(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def _precise(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _happens(probability: Switch, rng: random.Random) -> bool:
    return bool(probability) and rng.random() < float(probability)
