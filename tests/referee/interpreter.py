"""moto's interpreter of state machines as a server: `interpreter.py -H 127.0.0.1 -p PORT`.

Where TASK_ENDPOINT is set, tasks go there as the role TASK_ROLE, which is taken with TASK_KEY and TASK_SECRET; and time passes
TASK_SPEED times as fast as on the wall, as it does in the estate that the tasks go to.

moto copies a machine with all executions of all machines before it starts another one, and those hold locks,
which cannot be copied: from the second execution on it fails. The copy may share them."""

import os
import sys
import threading
import time
import types

import boto3
import moto.stepfunctions.parser.asl.utils.boto_client as tasks
from botocore.config import Config
from moto.core.config import default_user_config
from moto.server import main
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.backend.execution import Execution

ENDPOINT = os.environ.get("TASK_ENDPOINT")
SPEED = float(os.environ.get("TASK_SPEED", "1"))


_session = []


def session():
    """The state machine's role, taken when the first task is called."""
    if not _session:
        keys = {"aws_access_key_id": os.environ["TASK_KEY"], "aws_secret_access_key": os.environ["TASK_SECRET"]}
        sts = boto3.client("sts", region_name="us-east-1", endpoint_url=ENDPOINT, **keys)
        answer = sts.assume_role(RoleArn=os.environ["TASK_ROLE"], RoleSessionName="machine")["Credentials"]
        _session.append([answer[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")])
    return boto3.Session(*_session[0])


def client(region, service, state_credentials=None):
    """What calls the services of tasks."""
    patience = Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=120)
    return session().client(service, region_name=region, endpoint_url=ENDPOINT, config=patience)


class FastEvent(threading.Event):
    """Time-outs of states."""

    def wait(self, timeout=None):
        return super().wait(None if timeout is None else timeout / SPEED)


def wait(self, env):
    """A Wait state. Execution can be stopped meanwhile, which moto looks at when the wait is over."""
    seconds = self._get_wait_seconds(env=env)
    env.program_state_event.wait(seconds / SPEED)


def redirect():
    """Sends tasks to the endpoint, at its pace."""
    WaitFunction._eval_body = wait
    retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / SPEED))
    execute_state.threading = types.SimpleNamespace(Event=FastEvent)
    tasks.boto_client_for = client
    # Those that were loaded before that.
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions") and hasattr(module, "boto_client_for"):
            module.boto_client_for = client


if ENDPOINT:
    redirect()
Execution.__deepcopy__ = lambda self, memo: self
default_user_config["stepfunctions"] = {"execute_state_machine": True}
main(sys.argv[1:])
