"""How text and JSON are sent and read on one connection with PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.abc import Buffer
from psycopg.types.json import Jsonb, JsonbDumper
from psycopg.types.string import StrDumperUnknown, TextLoader

from tandem.store.escaping import escaped, escaped_json, unescaped, unescaped_json

if TYPE_CHECKING:
    from psycopg import Connection


class Text(StrDumperUnknown):
    """Text on its way to the server."""

    def dump(self, obj: str) -> Buffer | None:
        """As PostgreSQL takes it."""
        return super().dump(escaped(obj))


class ReadText(TextLoader):
    """Text from the server."""

    def load(self, data: Buffer) -> bytes | str:
        """As it was."""
        text = super().load(data)
        return unescaped(text) if isinstance(text, str) else text


class Data(JsonbDumper):
    """JSON on its way to the server."""

    def dump(self, obj: object) -> Buffer | None:
        """As PostgreSQL takes it."""
        data = super().dump(obj)
        return data if data is None else escaped_json(bytes(data).decode()).encode()


class ReadData(TextLoader):
    """JSON from the server, as text: Django parses it."""

    def load(self, data: Buffer) -> bytes | str:
        """As it was meant."""
        text = super().load(data)
        return unescaped_json(text) if isinstance(text, str) else text


def adapt(connection: Connection[object]) -> None:
    """Have a connection speak so."""
    adapters = connection.adapters
    adapters.register_dumper(str, Text)
    adapters.register_dumper(Jsonb, Data)
    for name in ("text", "varchar"):
        adapters.register_loader(name, ReadText)
    adapters.register_loader("jsonb", ReadData)
