"""Documents in buckets: write once, sealed, where they should be, and what happens when away."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from portal.operations.queries import stores as look
from portal.operations.rules import Level
from portal.residency.queries import facts_of, missing_parts
from portal.residency.rules import places_of
from portal.residency.stores import CannotRead, CannotStore, Store
from portal.settings.rules import BadSetting, Settings, settings_from
from tests.door import Door
from tests.residency import buckets

pytestmark = pytest.mark.slow
MORE_THAN_A_PIECE = b"0123456789abcdef" * 400_000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server with a bucket in each place."""
    with buckets.serving() as address:
        for region, location in buckets.LOCATIONS.items():
            buckets.make_bucket(address, f"plain-{region}", location)
        yield address


@pytest.fixture
def door(server: str) -> Iterator[Door]:
    """A door before the server."""
    one = Door(server)
    yield one
    one.close()


def store_at(address: str, tmp_path: Path, region: str = "eu", name: str = "plain") -> Store:
    return Store(buckets.settings_on(tmp_path, address, name=name).regions[region])


def test_what_lies_in_a_bucket_is_never_overwritten(server: str, tmp_path: Path) -> None:
    store = store_at(server, tmp_path)
    store.put("once/a", b"first")
    assert store.put_once("once/a", b"first") and not store.put_once("once/a", b"second")
    with pytest.raises(CannotStore, match="another file"):
        store.put("once/a", b"second")
    assert store.get("once/a") == b"first"
    store.put("once/large", MORE_THAN_A_PIECE)
    assert not store.put_once("once/large", b"second")
    assert store.get("once/large") == MORE_THAN_A_PIECE
    assert set(store.each_key("once")) == {"once/a", "once/large"}
    assert set(store.each_key("onc")) == set()
    for key in ("once/a", "once/large", "once/a"):
        store.remove(key)
    assert list(store.each_key("once")) == []
    with pytest.raises(FileNotFoundError):
        store.get("once/a")


@pytest.mark.parametrize("key", ["../plain-us/x", "a/../../x", "..", "a/./b"])
def test_a_key_never_leads_out_of_the_place(server: str, tmp_path: Path, key: str) -> None:
    folder = settings_from(tmp_path / "home", {}, {}).regions["eu"]
    for store in (store_at(server, tmp_path), Store(folder)):
        for act in (lambda s=store: s.put(key, b"x"), lambda s=store: s.get(key)):
            with pytest.raises((ValueError, OSError)):
                act()
    assert buckets.objects(server, "plain-us") == {}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_prefix_holds_everything(server: str, tmp_path: Path) -> None:
    store = store_at(server, tmp_path)
    store.put("here/a", b"x")
    assert buckets.objects(server, "plain-eu") == {"documents/here/a": b"x"}
    store.remove("here/a")


@pytest.mark.parametrize("manner", ["shut", "slow"])
def test_a_store_that_is_away_says_so_in_time_and_goes_on(
    door: Door, tmp_path: Path, manner: str
) -> None:
    store = store_at(door.address, tmp_path)
    door.set(manner)
    with pytest.raises(CannotStore, match="takes no file"):
        store.put("away/a", b"x")
    with pytest.raises(CannotRead, match="gives no file"):
        store.get("away/a")
    if manner == "shut":
        assert not store.answers()
        with pytest.raises(CannotRead, match="names no file"):
            list(store.each_key())
        with pytest.raises(CannotStore, match="removes no file"):
            store.remove("away/a")
        with pytest.raises(CannotRead, match="does not answer"):
            store.location()
    door.set("open")
    assert store.answers()
    store.put("away/a", b"x")
    assert store.get("away/a") == b"x"
    store.remove("away/a")


def test_a_file_whose_answer_was_lost_is_found_and_not_doubled(
    door: Door, server: str, tmp_path: Path
) -> None:
    store = store_at(door.address, tmp_path)
    door.set("deaf")
    with pytest.raises(CannotStore):
        store.put("lost/a", b"x")
    assert buckets.objects(server, "plain-eu") == {"documents/lost/a": b"x"}
    door.set("open")
    store.put("lost/a", b"x")
    assert list(store.each_key("lost")) == ["lost/a"]
    store.remove("lost/a")


def at_start(settings: Settings) -> list[str]:
    return [said for said in missing_parts(settings) if "bucket" in said]


def test_a_bucket_in_another_place_is_refused_at_the_start(server: str, tmp_path: Path) -> None:
    good = buckets.settings_on(tmp_path, server, name="plain")
    assert at_start(good) == []
    astray = buckets.settings_on(tmp_path, server, name="plain", location="eu-west-1")
    assert at_start(astray) == [
        "region eu: its bucket plain-eu is in eu-central-1, not in eu-west-1; mend `store`",
        "region us: its bucket plain-us is in us-east-1, not in eu-west-1; mend `store`",
    ]
    missing = at_start(buckets.settings_on(tmp_path, server, name="none"))
    assert [said.partition(";")[0] for said in missing] == [
        "region eu: there is no bucket none-eu", "region us: there is no bucket none-us",
    ]  # fmt: skip


def test_a_store_that_is_away_at_the_start_keeps_nobody_out(door: Door, tmp_path: Path) -> None:
    door.set("shut")
    assert at_start(buckets.settings_on(tmp_path, door.address, name="plain")) == []


def test_doctor_sees_that_a_bucket_answers_lies_right_and_writes_once(
    server: str, tmp_path: Path
) -> None:
    seen = checks_of(buckets.settings_on(tmp_path, server, name="plain"))
    assert {level for level, _ in seen.values()} == {Level.GOOD}
    assert seen["store location (eu)"][1] == "eu-central-1"
    assert seen["store writes once (us)"][1] == "written, kept and removed"
    assert buckets.objects(server, "plain-eu") == buckets.objects(server, "plain-us") == {}
    astray = checks_of(buckets.settings_on(tmp_path, server, name="plain", location="eu-west-1"))
    assert astray["store location (us)"][0] is Level.ERROR
    assert "us-east-1, not in eu-west-1" in astray["store location (us)"][1]


def test_doctor_sees_a_store_that_is_away_and_a_file_others_may_read(
    door: Door, tmp_path: Path
) -> None:
    held = tmp_path / "s3.toml"
    held.write_text('access_key_id = "a"\nsecret_access_key = "b"\n')
    held.chmod(0o644)
    settings = buckets.settings_on(tmp_path, door.address, name="plain", credentials=str(held))
    door.set("shut")
    for region in settings.regions.values():
        assert region.bucket is not None
        object.__setattr__(region.bucket, "key_id", None)
    seen = checks_of(settings)
    assert seen["store answers (eu)"][0] is Level.ERROR
    assert seen["store credentials (eu)"] == (Level.ERROR, "s3.toml, 0644")
    held.chmod(0o600)
    door.set("open")
    assert {level for level, _ in checks_of(settings).values()} == {Level.GOOD}


def checks_of(settings: Settings) -> dict[str, tuple[Level, str]]:
    """Return what doctor says of each region's store."""
    found = {}
    for name, region in settings.regions.items():
        store = Store(region)
        assert store.bucket is not None
        every = [look._secret(name, store.bucket), *look._asked(name, store.bucket, store, "probe")]
        found.update({check.name: (check.level, check.said) for check in every})
        assert all(check.mend for check in every if check.level is not Level.GOOD)
    return found


def test_the_page_of_places_names_the_bucket_and_where_it_is(tmp_path: Path) -> None:
    settings = buckets.settings_on(tmp_path, "http://127.0.0.1:9", name="plain")
    places = {one.name: one for one in places_of(facts_of(settings, settings.regions["eu"]))}
    said = places["Document store"]
    assert "the bucket plain-eu in eu-central-1, at 127.0.0.1:9" in said.where and said.pinned


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"store": "s3://one"}, "s3.location"),
        ({"store": "gs://one", "s3": {"location": "eu"}}, "s3://bucket/prefix"),
        ({"store": "s3://one", "s3": {"location": "eu", "endpoint": "http://s3.example"}}, "https"),
        ({"store": "s3://one", "s3": {"location": "eu", "timeout_seconds": 90}}, "timeout"),
    ],
)
def test_settings_of_a_bucket_have_bounds(tmp_path: Path, row: dict[str, object], wrong: str):
    with pytest.raises(BadSetting, match=wrong):
        settings_from(tmp_path, {"regions": {"eu": row}}, {})


def test_the_secret_of_a_bucket_is_not_in_what_settings_print(tmp_path: Path) -> None:
    settings = buckets.settings_on(tmp_path, "http://127.0.0.1:9", name="plain")
    assert "loopback" not in repr(settings)
    assert settings.regions["eu"].bucket is not None
    assert settings.regions["eu"].bucket.timeout == timedelta(seconds=1)
