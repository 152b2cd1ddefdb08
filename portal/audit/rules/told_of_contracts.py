"""What is told of a contract until it holds: its start, its rounds, its signatures."""

from portal.audit.rules.phrases import Wordings, answers
from portal.kit.words import say

TOLD: Wordings = {
    "contract:terms:brought": say(
        "%(who)s took %(terms)s over from the document with the SHA-256 %(hash)s…."
    ),
    "contract:started": say("%(who)s started the contract as its %(side)s."),
    "contract:people:changed": say(
        "%(who)s named the people of the %(side)s: %(functions)s, %(named_signers)s."
    ),
    "contract:step:finished": say("%(who)s finished step %(step)s of the start: %(step_name)s."),
    "contract:person:erased": say(
        "%(who)s erased a person’s data, and left what was signed and every proof."
    ),
    "contract:withdrawn": say("%(who)s withdrew the contract and gave a reason."),
    "amendment:started": say("%(who)s started an amendment of %(terms)s."),
    "amendment:completed": say(
        "%(who)s sealed an amendment of %(terms)s, which holds from %(starts)s."
    ),
    "interim_change:proposed": say(
        "%(who)s proposed change %(number)s of a schedule, of %(named_terms)s."
    ),
    "interim_change:agreed": say(
        "%(who)s agreed change %(number)s of a schedule, which holds from %(starts)s."
    ),
    "interim_change:declined": say("%(who)s declined change %(number)s of a schedule."),
    "interim_change:withdrawn": say("%(who)s took back change %(number)s of a schedule."),
    "template:created": say("%(who)s started a template."),
    "template:draft:started": say("%(who)s started number %(number)s of a template."),
    "template:draft:saved": say("%(who)s changed the draft of template number %(number)s."),
    "template:draft:discarded": say("%(who)s discarded template number %(number)s."),
    "template:published": say("%(who)s published number %(number)s of a template."),
    "template:retired": say("%(who)s retired number %(number)s of a template."),
    "batch:uploaded": say("%(who)s uploaded a sheet of %(rows)s, %(faulty)s with errors."),
    "batch:confirmed": say("%(who)s confirmed a batch of %(started_contracts)s."),
    "batch:row:started": say("%(who)s started row %(row)s of a batch."),
    "batch:stopped": say("%(who)s stopped a batch, %(left)s left."),
    "catalogue:draft:started": say("%(who)s started version %(number)s of the catalogue."),
    "catalogue:draft:imported": say("%(who)s read version %(number)s of the catalogue in."),
    "catalogue:draft:saved": say("%(who)s changed the draft of catalogue version %(number)s."),
    "catalogue:draft:discarded": say("%(who)s discarded catalogue version %(number)s."),
    "catalogue:published": say("%(who)s published version %(number)s of the catalogue."),
    "catalogue:retired": say("%(who)s retired version %(number)s of the catalogue."),
    "negotiation:round:sent": lambda f: (
        say("%(who)s sent round %(number)s: %(answers)s.")
        if answers(f)
        else say("%(who)s sent round %(number)s.")
    ),
    "negotiation:round:opened": say("%(who)s opened round %(number)s."),
    "negotiation:round:recalled": say("%(who)s recalled round %(number)s unopened."),
    "negotiation:comment:shared": lambda f: (
        say("%(who)s shared a comment on %(term)s.")
        if f.get("term")
        else say("%(who)s shared a comment.")
    ),
    "negotiation:comment:resolved": say("%(who)s marked a shared comment as settled."),
    "negotiation:changes:seen": say("%(who)s has seen everything up to round %(round)s."),
    "negotiation:note:written": say("%(who)s wrote an internal note."),
    "negotiation:note:resolved": say("%(who)s marked an internal note as settled."),
    "negotiation:approval:given": lambda f: (
        say("%(who)s overrode the limits of %(term)s as %(role)s, playbook %(playbook)s.")
        if f.get("override")
        else say("%(who)s approved %(term)s as %(role)s, playbook %(playbook)s.")
    ),
    "negotiation:version:frozen": say("%(who)s froze the agreed terms as version %(number)s."),
    "signing:consent:given": say("%(who)s consented to electronic records."),
    "signing:consent:withdrawn": say("%(who)s withdrew consent to electronic records."),
    "signing:signature:signed": lambda f: (
        say("%(who)s signed version %(version)s, %(remaining_signers)s to go.")
        if f.get("remaining")
        else say("%(who)s signed version %(version)s, the last to sign.")
    ),
    "signing:signature:declined": say("%(who)s declined to sign version %(version)s."),
    "signing:version:approved": say("%(who)s approved version %(version)s for signature."),
    "signing:signer:reminded": say("%(who)s reminded %(people)s of version %(version)s."),
    "signing:slot:delegated": say("%(who)s gave the own place to sign to a colleague."),
    "signing:slot:reassigned": say(
        "%(who)s gave a place to sign to another colleague before it was reached."
    ),
    "signing:version:voided": lambda f: (
        say("%(who)s voided the signing of version %(version)s with %(signatures)s made on it.")
        if f.get("signatures")
        else say("%(who)s voided the signing of version %(version)s.")
    ),
    "signing:version:reopened": lambda f: (
        say(
            "%(who)s agreed to open the terms again: version %(version)s is void with "
            "%(signatures)s made on it."
        )
        if f.get("signatures")
        else say("%(who)s agreed to open the terms again: version %(version)s is void.")
    ),
    "signing:reopening:proposed": say("%(who)s proposed to open the frozen terms again."),
    "signing:reopening:refused": say("%(who)s refused to open the frozen terms again."),
    "signing:offer:expired": say("%(who)s let the offer to sign version %(version)s expire."),
    "signing:paper:asked": say("%(who)s asked for a paper copy."),
    "signing:paper:sent": say("%(who)s noted a paper copy as sent."),
    "signing:deed:prepared": say(
        "%(who)s prepared the deed of version %(version)s for %(signers)s."
    ),
    "signing:deed:signed": say(
        "%(who)s put a signature into the deed of version %(version)s, revision %(revision)s."
    ),
    "signing:deed:sealed": say(
        "%(who)s sealed the deed of version %(version)s and completed the contract."
    ),
    "signing:deed:stamped": say(
        "%(who)s added a time stamp of an authority to the deed of version %(version)s."
    ),
    "signing:deed:renewed": say(
        "%(who)s renewed the proof of time of the deed of version %(version)s."
    ),
    "signing:deed:failed": say(
        "%(who)s could not finish the deed of version %(version)s (%(tries)s), and goes on trying."
    ),
    "contract:move:asked": say("%(who)s asked to move the contract to region %(to)s."),
    "contract:move:agreed": say("%(who)s agreed to move the contract to region %(to)s."),
    "contract:move:withdrawn": say("%(who)s withdrew the move of the contract."),
    "contract:move:started": say(
        "%(who)s froze the contract in region %(from)s to move it to %(to)s."
    ),
    "contract:move:arrived": say(
        "%(who)s copied %(rows)s to region %(to)s, compared their hashes, and goes on here."
    ),
    "signing:attempt:failed": say("%(who)s tried to sign with a wrong %(factor)s."),
    "region:contract:left": say("%(who)s moved %(rows)s of a contract to region %(to)s."),
    "intake:file:taken": lambda f: (
        say("%(who)s took %(past_outages)s in from a file.")
        if f.get("kind") == "outages"
        else say("%(who)s took %(past_incidents)s in from a file.")
    ),
}
