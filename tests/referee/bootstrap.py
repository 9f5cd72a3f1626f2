#!/usr/bin/env python3
"""A function of the referees': a custom runtime that speaks Lambda's Runtime API."""

import json
import os
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def tell(request_id, what, document):
    body = json.dumps(document).encode()
    with urllib.request.urlopen(f"{API}/{request_id}/{what}", data=body):
        pass


while True:
    with urllib.request.urlopen(f"{API}/next") as answer:
        request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(answer)
    print("referee saw", sorted(event), flush=True)
    if event.get("fail"):
        tell(request_id, "error", {"errorType": "Refused", "errorMessage": "as it was told"})
    elif event.get("exit"):
        raise SystemExit(3)
    else:
        tell(request_id, "response", {"event": event, "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"]})
