"""The certification page of a bundle: the law's line L-20, and that it says nothing but facts."""

import hashlib
import json

import html5lib

from tests.evidence.test_bundle import opened


def test_L20_the_bundle_holds_a_certification_to_attach_for_people_and_machines(
    told_bundle: bytes,
) -> None:
    files = opened(told_bundle)
    facts = json.loads(files["certification.json"])
    page = files["certification.html"].decode()
    lines = files["entries.jsonl"].splitlines()
    assert facts["hash"].startswith("SHA-256")
    assert facts["entries"] == len(lines)
    assert facts["head"] == hashlib.sha256(lines[-1]).hexdigest()
    assert facts["deed_sha256"] == hashlib.sha256(files["deed.pdf"]).hexdigest()
    assert facts["signatures"] == 4
    for one in facts["files"]:
        assert hashlib.sha256(files[one["path"]]).hexdigest() == one["sha256"]
        assert one["sha256"] in page
    for words in ("902(13)", "902(14)", "RFC 6962", "Ed25519", facts["head"], facts["contract"],
                  "Signature", "not legal advice"):  # fmt: skip
        assert words in page
    assert len(facts["process"]) == page.count("<li>")
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    assert len(list(tree.iter("h1"))) == 1
