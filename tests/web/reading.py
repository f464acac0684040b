"""A page as a person reads it: its text, its links, and its forms with what a browser would send."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "input", "br", "img", "rect", "hr"})
#: What ends a paragraph in a browser.
_BLOCKS = frozenset({"p", "div", "form", "fieldset", "details", "ul", "ol", "dl", "table", "section", "nav", "h1", "h2"})
_SPACE = re.compile(r"\s+")


@dataclass
class Button:
    """What can be pressed; with a name it is sent."""

    text: str = ""
    name: str = ""
    value: str = ""


@dataclass
class Form:
    """One form. `fields` is what is sent when nobody types anything; `choices` what its radio buttons and lists offer."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)

    def button(self, text: str) -> Button | None:
        """The button that says this."""
        return next((one for one in self.buttons if one.text == text), None)


@dataclass
class Found:
    """A page taken apart."""

    text: str = ""
    title: str = ""
    language: str = ""
    links: dict[str, str] = field(default_factory=dict)
    forms: list[Form] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    #: What the policy of our pages would not let run: code and style that stand in the page.
    inline: list[str] = field(default_factory=list)
    #: Elements that were closed out of turn, or never.
    unclosed: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Found()
        self._texts: list[str] = []
        self._open: list[str] = []
        self._form: Form | None = None
        self._button: Button | None = None
        self._link: list[str] | None = None
        self._href = ""
        self._notice: list[str] | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element begins."""
        given = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS and "p" in self._open:
            self.found.unclosed.append(f"{tag} in p")
        if tag not in _VOID:
            self._open.append(tag)
        self._look_for_inline(tag, given)
        match tag:
            case "html":
                self.found.language = given.get("lang", "")
            case "form":
                self._form = Form(given.get("action", ""), given.get("method", "get").lower())
                self.found.forms.append(self._form)
            case "input":
                self._input(given)
            case "button":
                self._button = Button("", given.get("name", ""), given.get("value", ""))
            case "select":
                self._select = given.get("name", "")
            case "option" if self._form is not None:
                self._form.choices.setdefault(self._select, []).append(given.get("value", ""))
                if "selected" in given or self._select not in self._form.fields:
                    self._form.fields[self._select] = given.get("value", "")
            case "a":
                self._href, self._link = given.get("href", ""), []
            case "p" if "notice" in given.get("class", "").split():
                self._notice = []

    def _look_for_inline(self, tag: str, given: dict[str, str]) -> None:
        bad = [name for name in given if name == "style" or name.startswith(("on", "hx-on"))]
        self.found.inline += [f"{tag} {name}" for name in bad]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.inline.append(tag)
        for name in ("src", "href", "action"):
            if given.get(name, "").lower().startswith(("javascript:", "data:")):
                self.found.inline.append(f"{tag} {given[name]}")

    def _input(self, given: dict[str, str]) -> None:
        if self._form is None or "name" not in given:
            return
        name, value, kind = given["name"], given.get("value", ""), given.get("type", "text")
        if kind == "radio":
            self._form.choices.setdefault(name, []).append(value)
        if kind not in {"radio", "checkbox"} or "checked" in given:
            self._form.fields[name] = value

    def handle_endtag(self, tag: str) -> None:
        """One element ends."""
        if tag in _VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.found.unclosed.append(tag)
        match tag:
            case "form":
                self._form = None
            case "button" if self._button is not None:
                if self._form is not None:
                    self._form.buttons.append(self._button)
                self._button = None
            case "a" if self._link is not None:
                self.found.links[_one_line(self._link)] = self._href
                self._link = None
            case "p" if self._notice is not None:
                self.found.notices.append(_one_line(self._notice))
                self._notice = None

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._open and self._open[-1] == "title" and "svg" not in self._open:
            self.found.title += data
        self._texts.append(data)
        for texts in (self._link, self._notice):
            if texts is not None:
                texts.append(data)
        if self._button is not None:
            self._button.text = _one_line([self._button.text, data])

    def done(self) -> Found:
        """All of it."""
        self.close()
        self.found.text = _one_line(self._texts)
        self.found.unclosed += self._open
        return self.found


def _one_line(texts: list[str]) -> str:
    return _SPACE.sub(" ", " ".join(texts)).strip()


def read(html: str) -> Found:
    """Take a page apart."""
    reader = _Reader()
    reader.feed(html)
    return reader.done()
