"""The pages that the imitated Google shows to a person: choose an account, allow each thing or not, accept or deny."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from tandem.sandbox.wire import Response

_HTML = {"content-type": "text/html; charset=UTF-8", "cache-control": "no-store"}
_FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}}fieldset{{border:1px solid #ccc;margin:1rem 0}}
button{{font:inherit;padding:.4rem 1.2rem;margin-right:.5rem}}small{{color:#555}}</style></head>
<body>{body}<p><small>This is the sandbox, not Google.</small></p></body></html>"""
_WORDS = {
    "https://www.googleapis.com/auth/contacts": "See, edit, download, and permanently delete your contacts",
    "https://www.googleapis.com/auth/contacts.readonly": "See and download your contacts",
}


def consent_page(query: Mapping[str, str], emails: Sequence[str], scopes: Sequence[str]) -> Response:
    """The form; what was asked travels along in hidden fields."""
    hint = query.get("login_hint", "")
    chosen = hint if hint in emails else emails[0]
    hidden = "".join(f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">' for key, value in query.items())
    accounts = "".join(_choice("radio", "account", email, email, checked=email == chosen) for email in emails)
    boxes = "".join(_choice("checkbox", "allow", scope, _WORDS.get(scope, scope)) for scope in scopes)
    body = (
        f"<h1>Sign in</h1><p><b>{escape(query.get('client_id', ''))}</b> wants access to your account.</p>"
        f'<form method="post" action="auth">{hidden}<fieldset><legend>Choose an account</legend>{accounts}</fieldset>'
        f"<fieldset><legend>Select what it can access</legend>{boxes}</fieldset>"
        '<button name="decision" value="accept">Continue</button><button name="decision" value="deny">Cancel</button></form>'
    )
    return Response(200, _HTML, _FRAME.format(title="Sign in", body=body).encode())


def _choice(kind: str, name: str, value: str, text: str, *, checked: bool = False) -> str:
    mark = " checked" if checked else ""
    return f'<label><input type="{kind}" name="{name}" value="{escape(value)}"{mark}> {escape(text)}</label><br>'


def refusal_page(status: int, error: str, text: str) -> Response:
    """What a person sees when the application asked wrongly; nothing is sent back to the application."""
    body = f"<h1>Access blocked</h1><p>{escape(text)}</p><p>Error {status}: {escape(error)}</p>"
    return Response(status, _HTML, _FRAME.format(title=f"Error {status}", body=body).encode())
