"""Auto Scaling groups of one's own as a person types it."""

from driven_refreshes import TYPED_OWN, template_of


def own_groups(clients):
    """A group's launch template, for commands to show."""
    return {"own": TYPED_OWN, "own_template": template_of(clients, TYPED_OWN)}


def typed(operation, command, member):
    return {("autoscaling", operation): ("zone", f"autoscaling {command} --auto-scaling-group-name {{own}}", member)}


TYPED = {
    **typed("StartInstanceRefresh", "start-instance-refresh", "InstanceRefreshId"),
    **typed("DescribeInstanceRefreshes", "describe-instance-refreshes", "InstanceRefreshes"),
    **typed("CancelInstanceRefresh", "cancel-instance-refresh", "InstanceRefreshId"),
    **typed("DescribeLifecycleHooks", "describe-lifecycle-hooks", "LifecycleHooks"),
    ("ec2", "DescribeLaunchTemplates"): ("zone", "ec2 describe-launch-templates --page-size 1", "LaunchTemplates"),
    ("ec2", "DescribeLaunchTemplateVersions"): (
        "zone",
        "ec2 describe-launch-template-versions --launch-template-id {own_template} --versions $Latest",
        "LaunchTemplateVersions",
    ),
}
