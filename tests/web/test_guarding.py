"""Promises of what protects the pages: headers, names of hosts, errors without details, names that are code, https where it is meant."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from tandem.store import models
from web.addresses import OPEN, addresses
from web.premises import GROUP, HOME, SETTINGS, Browser, Premises, restored

NASTY = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def everywhere(folder: Path) -> Iterator[tuple[Premises, Browser]]:
    """Pages of people whose names are code, in every place where a name may stand."""
    with restored("synced", folder) as premises:
        premises.google_does("create_group", name=NASTY)
        premises.google_does("update", id=premises.google()["Anna"]["id"], names=[{"givenName": "Anna", "familyName": NASTY}])
        premises.contact(NASTY, groups=())
        premises.person(NASTY)
        premises.pipedrive_does("create_filter", name=NASTY, conditions=[{"field": "owner_id", "value": 1}])
        premises.pass_time(600)
        premises.live()
        link = premises.link
        premises.set_link(left_settings={**link.left_settings, "title": NASTY}, sentence=f"It says {NASTY}.")
        models.Account.objects.using(premises.alias).update(name=NASTY)
        for first, last in (("Anna", "Other"), ("Jan", NASTY)):
            premises.google_does("update", id=premises.google()[first]["id"], names=[{"givenName": first, "familyName": last}])
            premises.pipedrive_does("update_person", id=premises.pipedrive()[first]["id"], name=f"{first} {NASTY}x")
        premises.pass_time(600)
        premises.live()
        yield premises, premises.browser()


def test_names_that_are_code_are_only_names(everywhere: tuple[Premises, Browser]) -> None:
    """On every page, in its parts and messages: shown as they are written, and never as code."""
    premises, browser = everywhere
    link, base = premises.link.pk, f"/links/{premises.link.pk}"
    pair = premises.pair("Anna")
    account = models.Account.objects.using(premises.alias).order_by("id")[0].pk
    paths = [one.path for one in addresses(link=link, pair=pair, account=account) if one.name not in OPEN]
    paths += [f"{base}/preview?part={part}" for part in ("questions", "google", "pipedrive", "conflicts", "held", "out")]
    paths += [f"{base}/undo?what=pair:{pair}", f"{base}/history?before=9999", f"{base}/review?kind=match", f"{base}/review?kind=conflict"]
    told = 0
    for path in paths:
        answer = browser.get(path)
        assert "<script>alert" not in answer.text, path
        told += "&lt;script&gt;alert" in answer.text
    assert told >= len(paths) - 8
    browser.post(f"{base}/contacts", text=NASTY)
    assert "<script>alert" not in browser.answer.text
    browser.post(f"{base}/contacts", text='"><script>alert(1)</script>')
    assert "<script>alert" not in browser.answer.text
    browser.get(f"{base}/undo?what={NASTY}")
    assert "script" in browser.page.notices[0]
    assert "<script>alert" not in browser.answer.text
    browser.get(f"{base}/group")
    browser.press("Choose this group", name="")
    browser.get(f"/?next=/{NASTY}")
    assert "<script>alert" not in browser.answer.text


def test_every_page_has_its_headers(everywhere: tuple[Premises, Browser]) -> None:
    """Browsers of the tests look at them on every page; here are those of pages that are not there, and of files."""
    _, browser = everywhere
    for path in ("/nothing", "/links/777", "/links/x", "/static/nothing.css", "/.git/config"):
        answer = browser.get(path)
        assert answer.status_code == 404, path
        assert "There is nothing here" in answer.text
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    for name, kind in (("tandem.css", "text/css"), ("tandem.svg", "image/svg+xml"), ("django_htmx/htmx-2.min.js", "text/javascript")):
        answer = browser.client.get(f"/static/{name}")
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        assert "max-age" in answer.headers["cache-control"]
    for method in ("PUT", "DELETE", "PATCH"):
        assert browser.client.request(method, "/health").status_code in (403, 405)


def test_the_page_loads_what_there_is(everywhere: tuple[Premises, Browser]) -> None:
    """Each file that a page names is served by us."""
    _, browser = everywhere
    found = [part.partition('"')[0] for name in ('src="', 'href="') for part in browser.get("/health").text.split(name)[1:]]
    files = [path for path in found if "/static/" in path]
    assert len(files) == 3
    for path in files:
        assert browser.client.get(path).status_code == 200, path


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "tandem.local:8000", "", "a b"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_by_another_name_nobody_reaches_us(everywhere: tuple[Premises, Browser], host: str, method: str) -> None:
    """Another site's name that points here gets a page that says nothing, whatever it asks for, signed in or not."""
    premises, browser = everywhere
    before = premises.rows()
    for path in ("/", "/health", f"/links/{premises.link.pk}", SETTINGS):
        answer = browser.client.request(method, path, headers={"Host": host})
        assert answer.status_code == 400, (path, host)
        assert "This cannot be read" in answer.text
        assert "Anna" not in answer.text
        assert GROUP not in answer.text
    assert premises.rows() == before


def test_our_own_names_reach_us(everywhere: tuple[Premises, Browser]) -> None:
    """By number and by name of this machine, at any port."""
    _, browser = everywhere
    for host in ("127.0.0.1:8000", "localhost:8000", "127.0.0.1:9999", "[::1]:8000"):
        assert browser.client.get("/", headers={"Host": host}).status_code in (200, 302), host


def test_a_mishap_is_a_page_without_details(synced: Premises, browser: Browser) -> None:
    """What nobody has foreseen - here a damaged row - is a page in our words; nothing of it is shown."""
    synced.set_link(policy={"direction": "Anna Nowak"})
    for path in (f"/links/{synced.link.pk}/rules", f"/links/{synced.link.pk}/rules?x=secret"):
        answer = browser.get(path)
        assert answer.status_code == 500
        assert "Something unforeseen happened. Your contacts are not touched by it" in browser.page.text
        assert not any(word in answer.text for word in ("Anna", "secret", "Error", "File", "policy"))
    assert len(synced.mishaps) == 2
    synced.mishaps.clear()


def test_a_database_that_is_gone_is_a_page_too(synced: Premises, browser: Browser, capfd: pytest.CaptureFixture[str]) -> None:
    """Not even the frame of the page can be filled: still a page, and nothing on the console."""
    _rename(synced, "store_link", "store_gone")
    _rename(synced, "store_session", "store_no_session")
    answer = browser.client.get("/health")
    _rename(synced, "store_gone", "store_link")
    _rename(synced, "store_no_session", "store_session")
    assert answer.status_code == 500
    assert "Something unforeseen happened" in answer.text
    assert "store_" not in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "unsafe" not in answer.headers.get("content-security-policy", "")
    assert capfd.readouterr() == ("", "")
    assert synced.mishaps
    synced.mishaps.clear()


def _rename(premises: Premises, table: str, name: str) -> None:
    with connections[premises.alias].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {name}")
    connections[premises.alias].close()


def test_a_body_that_is_too_large(everywhere: tuple[Premises, Browser]) -> None:
    """More than a megabyte, or thousands of fields: 400, and a page."""
    premises, browser = everywhere
    browser.get("/health")
    for fields in ({"text": "x" * 1_100_000}, {f"f{number}": "x" for number in range(5_001)}):
        browser.post(f"/links/{premises.link.pk}/contacts", **fields)
        assert browser.answer.status_code in (400, 413)
        assert browser.page.text


@pytest.mark.parametrize("body", [b"\xff\xfe", b"text=%FF%FE", b"text=%00", b"csrfmiddlewaretoken=%00"])
def test_bytes_that_are_no_text(everywhere: tuple[Premises, Browser], body: bytes) -> None:
    """Never a mishap."""
    premises, browser = everywhere
    token = browser.token()
    content = body + b"&csrfmiddlewaretoken=" + token.encode()
    answer = browser.client.post(
        f"/links/{premises.link.pk}/contacts",
        content=content,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Origin": HOME},
    )
    assert answer.status_code in (200, 400, 403)


def test_languages(everywhere: tuple[Premises, Browser]) -> None:
    """As the browser asks, then as was chosen; a language that there is not changes nothing, and one stays where one was."""
    premises, browser = everywhere
    stranger = premises.browser(signed_in=False, **{"Accept-Language": "pl,en;q=0.5"})
    assert stranger.get("/").headers["content-language"] == "pl"
    assert stranger.page.language == "pl"
    stranger.press("English")
    assert stranger.get("/").headers["content-language"] == "en"
    browser.get("/health")
    browser.press("Polski")
    assert (browser.path, browser.page.language) == ("/health", "pl")
    browser.post("/language", language="xx", next="/health")
    assert (browser.path, browser.page.language) == ("/health", "pl")
    elsewhere = premises.browser()
    elsewhere.get("/health")
    assert elsewhere.page.language == "pl"
    elsewhere.press("English")
    assert browser.get("/health").headers["content-language"] == "en"


_HTTPS = """
import json, sys
from pathlib import Path
from tandem.store import setup
setup.prepare()
import httpx2
from django.conf import settings
from django.core.management import call_command
from tandem.app import Tandem
from tandem.config import load
from tandem.web.serving import Pages
from tandem.web.site import Site

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
with Tandem(load()) as tandem:
    site = Site.of(tandem)
    pages = Pages(site)
    call_command("check", deploy=True, fail_level="INFO", stdout=sys.stderr)
    client = httpx2.Client(transport=httpx2.WSGITransport(app=pages), base_url="http://tandem.example.com")
    plain = client.get("/health?x=1")
    proxied = {"X-Forwarded-Proto": "https"}
    client = httpx2.Client(transport=httpx2.WSGITransport(app=pages), base_url="https://tandem.example.com", headers=proxied)
    shown = client.get(site.welcome_path)
    token = shown.text.partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    fields = {"password": "a few words in a row", "csrfmiddlewaretoken": token}
    forged = client.post(site.welcome_path, data=fields, headers={"Referer": "https://evil.test/"})
    entered = client.post(site.welcome_path, data=fields, headers={"Origin": "https://tandem.example.com"})
    home = client.get("/settings/personal/google-contacts")
    other = client.get("/", headers={"Host": "127.0.0.1"})
    print(json.dumps({
        "plain": [plain.status_code, plain.headers.get("location")], "hsts": shown.headers.get("strict-transport-security"),
        "cookies": [*shown.headers.get_list("set-cookie"), *entered.headers.get_list("set-cookie")],
        "forged": forged.status_code, "entered": [entered.status_code, entered.headers.get("location")], "home": home.status_code,
        "other": other.status_code, "key": len(settings.SECRET_KEY),
    }))
"""


def test_https_where_it_is_meant(tmp_path: Path) -> None:
    """With an https address: cookies for this host alone and never in the clear, a redirection, HSTS, and nothing for Django to warn of."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")},
        "TANDEM_DATA_DIR": str(tmp_path / "data"), "TANDEM_BASE_URL": "https://tandem.example.com",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", _HTTPS], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "System check identified no issues" in done.stderr
    told = json.loads(done.stdout)
    assert told["plain"] == [301, "https://tandem.example.com/health?x=1"]
    assert told["hsts"] == "max-age=31536000"
    assert (told["forged"], told["entered"], told["home"]) == (403, [302, SETTINGS], 200)
    assert told["other"] == 400
    assert told["key"] == 64
    cookies = {text.partition("=")[0].strip(): text for text in told["cookies"]}
    assert set(cookies) == {"__Host-tandem", "__Host-tandem-form"}
    for text in cookies.values():
        for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert word in text.split("; "), text
        assert "Domain" not in text
