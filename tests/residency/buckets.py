"""A real S3 server on loopback, and settings of homes whose documents lie there."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
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
