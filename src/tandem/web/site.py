"""What the pages of one process have in common: the installation, previews being made, and the link of the first start."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tandem.app import Tandem
from tandem.app.patience import Patience
from tandem.app.previews import Previews
from tandem.store.users import Users


@dataclass(slots=True)
class Site:
    """One installation with its pages. `tandem` is opened for the pages alone; the cycles have their own."""

    tandem: Tandem
    previews: Previews
    users: Users
    #: Wrong passwords.
    patience: Patience
    #: Opens the page where the first password is set; known to whoever reads the console.
    welcome_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @classmethod
    def of(cls, tandem: Tandem) -> Site:
        """The pages of an installation."""
        return cls(tandem, Previews(tandem), Users(tandem.alias), Patience(tandem.clock))

    @property
    def is_new(self) -> bool:
        """Whether nobody has set a password yet."""
        return self.users.operator() is None

    @property
    def welcome_path(self) -> str:
        """The path of the page where the first password is set."""
        return f"/welcome/{self.welcome_token}"

    def welcomes(self, token: str) -> bool:
        """Whether somebody comes by the link of the first start, and it is still good for something."""
        return self.is_new and hmac.compare_digest(token.encode(), self.welcome_token.encode())


_current: ContextVar[Site] = ContextVar("site")


def here() -> Site:
    """The site that the request under way is for."""
    return _current.get()


@contextmanager
def being(site: Site) -> Iterator[None]:
    """Within, `here` is this one."""
    token = _current.set(site)
    try:
        yield
    finally:
        _current.reset(token)
