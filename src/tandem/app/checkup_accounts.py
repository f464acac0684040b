"""The part of the check-up that asks the services: the clients, the addresses to register, the accounts and what they allow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tandem.accounts.rights import lacking
from tandem.app.findings import SET, Finding, attempt
from tandem.app.root import Tandem
from tandem.app.sides import GOOGLE, PIPEDRIVE, TITLE
from tandem.errors import NextStep, TandemError, WrongInput
from tandem.store import models
from tandem.store.grants import GrantKind, Grants
from tandem.store.links import label_of

#: Two clocks may differ by this much before tokens and expiries go wrong.
_CLOCK_SLACK_S = 60.0


def accounts_of(tandem: Tandem) -> Iterator[Finding]:
    """All that has to do with accounts; one or two cheap questions each."""
    accounts = tandem.accounts.all()
    for service in (GOOGLE, PIPEDRIVE):
        yield _client(tandem, service, accounts)
        yield attempt(f"redirect {service}", partial(_redirect, tandem, service), SET)
    if not accounts:
        yield Finding("accounts", True, "none is connected yet", "`tandem account add google`, `tandem account add pipedrive`")
    for account in accounts:
        yield _account(tandem, account)
        yield from _rights(tandem, account)
    for service in sorted({GOOGLE, PIPEDRIVE} - {account.service for account in accounts}):
        yield attempt(f"reach {service}", partial(tandem.services.reach, service), "look at the network, a proxy, or the address set")


def _client(tandem: Tandem, service: str, accounts: list[models.Account]) -> Finding:
    """Whether the installation can prove itself to a service in the browser's way, where that is needed."""
    names = [f"{service.upper()}_CLIENT_{part}" for part in ("ID", "SECRET")]
    missing = [f"TANDEM_{name}" for name in names if not tandem.config.text(name)]
    if not missing:
        return Finding(f"client {service}", True, "id and secret are set")
    is_needed = len(missing) == 1 or any(_is_by_oauth(tandem, row) for row in accounts if row.service == service)
    text = f"not set: {', '.join(missing)}; needed to connect in the browser"
    return Finding(f"client {service}", not is_needed, text, "docs/connecting.md says where to get them")


def _redirect(tandem: Tandem, service: str) -> str:
    """Where the answers of consents arrive. WrongInput when they could not."""
    return f"to register there: {tandem.proofs.redirect_uri(service)}"


def _is_by_oauth(tandem: Tandem, account: models.Account) -> bool:
    grant = Grants(tandem.alias).of(account.id)
    return grant is not None and grant.kind == GrantKind.OAUTH.value


def _account(tandem: Tandem, account: models.Account) -> Finding:
    """Whether its token works, and how far the service's clock is from ours."""
    name = f"account {label_of(account)}"
    again = f"`tandem account add {account.service}` connects it again"
    try:
        skew_s = tandem.services.ask(account, is_renewing=True)
    except TandemError as error:
        later = f"see whether {TITLE[account.service]} can be reached from this machine; try again later"
        to_do = again if error.next_step is NextStep.RECONNECT else SET if isinstance(error, WrongInput) else later
        return Finding(name, False, str(error), to_do)
    if tandem.sandbox is None and skew_s is not None and abs(skew_s) > _CLOCK_SLACK_S:
        return Finding(name, False, f"the token works, but this machine's clock is {abs(skew_s):.0f} s off", "set the clock")
    return Finding(name, True, f"{account.name}: the token works; connected {account.created_at.astimezone():%Y-%m-%d}")


def _rights(tandem: Tandem, account: models.Account) -> Iterator[Finding]:
    """What was not allowed and is not necessary."""
    grant = Grants(tandem.alias).of(account.id)
    for lack in lacking(account.service, grant.scopes) if grant is not None else ():
        yield Finding(f"rights of {label_of(account)}", True, f"without {lack}")
