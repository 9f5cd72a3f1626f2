"""CloudFormation as a person types it: the commands, and what they name."""

import json

from driven_templates import template_of


def templates(directory):
    """A template in a file."""
    path = directory / "role.template.json"
    path.write_text(json.dumps(template_of()))
    return {"template": path}


TYPED = {
    ("cloudformation", "ValidateTemplate"): (
        "zone",
        "cloudformation validate-template --template-body file://{template}",
        "Capabilities",
    ),
}
