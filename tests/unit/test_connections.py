"""What connects a vendor, and what is wrong with what half connects one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import SettingsError
from pipelines.settings import connections

SECRET = {"SALESFORCE_CLIENT_ID": "id", "SALESFORCE_CLIENT_SECRET": "secret"}
KEY = {"SALESFORCE_CLIENT_ID": "id", "SALESFORCE_USERNAME": "bot@acme.example"}
PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"


def test_a_client_secret_goes_to_the_orgs_own_host() -> None:
    found = connections({**SECRET, "SALESFORCE_BASE_URL": "https://acme.my.salesforce.com/"})["salesforce"]
    assert (found.base_url, found.client_secret) == ("https://acme.my.salesforce.com", "secret")
    with pytest.raises(SettingsError, match=r"SALESFORCE_BASE_URL: not set; .*https://acme\.my\.salesforce\.com"):
        connections(SECRET)


def test_a_private_key_goes_to_the_login_host(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(PEM, encoding="ascii")
    found = connections({**KEY, "SALESFORCE_PRIVATE_KEY_FILE": str(path)})["salesforce"]
    assert (found.base_url, found.username, found.private_key) == (
        "https://login.salesforce.com",
        "bot@acme.example",
        PEM,
    )
    assert PEM not in repr(found)


@pytest.mark.parametrize(
    ("text", "reason"), [(None, "cannot be read: No such file"), ("no key", "holds no private key"), ("ü", "no PEM")]
)
def test_a_key_file_that_is_none_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "key.pem"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=f"SALESFORCE_PRIVATE_KEY_FILE: .*{reason}"):
        connections({**KEY, "SALESFORCE_PRIVATE_KEY_FILE": str(path)})


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        connections({**KEY, "HUBSPOT_BASE_URL": "https://api.hubapi.com"})
    assert "SALESFORCE_PRIVATE_KEY_FILE: not set" in str(caught.value)
    assert "HUBSPOT_ACCESS_TOKEN: not set" in str(caught.value)
    with pytest.raises(SettingsError, match="SALESFORCE_CLIENT_SECRET: not set"):
        connections({"SALESFORCE_CLIENT_ID": "id"})


def test_an_address_of_salesforce_alone_connects_nothing() -> None:
    assert connections({"SALESFORCE_BASE_URL": "http://127.0.0.1:8704"}) == {}


@pytest.mark.rule("HZ-13")
def test_each_brand_has_a_zoom_account_of_its_own_and_names_what_it_lacks() -> None:
    first = {"ZOOM_ACCOUNT_ID": "a", "ZOOM_CLIENT_ID": "c", "ZOOM_CLIENT_SECRET": "s"}
    beta = {"ZOOM_BETA_ACCOUNT_ID": "b", "ZOOM_BETA_CLIENT_ID": "d", "ZOOM_BETA_CLIENT_SECRET": "t"}
    found = connections({**first, **beta}, ["beta"])["zoom"]
    assert (found.account, found.brand) == ("a", "")
    (other,) = found.others
    assert (other.account, other.client_id, other.client_secret, other.brand) == ("b", "d", "t", "beta")
    assert other.base_url == found.base_url == "https://api.zoom.us"
    with pytest.raises(SettingsError, match="ZOOM_BETA_CLIENT_SECRET: not set"):
        connections({**first, **beta, "ZOOM_BETA_CLIENT_SECRET": ""}, ["beta"])
    with pytest.raises(SettingsError, match="ZOOM_ACCOUNT_ID: not set, and brands need the account of the first one"):
        connections(beta, ["beta"])
