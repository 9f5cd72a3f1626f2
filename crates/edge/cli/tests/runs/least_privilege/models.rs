//! The same for models that write summaries.

use fleetwright::policy_scope::scope;
use fleetwright_aws::policy::{Use, of_zone};
use fleetwright_model::{Cell, Phase, Region};
use fleetwright_ports::LanguageModels;
use fleetwright_ports::language_models::Prompt;

use super::{REGION, SERVED, actions, grant, used, without, world};

/// Has these models write, where the policy is for those that `named` says; what went wrong with each.
async fn write(named: &str, models: &[&str], missing: Option<&str>) -> (Vec<Option<String>>, bool) {
    let stage = world(SERVED, &[]).await;
    let zone = stage.fleet.zones[0].clone();
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.insert(Use::Models);
    scope.models.insert(named.to_owned());
    let statements = of_zone(&scope);
    assert!(actions(&statements).contains("bedrock:InvokeModel"));
    grant(&stage, &without(statements, missing));
    let cell = &Cell { zone: &zone, region: Region::new(REGION).expect("a region") };
    let prompt =
        Prompt { task: "Summarise.".to_owned(), material: "All is well.".to_owned(), most_tokens: 100 };
    let mut wrong = Vec::new();
    for model in models {
        let written = stage.aws.write(cell, &model.parse().expect("an id"), &prompt).await;
        wrong.push(written.err().map(|failure| failure.to_string()));
    }
    (wrong, used(&stage).contains("bedrock:InvokeModel"))
}

#[tokio::test(start_paused = true)]
async fn models_need_what_the_policy_says_and_no_other_may_be_asked() {
    let both = ["amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0"];
    let (wrong, used) = write("eu.amazon.nova-lite-v1:0", &both, None).await;
    assert_eq!((wrong, used), (vec![None, None], true), "a profile leads to its model");
    let (wrong, _) = write("amazon.nova-lite-v1:0", &["amazon.nova-pro-v1:0"], None).await;
    assert!(wrong[0].as_deref().is_some_and(|said| said.contains("bedrock:InvokeModel")), "{wrong:?}");
    let (wrong, _) = write("*", &both, Some("bedrock:InvokeModel")).await;
    assert!(wrong.iter().all(Option::is_some), "{wrong:?}");
}
