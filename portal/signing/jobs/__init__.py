"""What happens to a deed outside the act: prepared, signed slot by slot, sealed; the self-test."""

from portal.signing.jobs.bench import CannotSeal
from portal.signing.jobs.line import advance, run_jobs
from portal.signing.jobs.rehearsal import SelfTestFailed, altered_deeds_found, self_test
from portal.signing.jobs.stamping import renew_deeds, stamp_deeds
from portal.signing.jobs.steps import deed_of
from portal.signing.jobs.sweep import keep_signings

__all__ = [
    "CannotSeal",
    "SelfTestFailed",
    "advance",
    "altered_deeds_found",
    "deed_of",
    "keep_signings",
    "renew_deeds",
    "run_jobs",
    "self_test",
    "stamp_deeds",
]
