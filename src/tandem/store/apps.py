"""Django's handle on the store."""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """The one Django app of the database."""

    name = "tandem.store"
    label = "store"
