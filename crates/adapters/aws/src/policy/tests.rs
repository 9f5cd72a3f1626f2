//! What policies allow, and what they leave out.

use super::*;

/// Changing calls that AWS allows on everything or not at all.
const UNCONDITIONED: [&str; 2] = ["ssm:CancelCommand", "ssm:CreateMaintenanceWindow"];

fn everything() -> Scope {
    Scope {
        phases: Phase::ALL.into(),
        uses: [
            Use::Alarms,
            Use::AuditHeads,
            Use::ChangeCalendars,
            Use::CleanUp,
            Use::Drain,
            Use::EventBuses,
            Use::EventRules,
            Use::Figures,
            Use::Clusters,
            Use::ClusterUpgrades,
            Use::Functions,
            Use::Hub,
            Use::HubLogs,
            Use::HubStacks,
            Use::Load,
            Use::Machines,
            Use::MaintenanceWindows,
            Use::Models,
            Use::NewInstance,
            Use::Organization,
            Use::OrganizationUnits,
            Use::Parameters,
            Use::PatchLists,
            Use::ReplaceRoot,
            Use::StartStopped,
            Use::Topics,
        ]
        .into(),
        partition: "aws".into(),
        account: Some(AccountId::new("011122223333").expect("an account")),
        regions: vec![Region::new("eu-central-1").expect("a region")],
        tags: BTreeMap::from([("Application".to_owned(), vec!["web-*".to_owned()])]),
        documents: ["AWS-RunPatchBaseline".to_owned(), "own-check".to_owned()].into(),
        roles: ["ops/Fleetwright".to_owned()].into(),
        bucket: Some("patch-lists".into()),
        heads_bucket: Some("audit-heads".into()),
        topics: ["arn:aws:sns:eu-west-1:999900001111:patching".to_owned()].into(),
        event_buses: ["arn:aws:events:eu-central-1:011122223333:event-bus/patching".to_owned()].into(),
        namespace: Some("Acme/Patching".into()),
        hub: [
            "arn:aws:dynamodb:eu-central-1:011122223333:table/runs",
            "arn:aws:s3:::artefacts",
            "arn:aws:s3:::artefacts/*",
            "arn:aws:secretsmanager:eu-central-1:011122223333:secret:external-id-Ab1",
            "arn:aws:states:eu-central-1:011122223333:stateMachine:fleetwright",
        ]
        .map(str::to_owned)
        .into(),
        hubs: ["prod".to_owned()].into(),
        stacks: ["prod".to_owned()].into(),
        code_buckets: ["code".to_owned()].into(),
        parameters: ["/fleetwright/prod".to_owned()].into(),
        machines: ["nightly-*".to_owned()].into(),
        clusters: ["prod-*".to_owned()].into(),
        functions: ["fleetwright-*".to_owned()].into(),
        models: ["eu.amazon.nova-lite-v1:0".to_owned()].into(),
        rules: ["fleetwright-*".to_owned()].into(),
    }
}

fn find<'a>(statements: &'a [Statement], action: &str, resource: &str) -> &'a Statement {
    let fits = |it: &&Statement| {
        it.actions.contains(action) && it.resources.iter().any(|arn| arn.contains(resource))
    };
    statements.iter().find(fits).unwrap_or_else(|| panic!("nothing allows {action} on {resource}"))
}

#[test]
fn every_changing_call_is_narrowed_where_aws_allows_it() {
    let changing = operations::ALL.iter().filter(|it| it.mutates());
    for operation in changing {
        let whole = UNCONDITIONED.contains(&operation.iam);
        let with_others = grants::WITH_OTHERS.contains(&operation.iam);
        let narrowed = grants::of(operation.iam).is_some();
        assert_eq!(
            u8::from(whole) + u8::from(with_others) + u8::from(narrowed),
            1,
            "{}: say in policy/grants.rs what it has to be allowed",
            operation.iam
        );
    }
}

#[test]
fn names_of_statements_are_letters_and_digits_and_differ() {
    let statements = of_zone(&everything());
    let sids: BTreeSet<&str> = statements.iter().map(|it| it.sid.as_str()).collect();
    assert_eq!(sids.len(), statements.len(), "{sids:?}");
    assert!(sids.iter().all(|sid| sid.bytes().all(|b| b.is_ascii_alphanumeric())), "{sids:?}");
}

#[test]
fn instances_are_changed_only_with_the_tags_of_the_selection_and_in_its_regions() {
    let statements = of_zone(&everything());
    let stop = find(&statements, "ec2:StopInstances", "instance/");
    assert_eq!(stop.resources, ["arn:aws:ec2:*:011122223333:instance/*"]);
    let keys: Vec<(&str, &str)> = stop.conditions.iter().map(|it| (it.operator, it.key.as_str())).collect();
    assert_eq!(
        keys,
        [("StringLike", "aws:ResourceTag/Application"), ("StringEquals", "aws:RequestedRegion")]
    );
    let send = find(&statements, "ssm:SendCommand", "instance/");
    assert_eq!(send.conditions[0].key, "ssm:resourceTag/Application");
    let documents = find(&statements, "ssm:SendCommand", "document/");
    assert_eq!(
        documents.resources,
        ["arn:aws:ssm:*:*:document/AWS-RunPatchBaseline", "arn:aws:ssm:*:011122223333:document/own-check"]
    );
}

#[test]
fn commands_on_windows_belong_to_no_phase_and_are_asked_for_alone() {
    let scope =
        Scope { phases: [Phase::Scan].into(), uses: [Use::MaintenanceWindows].into(), ..everything() };
    let delete = find(&of_zone(&scope), "ssm:DeleteMaintenanceWindow", "maintenancewindow/").clone();
    assert_eq!(delete.resources, ["arn:aws:ssm:*:011122223333:maintenancewindow/*"]);
    let without = of_zone(&Scope { uses: BTreeSet::new(), phases: Phase::ALL.into(), ..everything() });
    let windows = without.iter().flat_map(|it| &it.actions).filter(|it| it.contains("MaintenanceWindow"));
    assert_eq!(windows.count(), 0);
}

#[test]
fn parameters_are_those_below_their_prefix_and_no_neighbours() {
    let statements = of_zone(&everything());
    let put = find(&statements, "ssm:PutParameter", "parameter/").clone();
    let prefix = "arn:aws:ssm:*:011122223333:parameter/fleetwright/prod";
    assert_eq!(put.resources, [prefix.to_owned(), format!("{prefix}/*")]);
    let without = Scope { uses: BTreeSet::new(), ..everything() };
    let parameters = of_zone(&without).into_iter().flat_map(|it| it.actions);
    let of_parameters = |it: &&str| it.contains("Parameter") || *it == "ssm:AddTagsToResource";
    assert_eq!(parameters.filter(of_parameters).count(), 0);
}

#[test]
fn machines_and_rules_are_those_that_are_named() {
    let statements = of_zone(&everything());
    let start = find(&statements, "states:StartExecution", "stateMachine").clone();
    let machine = "arn:aws:states:*:011122223333:stateMachine:nightly-*";
    assert_eq!(start.resources, [machine.to_owned(), format!("{machine}:*")]);
    let stop = find(&statements, "states:StopExecution", "execution").clone();
    assert_eq!(stop.resources, ["arn:aws:states:*:011122223333:execution:nightly-*:*"]);
    let put = find(&statements, "events:PutTargets", "rule/").clone();
    assert_eq!(put.resources, ["arn:aws:events:*:011122223333:rule/fleetwright-*"]);
    let passed = |it: &&Statement| it.sid.contains("ToStepFunctions");
    let passed = statements.iter().find(passed).expect("the machine's role is handed over");
    assert_eq!(passed.conditions[0].values, ["states.amazonaws.com"]);
    let without = Scope { uses: [Use::NewInstance].into(), ..everything() };
    let without = of_zone(&without);
    let of_machines = |it: &&&str| it.starts_with("states:") || it.ends_with("Rule");
    assert_eq!(without.iter().flat_map(|it| &it.actions).filter(|it| of_machines(it)).count(), 0);
}

#[test]
fn functions_are_those_that_are_named_and_their_roles_go_to_lambda_alone() {
    let statements = of_zone(&everything());
    let invoke = find(&statements, "lambda:InvokeFunction", "function").clone();
    let function = "arn:aws:lambda:*:011122223333:function:fleetwright-*";
    assert_eq!(invoke.resources, [function.to_owned(), format!("{function}:*")]);
    let passed = statements.iter().find(|it| it.sid.contains("ToLambda")).expect("the role is handed over");
    assert_eq!(passed.conditions[0].values, ["lambda.amazonaws.com"]);
    let without = of_zone(&Scope { uses: BTreeSet::new(), ..everything() });
    assert_eq!(without.iter().flat_map(|it| &it.actions).filter(|it| it.starts_with("lambda:")).count(), 0);
}

#[test]
fn clusters_are_looked_at_everywhere_and_asked_to_be_looked_at_again_by_name() {
    let statements = of_zone(&everything());
    let refresh = find(&statements, "eks:StartInsightsRefresh", "cluster").clone();
    assert_eq!(refresh.resources, ["arn:aws:eks:*:011122223333:cluster/prod-*"]);
    let image = find(&statements, "ssm:GetParameter", "parameter/aws/service").clone();
    assert!(image.resources.iter().all(|arn| arn.contains(":ssm:*::parameter/aws/service/")), "{image:?}");
    let without = of_zone(&Scope { uses: BTreeSet::new(), ..everything() });
    let of_clusters = |it: &&&str| it.starts_with("eks:") || **it == "ec2:DescribeSubnets";
    assert_eq!(without.iter().flat_map(|it| &it.actions).filter(of_clusters).count(), 0);
}

#[test]
fn upgrades_change_the_clusters_that_are_named_their_add_ons_and_their_node_groups() {
    let statements = of_zone(&everything());
    let arn = |rest: &str| vec![format!("arn:aws:eks:*:011122223333:{rest}")];
    for (action, on) in [
        ("eks:UpdateClusterVersion", "cluster/prod-*"),
        ("eks:CancelUpdate", "cluster/prod-*"),
        ("eks:UpdateAddon", "addon/prod-*/*/*"),
        ("eks:UpdateNodegroupVersion", "nodegroup/prod-*/*/*"),
    ] {
        let statement = find(&statements, action, ":eks:");
        assert_eq!(statement.resources, arn(on), "{action}");
        assert!(statement.conditions.iter().any(|it| it.key == "aws:RequestedRegion"), "{action}");
    }
    let mut looking = everything();
    looking.uses.remove(&Use::ClusterUpgrades);
    let looking = of_zone(&looking);
    let changes = |it: &&&str| it.starts_with("eks:Update") || **it == "eks:CancelUpdate";
    assert_eq!(looking.iter().flat_map(|it| &it.actions).filter(changes).count(), 0);
    assert!(find(&looking, "eks:StartInsightsRefresh", "cluster").resources == arn("cluster/prod-*"));
}

#[test]
fn upgrades_ask_change_calendars_where_there_are_any_though_nothing_is_patched() {
    let asked = |uses: &[Use]| {
        let uses = uses.iter().copied().collect();
        let statements = of_zone(&Scope { uses, phases: [Phase::Scan].into(), ..everything() });
        statements.iter().any(|it| it.actions.contains("ssm:GetCalendarState"))
    };
    assert!(asked(&[Use::Clusters, Use::ClusterUpgrades, Use::ChangeCalendars]));
    assert!(!asked(&[Use::Clusters, Use::ClusterUpgrades]));
    assert!(!asked(&[Use::Clusters, Use::ChangeCalendars]));
}

#[test]
fn upgrades_look_at_alarms_and_metrics_though_nothing_is_patched() {
    let looks = |uses: &[Use]| {
        let uses = uses.iter().copied().collect();
        let statements = of_zone(&Scope { uses, phases: [Phase::Scan].into(), ..everything() });
        ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"]
            .map(|action| statements.iter().any(|it| it.actions.contains(action)))
    };
    assert_eq!(looks(&[Use::Clusters, Use::ClusterUpgrades]), [true, true]);
    assert_eq!(looks(&[Use::Clusters]), [false, false]);
}

#[test]
fn those_who_are_told_are_named_and_figures_go_into_their_namespace() {
    let statements = of_zone(&everything());
    let of = |action: &str, resource: &str| find(&statements, action, resource).clone();
    let topic = of("sns:Publish", ":patching");
    assert_eq!(topic.resources, ["arn:aws:sns:eu-west-1:999900001111:patching"]);
    assert_eq!(topic.conditions, [], "it is in another region than the fleet");
    assert!(of("events:PutEvents", "event-bus/patching").conditions.is_empty());
    assert_eq!(of("s3:PutObject", "audit-heads").resources, ["arn:aws:s3:::audit-heads/audit/*"]);
    let figures = of("cloudwatch:PutMetricData", "*");
    assert!(
        figures
            .conditions
            .iter()
            .any(|it| it.key == "cloudwatch:namespace" && it.values == ["Acme/Patching"]),
        "{figures:?}"
    );
    let nobody = Scope { topics: BTreeSet::new(), heads_bucket: None, ..everything() };
    let nobody: Vec<String> = of_zone(&nobody).into_iter().flat_map(|it| it.resources).collect();
    assert!(!nobody.iter().any(|arn| arn.contains("sns") || arn.contains("audit-heads")), "{nobody:?}");
}

#[test]
fn a_scan_changes_nothing() {
    let mut scope = Scope { phases: [Phase::Scan].into(), ..everything() };
    let told = [
        Use::Clusters,
        Use::ClusterUpgrades,
        Use::Functions,
        Use::Hub,
        Use::HubStacks,
        Use::Machines,
        Use::MaintenanceWindows,
        Use::Parameters,
        Use::Figures,
        Use::Topics,
        Use::EventBuses,
        Use::EventRules,
        Use::Models,
    ];
    for told in told {
        scope.uses.remove(&told);
    }
    let changing: Vec<&str> = of_zone(&scope)
        .iter()
        .flat_map(|it| it.actions.clone())
        .filter(|action| operations::ALL.iter().any(|it| it.iam == *action && it.mutates()))
        .collect();
    assert_eq!(changing, [""; 0]);
}

#[test]
fn a_tag_with_a_dollar_sign_is_no_variable() {
    let condition = like("aws:ResourceTag/Cost".into(), &["${aws:username}".into()]);
    assert_eq!(condition.values, ["${$}{aws:username}"]);
}
