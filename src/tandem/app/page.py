"""The page that a browser ends on after a consent: what has happened, and what to do now.

Rules: one file that asks for nothing else; no script; nothing in it can be framed, sent on, or kept, and no address is passed on. All
text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from string import Template

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6876;--paper:#f4f6f8;--card:#fff;--line:#dde3e9;--good:#1f7a4d;--bad:#a4541b}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#9aa7b4;--paper:#12171d;--card:#1b222a;--line:#2c3641;--good:#58c08d;--bad:#e2a06a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;justify-content:center;padding:1.5rem;
background:var(--paper);color:var(--ink);font:1.05rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:34rem;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:2.25rem 2.5rem}
.sign{font-size:1.5rem;line-height:2.75rem;width:2.75rem;height:2.75rem;border-radius:50%;text-align:center;
border:2px solid currentColor;margin:0 0 1rem}
.good{color:var(--good)}.bad{color:var(--bad)}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 .75rem;overflow-wrap:anywhere}
p{margin:.75rem 0;overflow-wrap:anywhere}
.soft{color:var(--soft)}
footer{margin-top:1.25rem;color:var(--soft);font-size:.9rem}
"""
_FRAME = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title - Tandem</title><style>$style</style></head>
<body><main><div class="sign $kind" aria-hidden="true">$sign</div><h1>$title</h1>$texts
<p class="soft">You can close this page.</p></main><footer>Tandem</footer></body></html>
""")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


def page(title: str, *texts: str, is_good: bool) -> bytes:
    """The page, in UTF-8."""
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in texts if text)
    sign, kind = ("&#10003;", "good") if is_good else ("!", "bad")
    return _FRAME.substitute(title=escape(title), texts=paragraphs, style=_STYLE, sign=sign, kind=kind).encode()
