"""A real S3 server on loopback, and a door before it that can be shut, slow, or lose an answer."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from portal.settings.rules import Settings, read_settings, settings_from

LOCATIONS = {"eu": "eu-central-1", "us": "us-east-1"}
SECRETS = {
    f"COUNTERPART_S3_{region}_{part}": "loopback"
    for region in ("EU", "US")
    for part in ("KEY_ID", "SECRET")
}


@contextmanager
def serving() -> Iterator[str]:
    """Run the server; yield its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def client(address: str, location: str) -> Any:
    """Return a client of another library than ours, to look at what lies there."""
    return boto3.client(
        "s3", endpoint_url=address, region_name=location, aws_access_key_id="loopback",
        aws_secret_access_key="loopback",
    )  # fmt: skip


def make_bucket(address: str, name: str, location: str) -> None:
    """Make a bucket where it should be; the server refuses a constraint that is not its own."""
    with closing(client(address, location)) as asked:
        if location == "us-east-1":
            asked.create_bucket(Bucket=name)
        else:
            where: Any = {"LocationConstraint": location}
            asked.create_bucket(Bucket=name, CreateBucketConfiguration=where)


def objects(address: str, name: str) -> dict[str, bytes]:
    """Return everything a bucket holds, as it lies there."""
    with closing(client(address, "us-east-1")) as asked:
        rows = asked.list_objects_v2(Bucket=name).get("Contents", [])
        return {
            row["Key"]: asked.get_object(Bucket=name, Key=row["Key"])["Body"].read() for row in rows
        }


def settings_on(home: Path, address: str, *, name: str, **more: Any) -> Settings:
    """Return settings whose regions keep their documents in buckets called `<name>-<region>`."""
    regions = {
        region: {
            "label": {"eu": "EU (Frankfurt)", "us": "US (Virginia)"}[region],
            "store": f"s3://{name}-{region}/documents",
            "s3": {
                "endpoint": address,
                "location": LOCATIONS[region],
                "timeout_seconds": 1,
                **more,
            },
        }
        for region in LOCATIONS
    }
    return settings_from(home, {"regions": regions}, SECRETS)


def write_settings(home: Path, address: str, *, region: str, bucket: str) -> None:
    """Write into a home's own file that one region keeps its documents in a bucket."""
    held = home.parent / "s3.toml"
    held.write_text('access_key_id = "loopback"\nsecret_access_key = "loopback"\n')
    held.chmod(0o600)
    rows = [
        "[regions.eu]", 'label = "EU (Frankfurt)"', "[regions.us]", 'label = "US (Virginia)"',
        f"[regions.{region}.s3]", f'endpoint = "{address}"', f'location = "{LOCATIONS[region]}"',
        f'credentials = "{held}"', "timeout_seconds = 1",
    ]  # fmt: skip
    place = rows.index(f"[regions.{region}]") + 1
    rows.insert(place, f'store = "s3://{bucket}/documents"')
    (home / "counterpart.toml").write_text("\n".join(rows))


def settings_of(home: Path) -> Settings:
    """Return the settings a home's own file names."""
    return read_settings({"COUNTERPART_HOME": str(home)})


class Door:
    """A door before a server: open; shut (no one answers); slow (no answer comes); deaf (what is
    asked is done, and the answer is lost); or giving (it gives files and takes none)."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self.behind, self.manner = (host, int(port)), "open"
        self.ear = socket.create_server(("127.0.0.1", 0))
        self.held: list[socket.socket] = []
        self.keeper = threading.Thread(target=self._keep)
        self.keeper.start()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.ear.getsockname()[1]}"

    def set(self, manner: str) -> None:
        """Change its manner; whoever is on the way now is cut off."""
        self.manner = manner
        for one in self.held:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let nobody in any more."""
        self.set("shut")
        with suppress(OSError):
            self.ear.shutdown(socket.SHUT_RDWR)
        self.keeper.join()
        self.ear.close()
        for one in self.held:
            one.close()

    def _keep(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self.ear.accept()
                self.held.append(caller)
                if self.manner == "shut":
                    caller.close()
                elif self.manner != "slow":
                    threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        server = socket.create_connection(self.behind)
        self.held.append(server)
        with suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([caller, server], [], [])
                for one in ready:
                    said = one.recv(65536)
                    lost = one is server and self.manner == "deaf"
                    if not said or lost or (self.manner == "giving" and said.startswith(b"PUT")):
                        raise OSError
                    (server if one is caller else caller).sendall(said)
        for one in (caller, server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
