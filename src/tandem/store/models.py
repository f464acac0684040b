"""The tables. One class a table, a sentence each; meaning of the words: docs/glossary.md.

Rules: no behaviour here. Text that came from a contact stands only in the columns `content`, `raw`, `base_left`,
`base_right`, `payload`, `before`, `after` and `question.data`, so that forgetting a person is a list of columns.
"""

from __future__ import annotations

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from tandem.core.state import PairState, Presence

SHORT = 40
ID = 200


class Installation(models.Model):
    """One row: who we are, for markers and for noticing a database that was copied."""

    installation_id = models.CharField(max_length=SHORT)
    created_at = models.DateTimeField()
    #: Tells the secret key by which contacts are compared from another one, and nothing about it.
    key_print = models.CharField(max_length=64, default="")


class User(models.Model):
    """A person who signs in and sees what is theirs."""

    name = models.CharField(max_length=ID)
    #: As Django's hashers write it; empty: no way in by password.
    password = models.CharField(max_length=ID, default="")
    #: Runs this installation; what was connected on the command line is theirs.
    is_operator = models.BooleanField(default=False)
    #: "en" or "pl"; empty: as the browser says.
    language = models.CharField(max_length=SHORT, default="")
    created_at = models.DateTimeField()
    signed_in_at = models.DateTimeField(null=True)


class Session(AbstractBaseSession):
    """A browser that is signed in, as Django keeps it."""


class Account(models.Model):
    """A connected account of one service."""

    #: Whose it is; None: the operator's, connected on the command line.
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True)
    service = models.CharField(max_length=SHORT)
    external_id = models.CharField(max_length=ID)
    name = models.CharField(max_length=ID)
    settings = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    #: Not connected any more; the row stays for the removed links that were made with it, and for its number.
    removed_at = models.DateTimeField(null=True)

    class Meta:
        """An account is connected once."""

        constraints = [models.UniqueConstraint(fields=["service", "external_id"], name="account_once")]


class Secret(models.Model):
    """One credential of an account, encrypted (vault.py)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    name = models.CharField(max_length=SHORT)
    ciphertext = models.BinaryField()

    class Meta:
        """One value a name."""

        constraints = [models.UniqueConstraint(fields=["account", "name"], name="secret_once")]


class Grant(models.Model):
    """What an account has allowed, by which kind of proof (grants.py), and who is renewing its access token."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE)
    kind = models.CharField(max_length=SHORT)
    #: The rights as the service names them; empty where it does not say.
    scopes = models.JSONField(default=list)
    #: Where the service has its API for this account; empty: as configured.
    api_url = models.CharField(max_length=ID, default="")
    granted_at = models.DateTimeField()
    #: Since when the service does not accept it any more.
    refused_at = models.DateTimeField(null=True)
    renewer = models.CharField(max_length=SHORT, default="")
    renewing_until = models.DateTimeField(null=True)


class Authorisation(models.Model):
    """A consent that was asked for in a browser: what belongs to it, encrypted, until the answer comes; then how it ended."""

    #: SHA-256 of the state that comes back with the answer.
    state_hash = models.CharField(max_length=64, unique=True)
    service = models.CharField(max_length=SHORT)
    #: Who asked in the pages; None: a command.
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True)
    sealed = models.BinaryField(default=b"")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=SHORT, default="")
    sentence = models.TextField(default="")
    #: The label of the account that was connected.
    label = models.CharField(max_length=SHORT, default="")


class Link(models.Model):
    """A configured pair of replicas with its policy, its state, and when it is due (schedule.py)."""

    left_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="links_left")
    right_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="links_right")
    left_settings = models.JSONField(default=dict)
    right_settings = models.JSONField(default=dict)
    policy = models.JSONField(default=dict)
    #: Where the synced fields live on both sides; another mapping has no base.
    mapping_version = models.CharField(max_length=ID, default="")
    state = models.CharField(max_length=SHORT, default="draft")
    reason = models.CharField(max_length=SHORT, default="")
    sentence = models.TextField(default="")
    wait_until = models.DateTimeField(null=True)
    #: What a person approved for the first sync, and how much of it is left: {"creations": {side: n}, "updates": {side: n}}.
    approval = models.JSONField(null=True)
    first_synced_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    next_due_at = models.DateTimeField(null=True)
    is_dirty = models.BooleanField(default=False)
    lease_owner = models.CharField(max_length=SHORT, default="")
    lease_until = models.DateTimeField(null=True)
    epoch = models.BigIntegerField(default=0)
    #: The epoch under which a cycle found nothing to do (engine/rest.py).
    rest_epoch = models.BigIntegerField(default=0)
    #: Other installations whose markers were found here, and which a person has declared gone.
    gone_installations = models.JSONField(default=list)
    #: When this link came back out of a backup, and when that backup was made; until when what a listing showed may be older news than
    #: it seems (engine/aged.py). None: it never did; no listing was complete since.
    restored_at = models.DateTimeField(null=True)
    backup_at = models.DateTimeField(null=True)
    relisted_at = models.DateTimeField(null=True)
    #: Restored, and nobody has agreed to what follows from it.
    is_unseen = models.BooleanField(default=False)


class Feed(models.Model):
    """The position in one side's change stream, and when everything was last listed."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    side = models.CharField(max_length=SHORT)
    cursor = models.TextField(default="")
    listed_at = models.DateTimeField(null=True)
    drained_at = models.DateTimeField(null=True)
    #: The last full listing was not believed in what it lacked: no births on this side.
    is_disbelieved = models.BooleanField(default=False)

    class Meta:
        """One a side."""

        constraints = [models.UniqueConstraint(fields=["link", "side"], name="feed_once")]


class Shadow(models.Model):
    """The last observation of one record on one side. Outside the scope it has keys and version only; gone, it is a tombstone."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    side = models.CharField(max_length=SHORT)
    record_id = models.CharField(max_length=ID)
    locator = models.CharField(max_length=ID)
    version = models.CharField(max_length=ID)
    presence = models.CharField(max_length=SHORT, choices=[(item.value, item.value) for item in Presence])
    content = models.BinaryField(null=True)
    raw = models.BinaryField(null=True)
    fingerprint = models.CharField(max_length=64, default="")
    #: Keyed hashes of the match keys: ["kind:digest", ...].
    keys = models.JSONField(default=list)
    marker = models.CharField(max_length=255, default="")
    reference = models.CharField(max_length=ID, default="")
    is_partial = models.BooleanField(default=False)
    #: Outside the scope: the version at which a direct read has shown its keys. Another one only nominates.
    confirmed_version = models.CharField(max_length=ID, default="")
    first_seen_at = models.DateTimeField()
    #: When this version was first seen.
    version_seen_at = models.DateTimeField()
    #: When it was last seen missing by a direct read, or known to be gone.
    absent_at = models.DateTimeField(null=True)
    #: When it was found missing: the full listing before, which still showed it.
    present_at = models.DateTimeField(null=True)
    #: The record that this one went up in, where its service says so.
    merged_into = models.CharField(max_length=ID, default="")
    #: A direct read has to settle what the last listing said.
    needs_look = models.BooleanField(default=False)

    class Meta:
        """One a record; markers are looked up after a crash."""

        constraints = [models.UniqueConstraint(fields=["link", "side", "record_id"], name="shadow_once")]
        indexes = [
            models.Index(fields=["link", "side", "marker"], name="shadow_marker", condition=~models.Q(marker="")),
            models.Index(fields=["link", "side"], name="shadow_look", condition=models.Q(needs_look=True)),
        ]


class Pair(models.Model):
    """The fact that record x on the left is record y on the right, with what each side looked like when they last agreed."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    state = models.CharField(max_length=SHORT, choices=[(item.value, item.value) for item in PairState])
    reason = models.CharField(max_length=SHORT, default="")
    left_id = models.CharField(max_length=ID, null=True)
    right_id = models.CharField(max_length=ID, null=True)
    base_left = models.BinaryField(default=b"{}")
    base_right = models.BinaryField(default=b"{}")
    mapping_version = models.CharField(max_length=ID, default="")
    #: A side moved, or a person chose, since the pair was last settled.
    is_dirty = models.BooleanField(default=True)
    #: Fields that a side refused: {field: {"side", "sentence", "print"}}; retried when the value changes.
    parked = models.JSONField(default=dict)
    #: Its bases come out of a backup, and nothing was concluded about it since.
    is_aged = models.BooleanField(default=False)
    #: Fields of which nobody can tell since a restore which side is newer; a person decides.
    doubted = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        """A record is in at most one pair of a link."""

        constraints = [
            models.UniqueConstraint(fields=["link", "left_id"], name="pair_left_once"),
            models.UniqueConstraint(fields=["link", "right_id"], name="pair_right_once"),
        ]
        indexes = [models.Index(fields=["link"], name="pair_dirty", condition=models.Q(is_dirty=True))]


class Reference(models.Model):
    """A named record that contacts point at (an organisation), from our own index."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    side = models.CharField(max_length=SHORT)
    reference_id = models.CharField(max_length=ID)
    name = models.TextField()

    class Meta:
        """One an id."""

        constraints = [models.UniqueConstraint(fields=["link", "side", "reference_id"], name="reference_once")]


class Cycle(models.Model):
    """One pass over one link, with what it did."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    epoch = models.BigIntegerField()
    cause = models.CharField(max_length=SHORT)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=SHORT, default="running")
    counts = models.JSONField(default=dict)


class Undo(models.Model):
    """A person's word to take writes back: data for the next cycles, until it is done."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    #: Ids of lines of history.
    changes = models.JSONField(default=list)
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    #: Numbers only: {"done", "kept"}.
    counts = models.JSONField(default=dict)

    class Meta:
        """The open ones are read at every cycle."""

        indexes = [models.Index(fields=["link"], name="undo_open", condition=models.Q(done_at=None))]


class Intent(models.Model):
    """An action written down before it is tried, and its outcome."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    cycle = models.ForeignKey(Cycle, on_delete=models.CASCADE)
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, null=True)
    side = models.CharField(max_length=SHORT)
    kind = models.CharField(max_length=SHORT)
    record_id = models.CharField(max_length=ID, default="")
    expected_version = models.CharField(max_length=ID, default="")
    marker = models.CharField(max_length=255, default="")
    payload = models.BinaryField()
    before = models.BinaryField(null=True)
    #: ISO times at which it was sent.
    sends = models.JSONField(default=list)
    outcome = models.CharField(max_length=SHORT, default="")
    sentence = models.TextField(default="")
    is_approved = models.BooleanField(default=False)
    #: The version that the write left behind: as long as the record shows it, nobody has touched it since.
    version = models.CharField(max_length=ID, default="")
    #: The undo that wants it: its settling moves the shadow and no base.
    undo = models.ForeignKey(Undo, on_delete=models.CASCADE, null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        """What is pending is a query."""

        indexes = [models.Index(fields=["link"], name="intent_pending", condition=models.Q(outcome=""))]


class History(models.Model):
    """Before and after of every write, and every value that lost a conflict."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    cycle = models.ForeignKey(Cycle, on_delete=models.CASCADE)
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, null=True)
    at = models.DateTimeField()
    side = models.CharField(max_length=SHORT)
    kind = models.CharField(max_length=SHORT)
    record_id = models.CharField(max_length=ID, default="")
    fields = models.JSONField(default=list)
    before = models.BinaryField(null=True)
    after = models.BinaryField(null=True)
    #: What the brake counts it as ("creation", "update", "removal"); empty when a person had agreed to it.
    weighs = models.CharField(max_length=SHORT, default="")
    #: What the written side called the state after it; empty where that is not known.
    version = models.CharField(max_length=ID, default="")
    undo = models.ForeignKey(Undo, on_delete=models.CASCADE, null=True)

    class Meta:
        """Read by time."""

        indexes = [models.Index(fields=["link", "at"], name="history_time")]


class Question(models.Model):
    """Something that waits for a person: an ambiguous match, an open conflict, a hold. The choice is data for the next cycle."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, null=True)
    kind = models.CharField(max_length=SHORT)
    side = models.CharField(max_length=SHORT, default="")
    #: May be a value of a contact, however long.
    part = models.TextField(default="")
    data = models.JSONField(default=dict)
    choice = models.CharField(max_length=SHORT, default="")
    #: Ids of the records that the choice names, left before right.
    named = models.JSONField(default=list)
    answered_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        """The open ones are read at every cycle."""

        indexes = [models.Index(fields=["link"], name="question_open", condition=models.Q(closed_at=None))]


class Word(models.Model):
    """What was said about a record of this link and one outside it: apart, left-out, or followed (one id alone)."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    kind = models.CharField(max_length=SHORT)
    left_id = models.CharField(max_length=ID, default="")
    right_id = models.CharField(max_length=ID, default="")
    said_at = models.DateTimeField()

    class Meta:
        """Said once."""

        constraints = [models.UniqueConstraint(fields=["link", "kind", "left_id", "right_id"], name="word_once")]


class Ledger(models.Model):
    """Tokens spent by one budget (a company) on one day."""

    budget = models.CharField(max_length=ID)
    day = models.DateField()
    tokens = models.BigIntegerField(default=0)

    class Meta:
        """One a day."""

        constraints = [models.UniqueConstraint(fields=["budget", "day"], name="ledger_once")]


class Alert(models.Model):
    """When somebody was last told of a matter of a link."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    matter = models.CharField(max_length=SHORT)
    sent_at = models.DateTimeField()

    class Meta:
        """One a matter."""

        constraints = [models.UniqueConstraint(fields=["link", "matter"], name="alert_once")]


class Hint(models.Model):
    """A record or reference that is said to have moved, and what was announced; kept until a read shows it (engine/hints.py)."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    side = models.CharField(max_length=SHORT)
    is_reference = models.BooleanField(default=False)
    record_id = models.CharField(max_length=ID)
    locator = models.CharField(max_length=ID)
    #: The newest state announced; empty: none was named.
    version = models.CharField(max_length=ID, default="")
    is_gone = models.BooleanField(default=False)
    merged_into = models.CharField(max_length=ID, default="")
    #: How often it was told; one told again while it was being looked at stays.
    tellings = models.IntegerField(default=1)
    due_at = models.DateTimeField()
    #: What the last look showed, and when that was first shown: a second like one a read lag later ends the hint.
    seen = models.CharField(max_length=ID, default="")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        """Coalesced: one a record."""

        constraints = [models.UniqueConstraint(fields=["link", "side", "is_reference", "record_id"], name="hint_once")]


class Watch(models.Model):
    """How one side of a link is watched: whether it tells us of changes by itself, and when it is looked at next and why."""

    link = models.ForeignKey(Link, on_delete=models.CASCADE)
    side = models.CharField(max_length=SHORT)
    #: Ids of our subscriptions over there.
    subscriptions = models.JSONField(default=list)
    #: Why there are none.
    sentence = models.TextField(default="")
    checked_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    #: Hints may have been missed since; a look clears it.
    has_gap = models.BooleanField(default=True)
    #: When something was last carried over.
    active_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True)
    why = models.TextField(default="")

    class Meta:
        """One a side."""

        constraints = [models.UniqueConstraint(fields=["link", "side"], name="watch_once")]
