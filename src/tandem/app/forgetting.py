"""Forgetting a contact: what is kept of it is shown, and then erased, in all links.

Rules (decided here): erased are history, journal, bases, shadows and questions of every contact that holds the text, and the file
is built anew; nothing is deleted in Google or Pipedrive. What is still there is left out of the sync from then on, since syncing
it would store it again; `tandem exclude LINK ID --off` takes it in again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tandem.app.taking_back import held
from tandem.core.state import LinkId
from tandem.engine.preview import name_of
from tandem.errors import StorageError, WrongInput
from tandem.store import models
from tandem.store.contents import decode_contact
from tandem.store.erasing import Erasing, Traces

if TYPE_CHECKING:
    from tandem.app.root import Tandem

#: Shorter texts would be found in nearly everybody.
SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What one link keeps: how many contacts, and how they are called."""

    link: int
    contacts: int
    records: int
    names: tuple[str, ...]


def look(tandem: Tandem, text: str) -> list[Found]:
    """What is kept of contacts that hold this text, by link. Raises WrongInput for a text that is too short."""
    return [_told(traces) for traces in _traces(tandem, text)]


def forget(tandem: Tandem, text: str) -> list[Found]:
    """Erase it.

    Raises:
        WrongInput: the text is too short, or a write to one of them has no answer yet.
        LeaseLost: another process is at work on a link all the time.
        StorageError: it is erased, but the file could not be cleaned.
    """
    erasing, told = Erasing(tandem.alias), []
    for link in [traces.link for traces in _traces(tandem, text)]:
        with held(tandem, link) as bench, erasing.overwriting(), bench.commit():
            traces = erasing.find(link, text)
            if erasing.is_pending(traces):
                raise WrongInput(f"A write to one of them in link {link} has no answer yet; try again in a few minutes.")
            told.append(_told(traces))
            erasing.erase(traces, tandem.clock.now())
    erasing.scrub()
    return told


def _traces(tandem: Tandem, text: str) -> list[Traces]:
    if len(text.strip()) < SHORTEST:
        raise WrongInput(f"The text must have {SHORTEST} characters at least: it is looked for in every value of every contact.")
    links = models.Link.objects.using(tandem.alias).order_by("id").values_list("id", flat=True)
    found = [Erasing(tandem.alias).find(LinkId(link), text.strip()) for link in links]
    return [traces for traces in found if traces]


def _told(traces: Traces) -> Found:
    names = {name: None for content in traces.contents if (name := _name(content))}
    return Found(int(traces.link), max(len(traces.pairs), 1 if traces.records else 0), len(traces.records), tuple(sorted(names)))


def _name(content: bytes) -> str:
    try:
        return name_of(decode_contact(content))
    except StorageError:
        return ""
