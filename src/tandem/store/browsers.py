"""Signed-in browsers: Django's sessions, in a table of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from tandem.store import models

if TYPE_CHECKING:
    from django.contrib.sessions.base_session import AbstractBaseSession


class SessionStore(DatabaseStore):
    """By this name Django looks for it (SESSION_ENGINE)."""

    @classmethod
    def get_model_class(cls) -> type[AbstractBaseSession]:
        """The table."""
        return models.Session
