"""What changes when Tandem works with its sandbox: addresses, time, and how long things take there.

Rules: what a person configured wins; the sandbox fills in what stands at its default. A data directory in which `tandem run` keeps
a sandbox says so in `sandbox.json`, so that a second terminal finds it by itself; a note whose sandbox is gone is passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tandem.clock import SystemClock
from tandem.config import Config, Setting
from tandem.connectors.http import JsonObject, as_object, make_client, object_at, parse, text_at
from tandem.errors import Malformed, TandemError, Unavailable

NOTE_NAME = "sandbox.json"
FOLDER_NAME = "sandbox"
#: The sandbox's own; it opens nothing else.
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105
REFRESH_TOKEN = "sandbox-google-refresh"  # noqa: S105
API_TOKEN = "sandbox-pipedrive-token"  # noqa: S105
#: In a sandbox of Tandem's own; clients that somebody has configured for the real services are of no use there.
OWN_CLIENTS = {
    f"{service}_CLIENT_{part}": value
    for service in ("GOOGLE", "PIPEDRIVE")
    for part, value in (("ID", CLIENT_ID), ("SECRET", CLIENT_SECRET))
}
_PATIENCE_S = 3.0
#: Nobody types into the sandbox while a contact is being made; a new one need not wait long.
BIRTH_QUIET_S = "2"


@dataclass(frozen=True, slots=True)
class SandboxControl:
    """The control API of a sandbox. Raises Unavailable when it does not answer, Malformed for nonsense."""

    url: str
    transport: httpx2.BaseTransport | None = None

    def call(self, method: str, name: str, body: JsonObject | None = None, **query: str) -> JsonObject:
        """One control call. A refusal is an `error` in the answer."""
        client = make_client(timeout_s=_PATIENCE_S, transport=None if self.transport is None else _Kept(self.transport))
        try:
            with client:
                answer = client.request(method, f"{self.url}/_sandbox/{name}", json=body, params=query)
        except httpx2.HTTPError:
            raise Unavailable(f"There is no sandbox at {self.url}; `tandem sandbox` starts one.", service="sandbox") from None
        return as_object(parse(answer.content), "the sandbox's answer")

    def offset_s(self) -> float:
        """How far the sandbox's clock is ahead."""
        offset = self.call("GET", "clock").get("offset_s")
        if not isinstance(offset, (int, float)):
            raise Malformed("the sandbox does not say what time it is", service="sandbox")
        return float(offset)

    def register_redirect(self, service: str, uri: str) -> None:
        """What a person does in the services' consoles: say where answers may go."""
        if service == "google":
            self.call("POST", "edit", {"service": service, "op": "register_redirect", "redirect_uri": uri})
        else:
            self.call("POST", "switches", {"service": service, "name": "oauth_callback", "value": uri})

    def lag_s(self, service: str) -> float:
        """How old a read of that service may be."""
        switches = object_at(self.call("GET", "switches"), service)
        lags = [value for name in ("read_lag_s", "get_lag_s") if isinstance(value := switches.get(name), (int, float))]
        return max(lags, default=0.0)


def clock_of(config: Config) -> SystemClock:
    """The time by which an installation lives: that of its sandbox, where it has one that answers."""
    try:
        return SystemClock(SandboxControl(config.url("SANDBOX_URL")).offset_s() if config.text("SANDBOX_URL") else 0.0)
    except TandemError:
        return SystemClock()


class _Kept(httpx2.BaseTransport):
    """A shared transport that a client of the moment does not close."""

    def __init__(self, transport: httpx2.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass the request on."""
        return self._transport.handle_request(request)


def find_running(config: Config) -> Config:
    """The configuration of the sandbox that `tandem run` keeps in the data directory, if one is up; else as it was."""
    if config.text("SANDBOX_URL"):
        return config
    path = config.data_dir / NOTE_NAME
    try:
        note = as_object(parse(path.read_bytes()), NOTE_NAME)
        url, folder = text_at(note, "url"), text_at(note, "data_dir")
        SandboxControl(url).offset_s()
    except (OSError, TandemError):
        return config
    return config_with(config, {"SANDBOX_URL": url, "DATA_DIR": folder, "DATABASE_URL": "", **OWN_CLIENTS}, str(path), is_forced=True)


def write_note(data_dir: Path, url: str, folder: Path) -> None:
    """Tell other terminals where the sandbox is."""
    (data_dir / NOTE_NAME).write_text(json.dumps({"url": url, "data_dir": str(folder)}) + "\n", "utf-8")


def drop_note(data_dir: Path) -> None:
    """There is no sandbox any more."""
    (data_dir / NOTE_NAME).unlink(missing_ok=True)


def fitted(config: Config, control: SandboxControl) -> Config:
    """The configuration with the sandbox's addresses, client and delays wherever nothing else is set."""
    url = control.url
    values = {
        "GOOGLE_API_URL": f"{url}/google",
        "GOOGLE_AUTH_URL": f"{url}/google/o/oauth2/v2/auth",
        "GOOGLE_TOKEN_URL": f"{url}/google/token",
        "GOOGLE_REVOKE_URL": f"{url}/google/revoke",
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "PIPEDRIVE_API_URL": f"{url}/pipedrive",
        "PIPEDRIVE_OAUTH_URL": f"{url}/pipedrive/oauth",
        "PIPEDRIVE_CLIENT_ID": CLIENT_ID,
        "PIPEDRIVE_CLIENT_SECRET": CLIENT_SECRET,
        "GOOGLE_READ_LAG_S": f"{control.lag_s('google') + 1:g}",
        "PIPEDRIVE_READ_LAG_S": f"{control.lag_s('pipedrive') + 1:g}",
        "BIRTH_QUIET_S": BIRTH_QUIET_S,
    }
    return config_with(config, values, "the sandbox")


def config_with(config: Config, values: dict[str, str], source: str, *, is_forced: bool = False) -> Config:
    """A configuration with other values, where they stand at their defaults or anyhow."""
    changed = {name: Setting(name, text, source) for name, text in values.items() if is_forced or config.settings[name].source == "default"}
    return Config({**config.settings, **changed})
