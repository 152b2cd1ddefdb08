"""The console command `counterpart`: thin words over actions and queries."""

import gc
import importlib
import sys
from types import ModuleType

import click

# name of the command -> module that holds it under the same name
COMMANDS = {
    "audit": "portal.cli.audit",
    "backup": "portal.cli.backup",
    "backup-key": "portal.cli.backup",
    "bounce": "portal.cli.working",
    "break-glass": "portal.cli.break_glass",
    "contracts": "portal.cli.contracts",
    "deeds": "portal.cli.deeds",
    "demo": "portal.cli.demo.commands",
    "doctor": "portal.cli.doctor",
    "erase": "portal.cli.erase",
    "export": "portal.cli.contracts",
    "keys": "portal.cli.keys",
    "metrics": "portal.cli.watching",
    "migrate": "portal.cli.running",
    "renewals": "portal.cli.renewals",
    "residency": "portal.cli.residency",
    "restore": "portal.cli.backup",
    "serve": "portal.cli.running",
    "siem": "portal.cli.watching",
    "sla": "portal.cli.sla",
    "terms": "portal.cli.terms",
    "transfer": "portal.cli.transfer",
    "validate": "portal.cli.validate",
    "verify": "portal.cli.verify",
    "work": "portal.cli.working",
}


class Commands(click.Group):
    """Loads a command's module only when it is called, so that small commands start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command by its name."""
        if cmd_name not in COMMANDS:
            return None
        module = _loaded(COMMANDS[cmd_name])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


def _loaded(name: str) -> ModuleType:
    """Import a module whose thousand parts stay for good: the collector need not look at them.

    It starts a fifth sooner so, and the processes of a server go on sharing the memory.
    """
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


@click.group(cls=Commands)
@click.version_option(package_name="counterpart")
def main() -> None:
    """Negotiate a software support contract, sign it, and hold the proof."""
