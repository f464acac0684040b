"""Previews that take their time: made in a thread, kept in memory for a while, and read page by page.

Rules: one at a time for a link; what it ended with, an error too, stays until it is asked for anew or grows old. A preview holds contact
data, so it is on no disk, and gone with the process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tandem.app.estimates import Estimate, estimate
from tandem.engine.preview import Preview
from tandem.errors import TandemError
from tandem.store.moments import brief

if TYPE_CHECKING:
    from tandem.app.root import Tandem

#: What is older says little about now.
LIFE = timedelta(minutes=30)


@dataclass(slots=True)
class Made:
    """One preview: under way, shown, or failed with a sentence."""

    begun_at: datetime
    shown: Preview | None = None
    cost: Estimate | None = None
    sentence: str = ""
    #: How far it has come, in words.
    news: str = ""
    is_over: threading.Event = field(default_factory=threading.Event)


class Previews:
    """The previews of one installation."""

    def __init__(self, tandem: Tandem) -> None:
        self._tandem = tandem
        self._made: dict[int, Made] = {}
        self._lock = threading.Lock()

    def of(self, link: int, *, is_anew: bool = False) -> Made:
        """The preview of a link; it is begun when there is none that is young enough, or when it is asked for anew."""
        now = self._tandem.clock.now()
        with self._lock:
            self._made = {number: made for number, made in self._made.items() if abs(now - made.begun_at) < LIFE}
            made = self._made.get(link)
            if made is not None and not (is_anew and made.is_over.is_set()):
                return made
            made = self._made[link] = Made(now)
        threading.Thread(target=self._make, args=(link, made), name=f"preview of link {link}", daemon=True).start()
        return made

    def drop(self, link: int) -> None:
        """It says nothing any more: the link was changed."""
        with self._lock:
            self._made.pop(link, None)

    def _make(self, link: int, made: Made) -> None:
        def tell(line: str, /, **_counts: object) -> None:
            made.news = line

        try:
            with brief(self._tandem.alias):
                made.shown = self._tandem.preview(link, news=tell)
                made.cost = estimate(made.shown, self._tandem.config)
        except TandemError as error:
            made.sentence = str(error)
        except Exception as error:  # nobody reads what a thread raises; the page says it
            made.sentence = f"Something unforeseen happened ({type(error).__name__}); nothing was changed."
        finally:
            made.is_over.set()
