"""Settings of who may come in: what cannot be meant is refused by name."""

from __future__ import annotations

import pytest

from interlock.core.errors import InvalidInput
from interlock.core.services import opening
from interlock.core.settings import Settings, load_settings

OIDC = {"sign_in": "oidc", "oidc_issuer": "https://id.example.com", "oidc_client_id": "interlock"}
PROXY = {"sign_in": "proxy", "trusted_proxies": '["10.0.0.5"]'}
ROLES = {"sign_in_roles": '{"interlock-admins": "admin", "user:ann": "operator"}'}


@pytest.mark.parametrize(
    "given",
    [
        {"sign_in": "ldap"},
        {"sign_in_roles": "admins"},
        {"sign_in_roles": '["admins"]'},
        {"sign_in_roles": '{"admins": "root"}'},
        {"sign_in_roles": '{"": "admin"}'},
        {"sign_in_roles": 7},
        {"sign_in_roles": ("admins",)},
        {"oidc_issuer": "http://id.example.com"},
        {"oidc_issuer": "https://id.example.com/?x=1"},
        {"oidc_issuer": "id.example.com"},
        {"oidc_issuer": "https://"},
        {"oidc_scopes": "profile"},
        {"oidc_name_claim": ""},
        {"trusted_proxies": "10.0.0.5"},
        {"trusted_proxies": '["proxy.example.com"]'},
        {"trusted_proxies": "[7]"},
        {"proxy_name_header": "X User"},
        {"proxy_name_header": "Cookie"},
        {"proxy_groups_header": "X-Forwarded-For"},
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(given):
    (name,) = given
    with pytest.raises(InvalidInput) as caught:
        load_settings(given)
    (problem,) = caught.value.problems
    assert problem.path == f"--{name.replace('_', '-')}"


def test_what_is_meant_is_read():
    read = load_settings(OIDC | ROLES | {"oidc_scopes": " openid   groups "})
    assert dict(read.sign_in_roles) == {"interlock-admins": "admin", "user:ann": "operator"}
    assert read.oidc_scopes == "openid groups"
    assert load_settings(PROXY).trusted_proxies == ("10.0.0.5",)
    assert load_settings({"oidc_issuer": "http://127.0.0.1:9/x"}).oidc_issuer
    assert Settings(sign_in_roles=None).sign_in_roles is None
    assert load_settings({"trusted_proxies": ("2001:db8::/32",)}).trusted_proxies


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, set()),
        ({"sign_in": "local"}, set()),
        (OIDC | ROLES, set()),
        (PROXY | ROLES, set()),
        ({"sign_in": "oidc"}, {"OIDC_ISSUER", "OIDC_CLIENT_ID", "SIGN_IN_ROLES"}),
        (OIDC | {"sign_in_roles": '{"crew": "operator"}'}, {"SIGN_IN_ROLES"}),
        ({"sign_in": "proxy"}, {"TRUSTED_PROXIES", "SIGN_IN_ROLES"}),
    ],
)
def test_a_start_says_all_that_is_missing(given, missing):
    read = load_settings(given)
    try:
        opening.require_settings(read)
        told = set()
    except InvalidInput as exc:
        told = {problem.path.removeprefix("INTERLOCK_") for problem in exc.problems}
    assert told == missing
