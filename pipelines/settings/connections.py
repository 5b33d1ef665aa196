"""Connections: which vendors the environment names, and how to reach each. Secrets are in no file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.errors import SettingsError


@dataclass(frozen=True)
class Connection:
    """How to reach one vendor account. Not part of the log: secrets stay in the environment.

    Attributes:
        base_url: where the vendor is; of Salesforce, where it is logged in to; of Marketo, the instance's own host.
        username, private_key: of Salesforce's JWT bearer flow; the key is PEM text.
        brand: what the settings call it, "" for the one that the environment alone names.
        others: further accounts of the vendor, one for each brand.
    """

    vendor: str
    base_url: str
    account: str = ""
    client_id: str = ""
    client_secret: str = ""
    access_token: str = ""
    username: str = ""
    private_key: str = ""
    is_sandboxed: bool = False
    brand: str = ""
    others: tuple[Connection, ...] = ()

    def __repr__(self) -> str:
        return f"Connection({self.vendor} at {self.base_url})"


NEEDED: dict[str, tuple[str, ...]] = {
    "zoom": ("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET"),
    "hubspot": ("HUBSPOT_ACCESS_TOKEN",),
    "salesforce": ("SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET"),
    "marketo": ("MARKETO_CLIENT_ID", "MARKETO_CLIENT_SECRET"),
}
"""What connects each vendor. Instead of its secret, Salesforce takes a user's name and a private key."""
SIGNED_WITH = {"zoom": "ZOOM_WEBHOOK_SECRET", "hubspot": "HUBSPOT_CLIENT_SECRET"}
"""What a vendor signs its webhooks with; those of a further brand have an address and a secret of their own."""
BY_KEY = ("SALESFORCE_CLIENT_ID", "SALESFORCE_USERNAME", "SALESFORCE_PRIVATE_KEY_FILE")
SENDABLE = re.compile(r"[!-~]+")
"""What a credential may be made of: visible ASCII."""
HOSTS = {"zoom": "https://api.zoom.us", "hubspot": "https://api.hubapi.com"}
URL_ALONE = ("salesforce", "marketo")
"""Vendors of whom an address without credentials says nothing: the sandbox prints one, whatever its world holds."""
LOGIN_HOST = "https://login.salesforce.com"
"""Where a signed assertion may be brought; for a secret, Salesforce asks for the org's own host."""


def connections(environment: Mapping[str, str] | None = None, brands: Sequence[str] = ()) -> dict[str, Connection]:
    """Return the vendors that the environment connects.

    A vendor without credentials and without a base URL is not connected.

    Args:
        brands: names of further Zoom accounts (HZ-13): that of `beta` is ZOOM_BETA_ACCOUNT_ID, and so on.

    Raises:
        SettingsError: a vendor is half configured; every missing variable is named.
    """
    env = os.environ if environment is None else environment
    found: dict[str, Connection] = {}
    missing: list[str] = []
    for vendor in NEEDED:
        needed = _needed(vendor, env)
        url = env.get(f"{vendor.upper()}_BASE_URL", "").strip()
        given = {name: env.get(name, "").strip() for name in needed}
        if not any(given.values()) and (not url or vendor in URL_ALONE):
            continue
        wrong = _wrong(vendor, given, url)
        key = "" if wrong else _private_key(given.get("SALESFORCE_PRIVATE_KEY_FILE", ""), wrong)
        missing += wrong
        if wrong:
            continue
        prefix = vendor.upper()
        found[vendor] = Connection(
            vendor,
            url.rstrip("/") or HOSTS.get(vendor, LOGIN_HOST),
            account=given.get("ZOOM_ACCOUNT_ID", ""),
            client_id=given.get(f"{prefix}_CLIENT_ID", ""),
            client_secret=given.get(f"{prefix}_CLIENT_SECRET", ""),
            access_token=given.get("HUBSPOT_ACCESS_TOKEN", ""),
            username=given.get("SALESFORCE_USERNAME", ""),
            private_key=key,
            is_sandboxed=bool(url),
        )
    others = tuple(_of_brand(brand, env, missing) for brand in brands)
    if brands and "zoom" not in found and not missing:
        missing += [f"  {name}: not set, and brands need the account of the first one" for name in NEEDED["zoom"]]
    if missing:
        raise SettingsError("the environment is not complete:\n" + "\n".join(missing))
    if others:
        found["zoom"] = replace(found["zoom"], others=others)
    return found


def _of_brand(brand: str, env: Mapping[str, str], missing: list[str]) -> Connection:
    """Return the Zoom account of a brand; what is wrong with its variables is added to `missing`."""
    names = [_of(name, brand) for name in NEEDED["zoom"]]
    given = {name: env.get(name, "").strip() for name in names}
    url = env.get("ZOOM_BASE_URL", "").strip()
    missing += _wrong("zoom", given, "")
    account, client, secret = given.values()
    return Connection(
        "zoom", url.rstrip("/") or HOSTS["zoom"], account, client, secret, is_sandboxed=bool(url), brand=brand
    )


def address_of(vendor: str, brand: str = "") -> str:
    """Return where the webhooks of an account go: the vendor's name, for a further brand with that: `zoom/beta`."""
    return f"{vendor}/{brand}" if brand else vendor


def signed_with(brands: Sequence[str] = ()) -> dict[str, str]:
    """Return address to the variable that holds the secret of its webhooks: `zoom`, `hubspot`, `zoom/beta`."""
    return {**SIGNED_WITH, **{address_of("zoom", brand): _of("ZOOM_WEBHOOK_SECRET", brand) for brand in brands}}


def webhook_secrets(environment: Mapping[str, str] | None = None, brands: Sequence[str] = ()) -> dict[str, str]:
    """Return address to the secret that signs its webhooks, of those that the environment names.

    Raises:
        SettingsError: a secret cannot be one.
    """
    env = os.environ if environment is None else environment
    names = signed_with(brands)
    found = {address: env.get(name, "").strip() for address, name in names.items()}
    if odd := [names[address] for address, secret in found.items() if secret and not SENDABLE.fullmatch(secret)]:
        raise SettingsError(f"{', '.join(odd)}: has a character that no secret has. Copy it once more.")
    return {address: secret for address, secret in found.items() if secret}


def _of(name: str, brand: str) -> str:
    """Return the variable of a brand: of ZOOM_ACCOUNT_ID, ZOOM_BETA_ACCOUNT_ID."""
    return name.replace("ZOOM_", f"ZOOM_{brand.upper()}_", 1)


def _needed(vendor: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that connect a vendor, as the environment has chosen between two ways."""
    is_by_key = vendor == "salesforce" and not env.get("SALESFORCE_CLIENT_SECRET", "").strip()
    return BY_KEY if is_by_key and any(env.get(name, "").strip() for name in BY_KEY[1:]) else NEEDED[vendor]


def _wrong(vendor: str, given: Mapping[str, str], url: str) -> list[str]:
    """Return what is wrong with a vendor's variables, a line each."""
    if absent := [name for name, value in given.items() if not value]:
        return [f"  {name}: not set, and {vendor} cannot be asked without it" for name in absent]
    secrets = [name for name in given if not name.endswith("_FILE")]
    if odd := [name for name in secrets if not SENDABLE.fullmatch(given[name])]:
        return [f"  {name}: has a character that no key of {vendor} has. Copy it once more" for name in odd]
    if url and not _is_address(url):
        return [f"  {vendor.upper()}_BASE_URL: must be https (http only on this machine), not {url!r}"]
    if vendor == "marketo" and not url:
        return [
            "  MARKETO_BASE_URL: not set; Marketo is asked at the instance's own host, "
            "for example https://100-abc-200.mktorest.com"
        ]
    if vendor == "salesforce" and not url and "SALESFORCE_CLIENT_SECRET" in given:
        return [
            "  SALESFORCE_BASE_URL: not set; with a client secret Salesforce is asked at the org's own host, "
            "for example https://acme.my.salesforce.com"
        ]
    return []


def _private_key(name: str, wrong: list[str]) -> str:
    """Return a key file's text, "" where none is named; what is wrong with it is added to `wrong`."""
    if not name:
        return ""
    try:
        text = Path(name).expanduser().read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no PEM text"
        wrong.append(f"  SALESFORCE_PRIVATE_KEY_FILE: {name} cannot be read: {reason}")
        return ""
    if "PRIVATE KEY" not in text:
        wrong.append(f"  SALESFORCE_PRIVATE_KEY_FILE: {name} holds no private key in PEM form")
    return text


def _is_address(url: str) -> bool:
    """Whether a vendor can be there: https anywhere, http on this machine alone, and no password in it."""
    try:
        parts = urlsplit(url)
        is_near = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        is_whole = SENDABLE.fullmatch(url) and parts.hostname and parts.port != 0 and "@" not in parts.netloc
        return bool(is_whole) and (parts.scheme == "https" or is_near)
    except ValueError:
        return False
