"""Promise: contact groups (labels) behave as Google's."""

from __future__ import annotations

from typing import Any

from sandbox.google_calls import Google


def make(google: Google, name: str = "Pipedrive") -> Any:
    """A new label."""
    return google.call("POST", "/v1/contactGroups", body={"contactGroup": {"name": name}})


def modify(google: Google, group: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> Any:
    """members.modify."""
    return google.call("POST", f"/v1/{group}/members:modify", body={"resourceNamesToAdd": add, "resourceNamesToRemove": remove})


def groups_of(google: Google, name: str) -> list[str]:
    """The labels of a contact."""
    return [one["contactGroupMembership"]["contactGroupResourceName"] for one in google.get(name)["memberships"]]


def test_the_eight_system_groups(google: Google) -> None:
    """Every account has them; counts of nobody are left out; the sync token comes unasked."""
    google.create()
    listing = google.call("GET", "/v1/contactGroups")
    assert sorted(group["name"] for group in listing["contactGroups"]) == [
        "all", "blocked", "chatBuddies", "coworkers", "family", "friends", "myContacts", "starred",
    ]  # fmt: skip
    assert {group["name"]: group.get("memberCount") for group in listing["contactGroups"]}["myContacts"] == 1
    assert "memberCount" not in next(group for group in listing["contactGroups"] if group["name"] == "starred")
    assert {group["groupType"] for group in listing["contactGroups"]} == {"SYSTEM_CONTACT_GROUP"}
    assert listing["nextSyncToken"]


def test_make_read_rename_delete(google: Google) -> None:
    """A label's life, with the fields that each answer has by default."""
    group = make(google, "  Klub ")
    assert set(group) == {"resourceName", "etag", "metadata", "groupType", "name", "formattedName"}
    assert group["name"] == "Klub"
    name = f"/v1/{group['resourceName']}"
    assert google.call("GET", name, {"groupFields": "name"}) == {
        key: group[key] for key in ("resourceName", "etag", "name", "formattedName")
    }
    body = {"contactGroup": {"name": "Verein", "etag": group["etag"]}, "updateGroupFields": "name"}
    renamed = google.call("PUT", name, body=body)
    assert renamed["formattedName"] == "Verein"
    assert google.fails("PUT", name, body=body)[1] == "FAILED_PRECONDITION"
    assert google.call("DELETE", name) == {}
    assert google.fails("GET", name)[0] == 404
    assert make(google, "Verein")["resourceName"] != group["resourceName"]


def test_names_are_unique(google: Google) -> None:
    """A taken name is 409, whatever its case (switch); an empty one 400."""
    taken = (409, "ALREADY_EXISTS", "Contact group name already exists.")
    make(google)
    other = make(google, "Other")["resourceName"]
    assert google.fails("POST", "/v1/contactGroups", body={"contactGroup": {"name": "pipedrive"}}) == taken
    assert google.fails("PUT", f"/v1/{other}", body={"contactGroup": {"name": "Pipedrive"}}) == taken
    assert google.fails("POST", "/v1/contactGroups", body={"contactGroup": {"name": " "}})[0] == 400
    google.world.google.switches["group_names_fold_case"] = False
    make(google, "pipedrive")


def test_a_new_group_is_not_there_at_once(google: Google) -> None:
    """With the switch set, a new label cannot be used for some seconds."""
    google.world.google.switches["group_delay_s"] = 2.0
    person, group = google.create(), make(google)["resourceName"]
    body = {"resourceNamesToAdd": [person["resourceName"]]}
    assert google.fails("POST", f"/v1/{group}/members:modify", body=body)[0] == 404
    member = {"names": [{"givenName": "A"}], "memberships": [{"contactGroupMembership": {"contactGroupResourceName": group}}]}
    assert google.fails("POST", "/v1/people:createContact", body=member)[0] == 404
    google.world.clock.advance(2)
    assert modify(google, group, (person["resourceName"],)) == {}
    assert google.call("POST", "/v1/people:createContact", body=member)


def test_members_come_and_go(google: Google) -> None:
    """Membership moves the contact's etag and stands in the delta; unknown contacts and last labels are reported."""
    person, group = google.create(), make(google)["resourceName"]
    name = person["resourceName"]
    _, token = google.listed()
    assert modify(google, group, (name, "people/c9")) == {"notFoundResourceNames": ["people/c9"]}
    assert groups_of(google, name) == ["contactGroups/myContacts", group]
    assert google.listed(token)[0][0]["metadata"]["sources"][0]["etag"] != person["metadata"]["sources"][0]["etag"]
    assert google.call("GET", f"/v1/{group}", {"maxMembers": 5})["memberResourceNames"] == [name]
    assert modify(google, "contactGroups/myContacts", remove=(name,)) == {}
    assert modify(google, group, remove=(name,)) == {"canNotRemoveLastContactGroupResourceNames": [name]}
    assert groups_of(google, name) == [group]


def test_membership_without_a_new_etag(google: Google) -> None:
    """With the switch off, a label changes memberships and not the version."""
    google.world.google.switches["membership_bumps_etag"] = False
    person, group = google.create(), make(google)["resourceName"]
    modify(google, group, (person["resourceName"],))
    assert google.get(person["resourceName"])["metadata"] == person["metadata"]


def test_the_limits_of_modify(google: Google) -> None:
    """1000 names at most; system groups other than My Contacts and Starred take nobody."""
    group = make(google)["resourceName"]
    many = [f"people/c{n}" for n in range(1001)]
    assert google.fails("POST", f"/v1/{group}/members:modify", body={"resourceNamesToAdd": many})[0] == 400
    body = {"resourceNamesToAdd": [google.create()["resourceName"]]}
    assert google.fails("POST", "/v1/contactGroups/friends/members:modify", body=body)[0] == 400
    assert google.call("POST", "/v1/contactGroups/starred/members:modify", body=body) == {}


def test_the_end_of_a_group(google: Google) -> None:
    """Members stay without the label, fall back into My Contacts when it was their only one, or go too when so wished."""
    group = make(google)["resourceName"]
    both = google.create()["resourceName"]
    only = google.create(names=[{"givenName": "B"}], memberships=[{"contactGroupMembership": {"contactGroupResourceName": group}}])[
        "resourceName"
    ]
    modify(google, group, (both,))
    google.call("DELETE", f"/v1/{group}")
    assert groups_of(google, both) == groups_of(google, only) == ["contactGroups/myContacts"]
    group = make(google)["resourceName"]
    modify(google, group, (both,))
    google.call("DELETE", f"/v1/{group}", {"deleteContacts": "true"})
    assert [person["resourceName"] for person in google.listed()[0]] == [only]


def test_group_deltas(google: Google) -> None:
    """Changed labels, and tombstones without a name; after seven days the token is dead."""
    old = make(google, "Old")
    token = google.call("GET", "/v1/contactGroups")["nextSyncToken"]
    google.call("DELETE", f"/v1/{old['resourceName']}")
    new = make(google, "New")
    delta = google.call("GET", "/v1/contactGroups", {"syncToken": token})["contactGroups"]
    shown = {group["resourceName"]: (group.get("name"), group["metadata"].get("deleted")) for group in delta}
    assert shown == {old["resourceName"]: (None, True), new["resourceName"]: ("New", None)}
    google.world.clock.advance(7 * 86400)
    assert google.sign_in().fails("GET", "/v1/contactGroups", {"syncToken": token})[1] == "FAILED_PRECONDITION"


def test_groups_in_pages_and_in_batches(google: Google) -> None:
    """Labels come in pages; a batch answers per name."""
    names = {make(google, f"L{n}")["resourceName"] for n in range(5)}
    seen: list[str] = []
    page: dict[str, Any] = {}
    while not seen or "nextPageToken" in page:
        page = google.call("GET", "/v1/contactGroups", {"pageSize": 4} | ({"pageToken": page["nextPageToken"]} if page else {}))
        seen += [group["resourceName"] for group in page["contactGroups"]]
    assert len(seen) == 13
    assert names < set(seen)
    asked = [min(names), "contactGroups/none"]
    responses = google.call("GET", "/v1/contactGroups:batchGet", {"resourceNames": asked})["responses"]
    assert responses[0]["contactGroup"]["resourceName"] == asked[0]
    assert responses[1]["status"]["code"] == 5


def test_system_groups_stay_as_they_are(google: Google) -> None:
    """They can be neither renamed nor deleted."""
    assert google.fails("DELETE", "/v1/contactGroups/friends")[0] == 400
    assert google.fails("PUT", "/v1/contactGroups/friends", body={"contactGroup": {"name": "x"}})[0] == 400
