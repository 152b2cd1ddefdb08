"""The order of the home page's lists."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal.home.rules import SHOWN, Item, arranged

AT = datetime(2026, 11, 25, tzinfo=UTC)
ITEMS = st.lists(
    st.builds(
        lambda words, rank, days: Item(
            words, "", "/", rank=rank, at=None if days is None else AT + timedelta(days=days)
        ),
        st.text(max_size=5), st.integers(0, 6), st.none() | st.integers(0, 400),
    )
)  # fmt: skip


@given(ITEMS)
def test_what_presses_most_stands_first_and_nothing_is_dropped_unsaid(items: list[Item]) -> None:
    found = arranged(items, items, items)
    for lines in (found.waits, found.wrong):
        ranks = [item.rank for item in lines.items]
        assert ranks == sorted(ranks)
    for lines in (found.waits, found.coming, found.wrong):
        assert len(lines.items) == min(SHOWN, len(items))
        assert len(lines.items) + lines.more == len(items)
    dated = [item.at for item in found.coming.items if item.at]
    assert dated == sorted(dated)
    if items:
        assert found.waits.items[0].rank == min(item.rank for item in items)
