"""A moto server whose Step Functions carries out what it is told to.

moto copies a machine with all executions of all machines before it starts another one, and those hold locks,
which cannot be copied: from the second execution on it fails. The copy may share them."""

import sys

from moto.core.config import default_user_config
from moto.server import main
from moto.stepfunctions.parser.backend.execution import Execution

Execution.__deepcopy__ = lambda self, memo: self
default_user_config["stepfunctions"] = {"execute_state_machine": True}

main(sys.argv[1:])
