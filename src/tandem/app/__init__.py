"""The composition root: the only place where concrete classes meet, and where it is said which product stands on which side.

`Tandem` is one installation: a data directory with its database, secret key and lock, the connected accounts, and their links.
Several may live in one process; nothing is global but Django's registry of databases, the system's certificates, which are read once, and
how often Python collects garbage.

Importing this sets Django up, because its models cannot be imported before; that reads the environment and may raise WrongInput.
"""

from tandem.store import setup

setup.prepare()

from tandem.app.root import Tandem  # noqa: E402 - see above
from tandem.app.sides import PRODUCT, SIDE  # noqa: E402

__all__ = ["PRODUCT", "SIDE", "Tandem"]
