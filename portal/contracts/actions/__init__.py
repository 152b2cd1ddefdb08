"""What is done to a contract: its life, its amendments, and the schedules changed in between."""

from portal.contracts.actions.amending import note_amendment, start_amendment
from portal.contracts.actions.facts import add_fact, add_version, keep_place, place_all
from portal.contracts.actions.interim import (
    agree_interim_change,
    decline_interim_change,
    propose_interim_change,
    withdraw_interim_change,
)
from portal.contracts.actions.life import (
    Pin,
    Pins,
    demand_starting,
    finish_step,
    name_people,
    start_contract,
    withdraw,
)
from portal.contracts.actions.walks import COMPLETED, IN_SIGNING, walk

__all__ = [
    "COMPLETED",
    "IN_SIGNING",
    "Pin",
    "Pins",
    "add_fact",
    "add_version",
    "agree_interim_change",
    "decline_interim_change",
    "demand_starting",
    "finish_step",
    "keep_place",
    "name_people",
    "note_amendment",
    "place_all",
    "propose_interim_change",
    "start_amendment",
    "start_contract",
    "walk",
    "withdraw",
    "withdraw_interim_change",
]
