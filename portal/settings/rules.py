"""Settings as values, with their bounds."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DEFAULT_REGIONS = {
    "eu": {"label": "EU (Frankfurt)"},
    "us": {"label": "US (Virginia)"},
}


class BadSetting(Exception):
    """A setting is missing or out of bounds; the message names it."""


@dataclass(frozen=True)
class Bucket:
    """A bucket of an S3-compatible server. `location` is the constraint the bucket must have.

    `key_id` and `secret` come from the environment, else from the file `credentials`, else the
    machine has a role of its own. `endpoint` None: the address the location has at AWS.
    """

    name: str
    prefix: str
    location: str
    endpoint: str | None
    path_style: bool
    timeout: timedelta
    root: Path | None = None
    credentials: Path | None = None
    key_id: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self.endpoint or f"https://s3.{self.location}.amazonaws.com").netloc


@dataclass(frozen=True)
class KeyToken:
    """A PKCS#11 token that may hold a region's key; `pin_from` names the variable of its PIN."""

    module: Path
    label: str
    pin_from: str
    pin: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Region:
    """One place where contracts may live: its own database, document store and key.

    The key lies in `key_file`, or that file names one on `token`.
    """

    name: str
    label: str
    database: str
    store: str
    key_file: Path
    mail_folder: Path
    backup: str | None = None
    bucket: Bucket | None = None
    token: KeyToken | None = None


@dataclass(frozen=True)
class Authority:
    """A time-stamp authority (RFC 3161) and the root it is trusted by; tried in the order given."""

    url: str
    root: Path
    timeout: timedelta


@dataclass(frozen=True)
class OwnSeal:
    """The operator's own key for the seal: a PKCS#12 file, or a PKCS#11 token.

    `secret` names an environment variable that holds the passphrase or PIN; `root` is the
    certificate of the authority it was issued by.
    """

    root: Path
    secret: str
    pkcs12: Path | None = None
    module: Path | None = None
    token: str = ""
    label: str = ""


@dataclass(frozen=True)
class Provider:
    """An OpenID Connect provider people may sign in with; `issuer` is compared letter by letter.

    `verified_by` names the claim that says the address is the person's own; `domains` what such an
    address may end with, any where it is empty.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    verified_by: str
    domains: frozenset[str]
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """Everything the portal reads from outside."""

    home: Path
    operator: str
    base_url: str
    regions: Mapping[str, Region]
    directory: str
    smtp_host: str | None
    smtp_port: int
    smtp_starttls: bool
    smtp_user: str | None
    smtp_password: str | None
    mail_from: str
    mail_lease: timedelta
    secure_cookies: bool
    trusted_proxies: int
    idle: timedelta
    absolute: timedelta
    log_memory: Path
    authorities: tuple[Authority, ...] = ()
    own_seal: OwnSeal | None = None
    webhook_hosts: frozenset[str] = frozenset()
    providers: Mapping[str, Provider] = field(default_factory=dict)
    serving_role: str | None = None
    breached_passwords: Path | None = None
    key_days: int = 730

    @property
    def sends_plain_mail(self) -> bool:
        """Whether mail leaves over a relay without TLS being required."""
        return self.smtp_host is not None and not self.smtp_starttls

    @property
    def keys(self) -> Path:
        """The folder of key files."""
        return self.home / "keys"

    @property
    def metrics_folder(self) -> Path:
        """Where the processes of this host share what they count."""
        return self.home / "run" / "metrics"


def _bucket(name: str, row: Mapping[str, Any], environ: Mapping[str, str]) -> Bucket | None:
    parts = urlsplit(str(row.get("store", "")))
    if "://" not in str(row.get("store", "")):
        return None
    known: Mapping[str, Any] = row.get("s3", {})
    if parts.scheme != "s3" or not parts.netloc or not known.get("location"):
        raise BadSetting(f'Region "{name}": give store = "s3://bucket/prefix" and s3.location')
    endpoint = str(known["endpoint"]).rstrip("/") if known.get("endpoint") else None
    if endpoint and not (endpoint.startswith("https://") or _is_loopback(endpoint)):
        raise BadSetting(f'Region "{name}": s3.endpoint must be https')
    own = f"COUNTERPART_S3_{name.upper()}"
    return Bucket(
        name=parts.netloc, prefix=parts.path.strip("/"), location=str(known["location"]),
        endpoint=endpoint, path_style=bool(known.get("path_style", endpoint is not None)),
        timeout=_seconds(known, "timeout_seconds", 10, least=1, most=60),
        root=Path(known["root"]) if known.get("root") else None,
        credentials=Path(known["credentials"]) if known.get("credentials") else None,
        key_id=environ.get(f"{own}_KEY_ID"), secret=environ.get(f"{own}_SECRET"),
    )  # fmt: skip


def _is_loopback(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}


def _address(environ: Mapping[str, str], name: str, written: str) -> str:
    """Return a database's address: `COUNTERPART_DATABASE_<NAME>`, or as the file has it."""
    address = environ.get(f"COUNTERPART_DATABASE_{name.upper()}", written)
    kind, separator, rest = address.partition("://")
    if kind in {"postgresql", "postgres"}:
        kind = "postgresql+psycopg"
    if not separator or kind not in {"sqlite", "postgresql+psycopg"}:
        raise BadSetting(f"database of {name}: begin it with sqlite:/// or postgresql://")
    return f"{kind}://{rest}"


def _region(home: Path, name: str, row: Mapping[str, Any], environ: Mapping[str, str]) -> Region:
    if not (name.isascii() and name.isalnum() and name.islower() and 2 <= len(name) <= 12):
        raise BadSetting(f'Region "{name}": use 2 to 12 lower-case letters or digits')
    folder = home / "regions" / name
    return Region(
        name=name,
        label=str(row.get("label", name)),
        database=_address(
            environ, name, str(row.get("database", f"sqlite:///{folder / 'region.db'}"))
        ),
        store=str(row.get("store", folder / "documents")),
        key_file=Path(row.get("key_file", home / "keys" / f"region-{name}.key")),
        mail_folder=folder / "mail",
        backup=str(row["backup"]) if row.get("backup") else None,
        bucket=_bucket(name, row, environ),
        token=_key_token(name, row.get("pkcs11"), environ),
    )


def _key_token(
    name: str, row: Mapping[str, Any] | None, environ: Mapping[str, str]
) -> KeyToken | None:
    if row is None:
        return None
    if not row.get("module") or not row.get("token"):
        raise BadSetting(f'Region "{name}": give pkcs11.module and pkcs11.token')
    variable = str(row.get("pin_from", f"COUNTERPART_PIN_{name.upper()}"))
    return KeyToken(
        module=Path(row["module"]), label=str(row["token"]), pin_from=variable,
        pin=environ.get(variable),
    )  # fmt: skip


def _minutes(row: Mapping[str, Any], name: str, default: int, most: int) -> timedelta:
    value = int(row.get(name, default))
    if not 1 <= value <= most:
        raise BadSetting(f"{name}: between 1 and {most} minutes")
    return timedelta(minutes=value)


def _seconds(
    row: Mapping[str, Any], name: str, default: int, *, least: int, most: int
) -> timedelta:
    value = int(row.get(name, default))
    if not least <= value <= most:
        raise BadSetting(f"{name}: between {least} and {most} seconds")
    return timedelta(seconds=value)


def _authority(row: Mapping[str, Any]) -> Authority:
    url, root = str(row.get("url", "")), row.get("root")
    if not url.startswith(("https://", "http://")) or not root:
        raise BadSetting("time_stamp: give each authority a url (http or https) and a root")
    seconds = float(row.get("timeout_seconds", 5))
    if not 0.1 <= seconds <= 60:
        raise BadSetting("time_stamp.timeout_seconds: between 0.1 and 60")
    return Authority(url, Path(root), timedelta(seconds=seconds))


def _own_seal(row: Mapping[str, Any] | None) -> OwnSeal | None:
    if row is None:
        return None
    path, module = row.get("pkcs12"), row.get("pkcs11_module")
    if bool(path) == bool(module) or not row.get("root"):
        raise BadSetting("seal: give root and either pkcs12 or pkcs11_module")
    return OwnSeal(
        root=Path(row["root"]),
        secret=str(row.get("secret_from", "COUNTERPART_SEAL_SECRET")),
        pkcs12=Path(path) if path else None,
        module=Path(module) if module else None,
        token=str(row.get("token", "")),
        label=str(row.get("label", "")),
    )


def _provider(row: Mapping[str, Any], environ: Mapping[str, str]) -> Provider:
    name, issuer = str(row.get("name", "")), str(row.get("issuer", ""))
    if not (name.isascii() and name.isalnum() and name.islower()) or not row.get("client_id"):
        raise BadSetting("oidc: give each provider a name of lower-case letters, and a client_id")
    if not (issuer.startswith("https://") or _is_loopback(issuer)):
        raise BadSetting(f'oidc "{name}": issuer must be an https address, as the provider says it')
    if issuer.rstrip("/").endswith(("/common/v2.0", "/organizations/v2.0", "/consumers/v2.0")):
        raise BadSetting(f'oidc "{name}": name the tenant in issuer; a shared one is many issuers')
    return Provider(
        name=name, label=str(row.get("label", name.title())), issuer=issuer,
        client_id=str(row["client_id"]), verified_by=str(row.get("verified_by", "email_verified")),
        domains=frozenset(str(one).lower() for one in row.get("domains", ())),
        client_secret=environ.get(f"COUNTERPART_OIDC_{name.upper()}_SECRET"),
    )  # fmt: skip


def settings_from(home: Path, file: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Build the settings; raise `BadSetting` with the name of what is wrong."""
    mail = file.get("mail", {})
    base_url = environ.get("COUNTERPART_URL", str(file.get("url", "http://127.0.0.1:8000")))
    named = file.get("regions", DEFAULT_REGIONS)
    regions = {name: _region(home, name, row, environ) for name, row in named.items()}
    if not regions:
        raise BadSetting("regions: name at least one")
    listed = file.get("breached_passwords")
    if listed is not None and not Path(listed).is_file():
        raise BadSetting("breached_passwords: there is no such file")
    return Settings(
        home=home,
        breached_passwords=Path(listed) if listed else None,
        key_days=int(file.get("key_days", 730)),
        operator=str(file.get("operator", "Northwind Systems")),
        base_url=base_url.rstrip("/"),
        regions=regions,
        directory=_address(
            environ, "directory", str(file.get("directory", f"sqlite:///{home / 'directory.db'}"))
        ),
        smtp_host=environ.get("COUNTERPART_SMTP_HOST", mail.get("host")),
        smtp_port=int(environ.get("COUNTERPART_SMTP_PORT", mail.get("port", 587))),
        smtp_starttls=bool(mail.get("starttls", "COUNTERPART_SMTP_HOST" not in environ)),
        smtp_user=mail.get("user"),
        smtp_password=environ.get("COUNTERPART_SMTP_PASSWORD"),
        mail_from=str(mail.get("from", "Counterpart <portal@counterpart.example>")),
        mail_lease=_seconds(mail, "lease_seconds", 120, least=2, most=900),
        secure_cookies=base_url.startswith("https://"),
        trusted_proxies=int(file.get("trusted_proxies", 0)),
        idle=_minutes(file, "idle_minutes", 30, 60),
        absolute=_minutes(file, "absolute_minutes", 12 * 60, 24 * 60),
        log_memory=Path(file.get("log_memory", home / "log")),
        authorities=tuple(_authority(row) for row in file.get("time_stamp", [])),
        own_seal=_own_seal(file.get("seal")),
        serving_role=str(file["serving_role"]) if file.get("serving_role") else None,
        webhook_hosts=frozenset(str(host) for host in file.get("webhook_hosts", ())),
        providers={one.name: one for one in (_provider(r, environ) for r in file.get("oidc", ()))},
    )


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `COUNTERPART_HOME` (default `instance`) and its `counterpart.toml`, if there is one."""
    home = Path(environ.get("COUNTERPART_HOME", "instance")).resolve()
    path = home / "counterpart.toml"
    file = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return settings_from(home, file, environ)
