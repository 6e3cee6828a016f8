"""One folder of installed packages for all environments of tox: each would need the same 2 GB.

tox itself makes a folder anew when an environment of another name used it before; here the name is
left out of that comparison. Everything else (Python, dependencies) is compared as ever.
"""

from contextlib import AbstractContextManager
from typing import Any

from tox.plugin import impl
from tox.tox_env.info import Info
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner
from tox.tox_env.register import ToxEnvRegister


class SharedInfo(Info):
    """What tox remembers of a folder, the environment's name aside."""

    def compare(
        self, value: Any, section: str, sub_section: str | None = None
    ) -> AbstractContextManager[tuple[bool, Any | None]]:
        """Compare and remember; any environment counts as the same one."""
        if section == "ToxEnv":
            value = value | {"name": "shared"}
        return super().compare(value, section, sub_section)


class SharedRunner(VirtualEnvRunner):
    """A virtual environment, made by pip, that several environments of tox use in turn."""

    @staticmethod
    def id() -> str:
        """Name of this runner in tox.ini."""
        return "shared"

    @property
    def cache(self) -> Info:
        """What tox remembers of the folder."""
        return SharedInfo(self.env_dir)


@impl
def tox_register_tox_env(register: ToxEnvRegister) -> None:
    """Make the runner known to tox."""
    register.add_run_env(SharedRunner)
