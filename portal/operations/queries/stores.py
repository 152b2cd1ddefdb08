"""The buckets of the regions: they answer, lie where they should, and never overwrite."""

from collections.abc import Iterator

from portal.kit.refs import new_id
from portal.operations.queries.subject import Subject
from portal.operations.rules import Check, Level, is_private, judged, mode_words
from portal.residency.queries import bucket_problems
from portal.residency.stores import PROBES, Store, StoreAway
from portal.settings.rules import Bucket

FILE_BITS = 0o777


def checks(subject: Subject) -> Iterator[Check]:
    """Yield the checks of every region whose documents lie in a bucket."""
    for where, database, _ in subject.each_region():
        bucket = database.store.bucket
        if bucket is None:
            continue
        yield _secret(where, bucket)
        yield from _asked(where, bucket, database.store, new_id(subject.at))


def _asked(where: str, bucket: Bucket, store: Store, key: str) -> Iterator[Check]:
    try:
        said = store.location()
    except FileNotFoundError:
        said = None
    except StoreAway as away:
        yield judged(
            f"store answers ({where})", str(away), holds=False,
            mend="start the server, or mend s3.endpoint; people sign meanwhile, nothing is sealed",
        )  # fmt: skip
        return
    yield judged(f"store answers ({where})", bucket.host, holds=True, mend="")
    wrong = bucket_problems(store)
    yield judged(
        f"store location ({where})", wrong[0] if wrong else said or "the server does not say",
        holds=not wrong and said is not None,
        otherwise=Level.ERROR if wrong else Level.WARNING,
        mend="use a bucket whose location constraint is s3.location",
    )  # fmt: skip
    if not wrong:
        yield _write_once(where, store, f"{PROBES}/{key}")


def _write_once(where: str, store: Store, key: str) -> Check:
    """Write a probe, try to overwrite it, read it, and remove it again."""
    try:
        store.put(key, b"first")
        kept = not store.put_once(key, b"second") and store.get(key) == b"first"
        store.remove(key)
        said = "written, kept and removed" if kept else "a second file took the place of the first"
    except (StoreAway, FileNotFoundError) as refused:
        kept, said = False, str(refused)
    return judged(
        f"store writes once ({where})", said, holds=kept,
        mend="let the key read, write, list and delete; the server must honour If-None-Match",
    )  # fmt: skip


def _secret(where: str, bucket: Bucket) -> Check:
    if bucket.key_id:
        said, holds = "from the environment", bool(bucket.secret)
    elif bucket.credentials is None:
        said, holds = "the machine has a role of its own", True
    elif not bucket.credentials.exists():
        said, holds = f"{bucket.credentials.name} is missing", False
    else:
        mode = bucket.credentials.stat().st_mode & FILE_BITS
        said, holds = f"{bucket.credentials.name}, {mode_words(mode)}", is_private(mode)
    return judged(
        f"store credentials ({where})", said, holds=holds,
        mend="name both parts, in a file with mode 600 or in the environment",
    )  # fmt: skip
