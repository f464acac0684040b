"""How values are told in templates: products, times, spans, and words that the engine keeps in English."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext, pgettext

from tandem.app.sides import PRODUCT, TITLE
from tandem.core.contact import Contact
from tandem.core.state import Side
from tandem.engine.telling import name_of
from tandem.web import sentences, words
from tandem.web.site import here

register = template.Library()


@register.filter
def title(of: object) -> str:
    """Google or Pipedrive, from a side or a product's name."""
    if isinstance(of, Side):
        return TITLE[PRODUCT[of]]
    text = str(of)
    return TITLE.get(text) or TITLE[PRODUCT[Side(text)]]


@register.filter
def field(name: object) -> str:
    """A synced field, as people call it."""
    return words.field(str(name))


@register.filter
def planned(kind: object) -> str:
    """What a kind of write would do."""
    return str(words.PLANNED.get(str(kind), kind))


@register.filter
def doubt(name: object) -> str:
    """Why somebody has to decide."""
    return str(words.DOUBTS.get(str(name), ""))


@register.filter
def step(name: object) -> str:
    """What one step of an undo does."""
    return str(words.STEPS.get(str(name), name))


@register.filter
def called(contact: Contact) -> str:
    """How a person would call a contact."""
    return name_of(contact)


@register.filter
def said(sentence: object) -> str:
    """A sentence of the engine in the language of the page, where it is known; else as it is."""
    return sentences.said(str(sentence))


@register.filter
def when(at: datetime | None) -> str:
    """A moment, as far away as it is."""
    if at is None:
        return pgettext("time", "never")
    return date_format(timezone.localtime(at, at.astimezone().tzinfo), gettext("j M Y, H:i"))


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago; or in how long."""
    if at is None:
        return pgettext("time", "never")
    seconds = (here().tandem.clock.now() - at).total_seconds()
    if abs(seconds) < 5:
        return gettext("just now") if seconds >= 0 else gettext("in a moment")
    text = span(abs(seconds))
    return gettext("%(span)s ago") % {"span": text} if seconds > 0 else gettext("in %(span)s") % {"span": text}


@register.filter
def span(seconds: float) -> str:
    """A time span as people say it."""
    if seconds < 90:
        number = max(1, round(seconds))
        return ngettext("%(number)d second", "%(number)d seconds", number) % {"number": number}
    if seconds < 5400:
        number = round(seconds / 60)
        return ngettext("%(number)d minute", "%(number)d minutes", number) % {"number": number}
    if seconds < 172_800:
        number = round(seconds / 3600)
        return ngettext("%(number)d hour", "%(number)d hours", number) % {"number": number}
    number = round(seconds / 86_400)
    return ngettext("%(number)d day", "%(number)d days", number) % {"number": number}
