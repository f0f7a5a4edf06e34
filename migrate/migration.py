"""One checkpoint, from plan to a new policy that is checked against the objects of the old one."""

from __future__ import annotations

from migrate import provenance
from migrate.archive import Checkpoint
from migrate.faithful import check_faithful
from migrate.plan import Plan, apply_plan
from migrate.revive import revive
from migrate.to_legacy import legacy_agent_from
from modules.policy_file import PolicyFile


def migrate_checkpoint(plan: Plan, checkpoint: Checkpoint) -> PolicyFile:
    """Applies a plan, notes where the policy came from, and checks that nothing of the old agent was left out.

    Raises:
        UnusableFileError: the new stack refuses the result, or the old agent was changed after it was built.
    """
    content = apply_plan(plan, checkpoint)
    provenance.attach(content, plan, checkpoint)
    built = legacy_agent_from(content, checkpoint.path)
    check_faithful(revive(checkpoint, plan.old.era), built, plan.old.era, plan.old.unused, checkpoint.path)
    return content
