"""A person before the sandbox's pages: looks at them, fills in their forms as a browser would, and follows where a deed leads."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

from tandem.sandbox.control import handle
from tandem.sandbox.wire import Request, Response
from tandem.sandbox.world import World

HOST = "127.0.0.1:8001"
OURS = {"host": HOST, "origin": f"http://{HOST}"}


@dataclass
class Form:
    """A form as it stands on a page: where it leads, and its fields in order."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def __setitem__(self, name: str, value: str) -> None:
        """Type into the first field of that name."""
        self.put(name, 0, value)

    def put(self, name: str, place: int, value: str) -> None:
        """Type into one of several fields of that name."""
        places = [n for n, (other, _) in enumerate(self.fields) if other == name]
        self.fields[places[place]] = (name, value)

    def __getitem__(self, name: str) -> str:
        return next(value for other, value in self.fields if other == name)

    def every(self, name: str) -> list[str]:
        """The values of all fields of that name."""
        return [value for other, value in self.fields if other == name]


class _Forms(HTMLParser):
    """Collects the forms of a page with what a browser would send of each untouched."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._text: str | None = None
        self._name = ""
        self._choices: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        match tag:
            case "form":
                self.forms.append(Form(given.get("action", "")))
            case "input" if name and (given.get("type") not in {"checkbox", "radio"} or "checked" in given):
                self.forms[-1].fields.append((name, given.get("value", "")))
            case "textarea":
                self._text, self._name = "", name
            case "select":
                self._name, self._choices = name, []
            case "option":
                self._choices.append((given.get("value", ""), "selected" in given))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.forms[-1].fields.append((self._name, (self._text or "").removeprefix("\n").replace("\n", "\r\n")))
            self._text = None
        elif tag == "select":
            chosen = next((value for value, is_chosen in self._choices if is_chosen), self._choices[0][0])
            self.forms[-1].fields.append((self._name, chosen))


@dataclass
class Visitor:
    """Somebody with a browser."""

    world: World

    def get(self, address: str, status: int = 200) -> str:
        """Look at a page."""
        parts = urlsplit(address)
        response = handle(self.world, Request("GET", parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True)), {"host": HOST}))
        assert response.status == status, response.body.decode()
        return response.body.decode()

    def form(self, address: str, action: str) -> Form:
        """A form of a page, by the end of where it leads."""
        reader = _Forms()
        reader.feed(self.get(address))
        return next(form for form in reader.forms if urlsplit(form.action).path.endswith(action))

    def send(self, form: Form, **button: str) -> str:
        """Press a button of a form that does what it says: the address that it leads to."""
        response = self.post(form.action, [*form.fields, *button.items()])
        assert response.status == 303, response.body.decode()
        return response.headers["location"]

    def refused(self, form: Form, **button: str) -> str:
        """Press a button of a form that is refused: the page that says why."""
        response = self.post(form.action, [*form.fields, *button.items()])
        assert response.status in {200, 400}, response.status
        return response.body.decode()

    def post(self, address: str, fields: list[tuple[str, str]], headers: dict[str, str] | None = None) -> Response:
        """Send a form."""
        parts = urlsplit(address)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return handle(self.world, Request("POST", parts.path, query, OURS if headers is None else headers, urlencode(fields).encode()))
