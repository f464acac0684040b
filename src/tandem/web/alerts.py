"""Telling somebody that a link needs a person: by mail and by a webhook, at most once a day for one matter.

Rules: no contact is in an alert, only the link's number, what is the matter, and where to go; nothing is sent over a network without TLS;
what cannot be sent is tried again a quarter of an hour later, and holds nothing up, because it happens in a thread of its own.
"""

from __future__ import annotations

import logging
import smtplib
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from tandem.app import Tandem
from tandem.app.reasons import REASONS
from tandem.connectors.http import make_client
from tandem.core.state import LinkId
from tandem.engine.holds import HOLD
from tandem.errors import StorageError, TandemError
from tandem.store import models
from tandem.store.alerts import Alerts
from tandem.store.links import LinkState
from tandem.store.moments import brief
from tandem.store.pairs import Pairs
from tandem.store.trouble import told
from tandem.web.words import RECONNECT

EVERY_S = 60.0
#: After something could not be sent.
AGAIN_S = 900.0
_GOING = frozenset({LinkState.ACTIVE.value, LinkState.WAITING.value})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PATIENCE_S = 15.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One matter of one link, in words, and where a person does something about it."""

    link: int
    matter: str
    text: str
    path: str
    to: str
    language: str


class NotSentError(TandemError):
    """An alert could not be sent. Says by which way, and nothing else."""


def alarms(tandem: Tandem, row: models.Link, now: datetime) -> list[Alarm]:
    """What a person should be told about a link now."""
    account = row.left_account
    user = models.User.objects.using(tandem.alias).filter(pk=account.user_id).first() if account.user_id else None
    language = user.language if user is not None and user.language else "en"
    to = account.name if "@" in account.name else ""

    found: list[Alarm] = []

    def add(matter: str, text: str, page: str) -> None:
        path = reverse("settings") if page == "settings" else reverse(page, args=[row.pk])
        found.append(Alarm(row.pk, matter, text, path, to, language))

    with translation.override(language):
        if row.state == LinkState.NEEDS_PERSON.value:
            sentence = REASONS.get(row.reason, REASONS["LinkStopped"]).sentence
            add(row.reason or "LinkStopped", gettext(sentence), "settings" if row.reason in RECONNECT else "link")
        holds = [item for item in Pairs(tandem.alias, LinkId(row.pk)).questions() if item.kind == HOLD and not item.choice]
        if holds:
            add("hold", gettext("Changes are held by the brake until you agree: more than a few at once, or dear ones."), "review")
        after = timedelta(hours=tandem.config.number("ALERT_AFTER_HOURS"))
        since = row.last_success_at or row.created_at
        if row.state in _GOING and now - since > after:
            add("silence", gettext("There has been no successful sync for a long time."), "link")
    return found


class Watchman:
    """Looks after all links of an installation, in a thread, while it is open. `place`: the address of the pages."""

    def __init__(self, tandem: Tandem, place: str) -> None:
        self._tandem = tandem
        self._place = place
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="alerts", daemon=True)

    def __enter__(self) -> Watchman:
        if self.has_way:
            self._thread.start()
        return self

    def __exit__(self, *_of: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1)

    @property
    def has_way(self) -> bool:
        """Whether there is anybody to tell."""
        config = self._tandem.config
        return bool(config.text("SMTP_URL") or config.text("ALERT_WEBHOOK_URL"))

    def _watch(self) -> None:
        wait_s = EVERY_S / 10
        while not self._stop.wait(wait_s):
            wait_s = EVERY_S
            try:
                with told():
                    self.look()
            except (NotSentError, StorageError) as error:
                _log.warning("%s", error)
                wait_s = AGAIN_S

    def look(self) -> int:
        """Tell what there is to tell. Returns how many alerts were sent.

        Raises:
            NotSentError: something could not be sent; it will be tried again.
        """
        tandem, sent = self._tandem, 0
        alerts, now = Alerts(tandem.alias), tandem.clock.now()
        with brief(tandem.alias):
            for row in tandem.links.all():
                for alarm in alarms(tandem, row, now):
                    if not alerts.take(LinkId(row.pk), alarm.matter, now):
                        continue
                    try:
                        self._tell(alarm)
                    except NotSentError:
                        alerts.give_back(LinkId(row.pk), alarm.matter)
                        raise
                    sent += 1
        return sent

    def _tell(self, alarm: Alarm) -> None:
        config, url = self._tandem.config, f"{self._place}{alarm.path}"
        if config.text("ALERT_WEBHOOK_URL"):
            self._post(config.url("ALERT_WEBHOOK_URL"), alarm, url)
        if config.text("SMTP_URL"):
            self._mail(alarm, url)

    def _post(self, address: str, alarm: Alarm, url: str) -> None:
        body = {"link": alarm.link, "matter": alarm.matter, "text": alarm.text, "url": url}
        try:
            with make_client(timeout_s=_PATIENCE_S) as client:
                client.post(address, json=body).raise_for_status()
        except httpx2.HTTPError as error:
            raise NotSentError(f"An alert could not be sent to TANDEM_ALERT_WEBHOOK_URL ({type(error).__name__}).") from None

    def _mail(self, alarm: Alarm, url: str) -> None:
        server = self._tandem.config.mail
        if server is None:
            return
        to = server.to or alarm.to
        if not to:
            return
        has_starttls = not server.is_tls and server.host not in _LOOPBACK
        connection = get_connection(
            "django.core.mail.backends.smtp.EmailBackend", host=server.host, port=server.port, username=server.user,
            password=server.password, use_ssl=server.is_tls, use_tls=has_starttls, timeout=_PATIENCE_S,
        )  # fmt: skip
        with translation.override(alarm.language):
            subject = gettext("Tandem needs you")
            text = "\n\n".join([alarm.text, gettext("What to do is said here: %(url)s") % {"url": url}])
        try:
            EmailMessage(subject, text, server.sender, [to], connection=connection).send()
        except (smtplib.SMTPException, OSError) as error:
            raise NotSentError(f"An alert could not be sent by TANDEM_SMTP_URL ({type(error).__name__}).") from None
