"""A real browser, a sandbox in a process of its own, and commands in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cli.conftest import Line, Told, small_book
from tandem.app.sandboxed import SandboxControl

#: Debian's Chromium, or what others call it; never one that playwright fetches.
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Far more than it takes, for machines that are busy.
PATIENCE_S = 90


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a module, and no longer: while it is open, Django takes this thread for an asynchronous one."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"NO BROWSER: none of {', '.join(NAMES)} is installed, so connecting accounts in the browser is not tried")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh person's page, on which nothing may offend the policy of a page."""
    context = browser.new_context(viewport={"width": 900, "height": 640})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    expect.set_options(timeout=PATIENCE_S * 1000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert [text for text in said if "Content Security Policy" in text or "Refused" in text] == []


@dataclass
class AsideLine(Line):
    """A command line whose commands run in a thread of their own, away from the browser's event loop."""

    def __call__(self, *words: object, stdin: str | None = None) -> Told:
        """Run one command."""
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(super().__call__, *words, stdin=stdin).result()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxControl]:
    """A sandbox that ends with us."""
    words = [sys.executable, "-P", "-m", "tandem", "sandbox", "--port", "0", "--seed-book", "empty", "--with-parent", "--json"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean())
    assert process.stdout is not None
    assert process.stdin is not None
    yield SandboxControl(json.loads(process.stdout.readline())["url"])
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def tandem(sandbox: SandboxControl, tmp_path: Path) -> Line:
    """A command line beside a small address book, with a port of its own for answers."""
    line = small_book(AsideLine(tmp_path, sandbox))
    line.more["TANDEM_BASE_URL"] = f"http://127.0.0.1:{free_port()}"
    return line


def clean() -> dict[str, str]:
    """The environment without settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Adding:
    """A `tandem account add` that waits for its answer."""

    process: subprocess.Popen[str]
    address: str = ""
    lines: list[str] = field(default_factory=list)

    def end(self, pasted: str | None = None) -> Told:
        """What it says at its end."""
        out, err = self.process.communicate(pasted, timeout=PATIENCE_S)
        return Told(self.process.returncode, out, "".join(self.lines) + err)


@contextmanager
def adding(line: Line, service: str, *more: str, **environment: str) -> Iterator[Adding]:
    """Start it, and read on until it waits. It does not outlive the test."""
    # Tests that run in the background ignore Ctrl-C, and what they start would, too.
    words = ["env", "--default-signal=INT", sys.executable, "-P", "-m", "tandem", "account", "add", service, *more]
    variables = {**clean(), **line.environment, **environment}
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)
    added = Adding(process)
    assert process.stderr is not None
    try:
        for text in process.stderr:
            added.lines.append(text)
            if text.startswith("  http"):
                added.address = text.strip()
            if text.startswith(("Waiting", "Paste")):
                break
        assert added.address, added.lines
        yield added
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def allow(page: Page, address: str) -> None:
    """A person who says yes to everything."""
    page.goto(address)
    allowed(page)


def allowed(page: Page) -> None:
    """Yes to everything on the consent page that is open."""
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Continue").or_(page.get_by_role("button", name="Accept")).click()


def connect(page: Page, line: Line, service: str, *more: str) -> Told:
    """The whole way, to a page that says connected."""
    with adding(line, service, "--no-browser", *more) as added:
        allow(page, added.address)
        expect(page.get_by_role("heading")).to_have_text(f"{service.title()} is connected")
        return added.end()
