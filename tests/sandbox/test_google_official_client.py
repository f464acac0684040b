"""Promise: Google's own Python client works against the sandbox, and finds nothing strange in its answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import googleapiclient
import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from sandbox.conftest import listening
from tandem.sandbox.google_oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from tandem.sandbox.world import World

DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache/documents/people.v1.json"


@pytest.fixture
def base(world: World) -> Iterator[str]:
    """The address of a running sandbox."""
    with listening(world) as url:
        yield f"{url}/google/"


@contextmanager
def people_api(base: str, refresh_token: str = REFRESH_TOKEN) -> Iterator[Any]:
    """The official client, pointed at the sandbox."""
    document = json.loads(DOCUMENT.read_text())
    document["rootUrl"] = document["baseUrl"] = base
    document.pop("mtlsRootUrl")
    credentials = Credentials(  # type: ignore[no-untyped-call]
        token=None, refresh_token=refresh_token, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, token_uri=f"{base}token"
    )
    with build_from_document(document, credentials=credentials) as api:
        yield api


def test_a_tour_with_the_official_client(base: str, world: World) -> None:
    """Contacts, batches, long requests, labels, sync: by the client's own methods."""
    with people_api(base) as api:
        people, groups = api.people(), api.contactGroups()
        group = groups.create(body={"contactGroup": {"name": "Pipedrive"}}).execute()
        made = people.createContact(body={"names": [{"givenName": "Ann"}]}, personFields="names,metadata").execute()
        contacts = [{"contactPerson": {"names": [{"givenName": f"G{n}"}]}} for n in range(150)]
        batch = people.batchCreateContacts(body={"contacts": contacts, "readMask": "names,metadata"}).execute()["createdPeople"]
        assert len(batch) == 150
        listing = {"resourceName": "people/me", "personFields": "names,memberships,metadata", "requestSyncToken": True, "pageSize": 100}
        request, found, answer = people.connections().list(**listing), [], {}
        while request is not None:
            answer = request.execute()
            found += answer["connections"]
            request = people.connections().list_next(request, answer)
        assert len(found) == 151
        names = [one["person"]["resourceName"] for one in batch]
        got = people.getBatchGet(resourceNames=names, personFields="names").execute()["responses"]
        assert [one["person"]["resourceName"] for one in got] == names
        assert world.log[-1].kind == "people.getBatchGet"
        assert world.log[-1].method == "POST"
        body = {
            "contacts": {one["person"]["resourceName"]: {"etag": one["person"]["etag"], "nicknames": [{"value": "N"}]} for one in batch[:3]}
        }
        people.batchUpdateContacts(body={**body, "updateMask": "nicknames", "readMask": "nicknames"}).execute()
        groups.members().modify(resourceName=group["resourceName"], body={"resourceNamesToAdd": names[:2]}).execute()
        people.updateContact(
            resourceName=made["resourceName"], updatePersonFields="names", body={"etag": made["etag"], "names": [{"givenName": "Bea"}]}
        ).execute()
        people.batchDeleteContacts(body={"resourceNames": names[3:]}).execute()
        people.deleteContact(resourceName=names[2]).execute()
        delta = people.connections().list(**{**listing, "pageSize": 100}, syncToken=answer["nextSyncToken"]).execute()
        assert len(delta["connections"]) == 100
        groups.delete(resourceName=group["resourceName"]).execute()
        assert "Pipedrive" not in {one["name"] for one in groups.list(pageSize=100).execute()["contactGroups"]}
        assert people.get(resourceName="people/me", personFields="emailAddresses").execute()["emailAddresses"]


def test_errors_as_the_official_client_sees_them(base: str) -> None:
    """A stale etag and a dead grant arrive as the client's own errors, with their details."""
    with people_api(base) as api:
        people = api.people()
        made = people.createContact(body={"names": [{"givenName": "Ann"}]}).execute()
        body = {"etag": made["etag"], "names": [{"givenName": "Bea"}]}
        people.updateContact(resourceName=made["resourceName"], updatePersonFields="names", body=body).execute()
        with pytest.raises(HttpError) as stale:
            people.updateContact(resourceName=made["resourceName"], updatePersonFields="names", body=body).execute()
        assert stale.value.status_code == 400
        assert stale.value.reason.startswith("Request person.etag is different than the current person.etag.")
    with people_api(base, "dead") as api, pytest.raises(RefreshError, match="invalid_grant"):
        api.people().get(resourceName="people/me", personFields="names").execute()


def listed(api: Any, token: str = "") -> tuple[dict[str, Any], str]:
    """All contacts by resource name, or those changed since the token; and the next token."""
    asked = {
        "resourceName": "people/me",
        "personFields": "names,phoneNumbers,memberships,metadata",
        "pageSize": 20,
        "requestSyncToken": True,
    }
    connections, found = api.people().connections(), {}
    request = connections.list(**asked, **({"syncToken": token} if token else {}))
    answer: dict[str, Any] = {}
    while request is not None:
        answer = request.execute()
        found |= {one["resourceName"]: one for one in answer.get("connections", [])}
        request = connections.list_next(request, answer)
    return found, answer["nextSyncToken"]


def test_a_sync_as_the_official_client_does_it(base: str, world: World) -> None:
    """One whole story: everything page by page, then only what changed, deletions as such, then nothing; a token of eight days ago is
    refused with EXPIRED_SYNC_TOKEN, and a full listing begins anew.
    """  # noqa: D205 - one promise
    with people_api(base) as api:
        people = api.people()
        made = [people.createContact(body={"names": [{"givenName": f"G{n}"}]}, personFields="names,metadata").execute() for n in range(45)]
        everything, token = listed(api)
        assert set(everything) == {one["resourceName"] for one in made}
        world.clock.advance(3600)
        changed, gone = made[3], made[7]
        body = {"etag": changed["etag"], "phoneNumbers": [{"value": "+48 600 100 001", "type": "mobile"}]}
        people.updateContact(resourceName=changed["resourceName"], updatePersonFields="phoneNumbers", body=body).execute()
        people.deleteContact(resourceName=gone["resourceName"]).execute()
        world.google.human("create", {"fields": {"names": [{"givenName": "Typed"}]}})
        delta, next_token = listed(api, token)
        assert delta.pop(gone["resourceName"])["metadata"]["deleted"] is True
        assert delta.pop(changed["resourceName"])["phoneNumbers"][0]["canonicalForm"] == "+48600100001"
        assert [one["names"][0]["givenName"] for one in delta.values()] == ["Typed"]
        nothing, last_token = listed(api, next_token)
        assert nothing == {}
        world.clock.advance(8 * 86_400)
        with pytest.raises(HttpError) as expired:
            listed(api, last_token)
        assert (expired.value.status_code, expired.value.error_details[0]["reason"]) == (400, "EXPIRED_SYNC_TOKEN")
        anew, _ = listed(api)
        assert len(anew) == 45
