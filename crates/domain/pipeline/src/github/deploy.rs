//! `deploy.yml`: hub and spokes of an environment, from the templates under `cloud`.

use std::time::Duration;

use super::{begin, chosen, document, environment_input, job, run, variables};
use crate::Workflow;
use crate::yaml::Yaml;

pub(super) fn text(workflow: &Workflow) -> String {
    let inputs = Yaml::map([("environment", environment_input(workflow))]);
    let push = Yaml::map([("branches", Yaml::texts(["main"])), ("paths", Yaml::texts(["cloud/**"]))]);
    let on = Yaml::map([("workflow_dispatch", Yaml::map([("inputs", inputs)])), ("push", push)]);
    let environment = chosen(workflow);
    let group = format!("fleetwright-deploy-{environment}");
    document(
        "fleetwright deploy",
        ABOUT,
        on,
        &group,
        variables(workflow, &environment),
        jobs(workflow, &environment),
    )
}

const ABOUT: &str = "Deploys the hub and the spokes of an environment. Give the environments of GitHub's that are \
    named ENVIRONMENT-deploy required reviewers. A change under cloud/ on main deploys the first environment.";

const HOUR: Duration = Duration::from_secs(3600);

fn jobs(workflow: &Workflow, environment: &str) -> Yaml {
    let one = |name, what, script, limit| {
        let mut steps = begin(workflow, limit);
        steps.push(run(what, script));
        job(workflow, name, limit)
            .with("environment", Yaml::text(format!("{environment}-deploy")))
            .with("steps", Yaml::List(steps))
    };
    let hub = one("Hub", "Deploy the hub", HUB, HOUR);
    let units = Yaml::map([
        ("ORGANIZATIONAL_UNITS", Yaml::text("${{ vars.ORGANIZATIONAL_UNITS }}")),
        ("EXTERNAL_ID", Yaml::text("${{ secrets.FLEETWRIGHT_EXTERNAL_ID }}")),
    ]);
    let spokes = one("Spokes", "Deploy the spokes", SPOKES, 3 * HOUR)
        .with("needs", Yaml::texts(["hub"]))
        .with("env", units);
    Yaml::map([("hub", hub), ("spokes", spokes)])
}

/// What changes stands in the log of the job before it is carried out; what holds data is not replaced. A stack that is as it
/// should be already is no failure.
const HUB: &str = r#"set -eu
code=0
fleetwright cloud deploy --hub "$TARGET_ENVIRONMENT" --dir cloud --yes --state-dir "$STATE_DIRECTORY" || code=$?
case $code in
  0) ;;
  21) echo '::notice::the hub is as it should be: nothing was changed' ;;
  *)
    echo "::error::the hub was not deployed (exit code $code)"
    exit "$code"
    ;;
esac
"#;

/// Spokes are a stack set of the organisation: accounts that join a unit get theirs by themselves. The update stops
/// at the first account that fails. The external id is a secret of GitHub's environment: it is in no file of the
/// repository and in no command line.
const SPOKES: &str = r#"set -eu
name="fleetwright-spoke-$TARGET_ENVIRONMENT"
template=file://cloud/spoke.template.json
given="$RUNNER_TEMP/spoke.json"
parameters="file://$given"
pace=RegionConcurrencyType=PARALLEL,MaxConcurrentPercentage=25,FailureToleranceCount=0
units=$ORGANIZATIONAL_UNITS
if [ -z "$units" ]; then
  echo '::error::the variable ORGANIZATIONAL_UNITS names no unit of the organisation (ou-…, separated by commas)'
  exit 2
fi
umask 077
jq '. + [{ParameterKey: "ExternalId", ParameterValue: env.EXTERNAL_ID}]' \
  "cloud/parameters/spoke.$TARGET_ENVIRONMENT.json" > "$given"
trap 'rm -f "$given"' EXIT
wait_for() {
  while :; do
    status=$(aws cloudformation describe-stack-set-operation --stack-set-name "$name" --operation-id "$1" \
      --query StackSetOperation.Status --output text)
    case $status in
      SUCCEEDED) return 0 ;;
      RUNNING | QUEUED | STOPPING) sleep 15 ;;
      *)
        echo "::error::$name: $status; the console of StackSets names the accounts"
        exit 1
        ;;
    esac
  done
}
if aws cloudformation describe-stack-set --stack-set-name "$name" > /dev/null 2>&1; then
  operation=$(aws cloudformation update-stack-set --stack-set-name "$name" --template-body "$template" \
    --parameters "$parameters" --capabilities CAPABILITY_NAMED_IAM --operation-preferences "$pace" \
    --query OperationId --output text)
  wait_for "$operation"
else
  aws cloudformation create-stack-set --stack-set-name "$name" --template-body "$template" \
    --parameters "$parameters" --capabilities CAPABILITY_NAMED_IAM --permission-model SERVICE_MANAGED \
    --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false
fi
operation=$(aws cloudformation create-stack-instances --stack-set-name "$name" \
  --deployment-targets "OrganizationalUnitIds=$units" --regions "$AWS_REGION" --operation-preferences "$pace" \
  --query OperationId --output text)
wait_for "$operation"
"#;
