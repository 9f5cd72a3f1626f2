"""What calls changed, and how often: for runs that must not do anything twice."""

import collections

#: The calls that change something, beside commands and images.
CHANGES = ("StartInstances", "StopInstances", "RebootInstances", "CreateReplaceRootVolumeTask", "RunInstances")


def changes(call):
    """The changes one call made, each as (what, instance)."""
    asked, action = call["request"], call["action"]
    if action == "SendCommand":
        # "fw RUN STEP ATTEMPT": everything but the run's name.
        _, _, *step = asked["Comment"].split()
        return [(f"{asked['DocumentName']} {' '.join(step)}", instance) for instance in asked["InstanceIds"]]
    if action == "CreateImage":
        return [("image", asked["InstanceId"])]
    if action in CHANGES:
        return [(action, value) for name, value in asked.items() if name.startswith("InstanceId")]
    return []


def effects(calls):
    """How often each change was carried out: what, and which instance. A call with the client token of
    an earlier one changes nothing: it is how a task that may have begun is asked for again."""
    done, tokens = collections.Counter(), set()
    for call in calls:
        token = call["request"].get("ClientToken")
        if call["ok"] and token not in tokens:
            done.update(changes(call))
        if call["ok"] and token:
            tokens.add(token)
    return done
