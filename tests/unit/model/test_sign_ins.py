"""What a provider or proxy says of somebody: the name, the groups that are kept, the highest role."""

from __future__ import annotations

import pytest

from interlock.core.errors import NotAllowed
from interlock.core.model import sign_ins
from interlock.core.model.people import MAX_GROUPS, Role

ROLES = {"admins": "admin", "crew": "operator", "user:ann": "operator"}


@pytest.mark.parametrize(
    ("name", "groups", "role"),
    [
        ("eve", [], Role.VIEWER),
        ("eve", ["finance"], Role.VIEWER),
        ("eve", ["crew", "admins", "finance"], Role.ADMIN),
        ("ann", ["finance"], Role.OPERATOR),
        ("ann", ["admins"], Role.ADMIN),
        ("eve", ["user:ann"], Role.VIEWER),
        ("admins", [], Role.VIEWER),
    ],
)
def test_the_highest_role_that_anything_leads_to_counts(name, groups, role):
    assert sign_ins.read_vouched(name, groups, ROLES).role is role


def test_groups_that_cannot_be_kept_are_told_and_those_that_lead_to_a_role_come_first():
    many = [f"g{number:03}" for number in range(MAX_GROUPS)]
    found = sign_ins.read_vouched(" ann ", ["zz admins", *many, "zebra"], {"zebra": "admin"})
    assert (found.name, found.role) == ("ann", Role.ADMIN)
    assert len(found.groups) == MAX_GROUPS
    assert "zebra" in found.groups
    assert found.left_out == ("g099", "zz admins")


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "group:finance", "x" * 201, "a\u202eb"])
def test_a_name_that_does_not_fit_is_refused(name):
    with pytest.raises(NotAllowed):
        sign_ins.read_vouched(name, [], {})


def test_the_name_is_the_claim_that_was_chosen():
    claims = {"sub": "7", "preferred_username": "ann", "email": "a@b.c", "n": 3, "empty": " "}
    assert sign_ins.read_name_claim(claims, "sub") == "7"
    assert sign_ins.read_name_claim(claims, "preferred_username") == "ann"
    for claim in ("n", "empty", "none", "n.deeper"):
        with pytest.raises(NotAllowed, match="does not tell"):
            sign_ins.read_name_claim(claims, claim)


@pytest.mark.parametrize(
    ("verified", "counts"),
    [(True, True), ("true", True), (False, False), (None, False), ("false", False), (1, True)],
)
def test_an_address_counts_only_where_it_was_verified(verified, counts):
    claims = {"email": "ann@example.com", "email_verified": verified}
    if counts:
        assert sign_ins.read_name_claim(claims, "email") == "ann@example.com"
    else:
        with pytest.raises(NotAllowed, match="not verified"):
            sign_ins.read_name_claim(claims, "email")


@pytest.mark.parametrize(
    ("claims", "claim", "groups"),
    [
        ({"groups": ["a", "b", 3, ""]}, "groups", ("a", "b")),
        ({"groups": "a, b,,"}, "groups", ("a", "b")),
        ({"groups": {"a": 1}}, "groups", ()),
        ({}, "groups", ()),
        ({"realm_access": {"roles": ["x"]}}, "realm_access.roles", ("x",)),
        (
            {"realm_access.roles": ["y"], "realm_access": {"roles": ["x"]}},
            "realm_access.roles",
            ("y",),
        ),
    ],
)
def test_groups_are_a_list_or_a_text_wherever_they_stand(claims, claim, groups):
    assert tuple(sign_ins.read_group_claim(claims, claim)) == groups
