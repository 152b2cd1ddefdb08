"""Keeping the dates, deciding, giving notice, renewing."""

from portal.renewals.actions.giving import (
    Given,
    check_notice,
    check_price,
    confirm_receipt,
    decide,
    give_notice,
    give_price,
    target_now,
)
from portal.renewals.actions.projection import enrol, refresh
from portal.renewals.actions.sweep import keep_dates

__all__ = [
    "Given",
    "check_notice",
    "check_price",
    "confirm_receipt",
    "decide",
    "enrol",
    "give_notice",
    "give_price",
    "keep_dates",
    "refresh",
    "target_now",
]
