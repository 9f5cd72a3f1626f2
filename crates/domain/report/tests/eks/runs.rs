//! Runs of upgrades for people and for pipelines.

use std::sync::Arc;

use fleetwright_eks::Facts;
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::plan::{PlanDocument, PlanOptions};
use fleetwright_eks::run::outcome::{ClusterOutcome, ClusterStanding, HeldPool, StepStanding, outcomes};
use fleetwright_eks::run::{Member, Ring, RunDocument, RunRequest, upgrade};
use fleetwright_flow::Run;
use fleetwright_model::code;
use fleetwright_report::eks::run::{ToldRun, html, junit, markdown, text};
use jiff::SignedDuration;

use super::plans::{change, conditions, document, pooled};
use super::world;

const EVIL: &str = "x\"'><script>alert(1)</script>\u{202e}\u{1b}[2J&amp;";

/// The run of a cluster of that name over one hop.
fn document_of(name: &str) -> RunDocument {
    document_with(name, PlanOptions::default())
}

fn document_with(name: &str, options: PlanOptions) -> RunDocument {
    document_from(world::healthy(34), name, options)
}

fn document_from(mut facts: Facts, name: &str, options: PlanOptions) -> RunDocument {
    change(&mut facts.nodes.self_managed, Vec::clear);
    change(&mut facts.nodes.nodes, |nodes| nodes.retain(|node| maker(node) != Maker::Other));
    let mut plan = document(&facts, 35).into_plan();
    plan.cluster.name = name.to_owned();
    plan.options = options;
    let document = PlanDocument::new(plan);
    let member = Member { document: &document, zone: "prod".parse().expect("a zone"), window: None };
    let rings = [Ring { name: name.to_owned(), members: vec![member], at_once: 1, soak_seconds: 0 }];
    let request = RunRequest { rings: &rings, approval: None, program: "0.1.0", at: world::now(), seed: 7 };
    RunDocument::new(upgrade(&request).expect("a run"))
}

/// A run whose first step went well, whose second failed with these words, and that left the rest.
fn failed(document: &RunDocument, words: &str) -> (Run, Vec<ClusterOutcome>) {
    let run = Run::open(Arc::new(document.plan().flow.clone()));
    let mut clusters = outcomes(document.plan(), &run, &[], world::now());
    clusters[0].standing = ClusterStanding::Failed;
    for (number, step) in clusters[0].steps.iter_mut().enumerate() {
        step.standing = match number {
            0 => StepStanding::Done,
            1 => StepStanding::Failed,
            _ => StepStanding::Left,
        };
        step.started_at = (number < 2).then(world::now);
        step.ended_at = (number < 2).then(|| world::now() + SignedDuration::from_mins(9));
    }
    clusters[0].steps[1].code = Some(code::UPGRADE_REFUSED.id.into());
    clusters[0].steps[1].message = Some(words.into());
    (run, clusters)
}

fn told<T>(document: &RunDocument, words: &str, what: impl FnOnce(&ToldRun<'_>) -> T) -> T {
    let (state, clusters) = failed(document, words);
    told_of(document, &state, &clusters, what)
}

fn told_of<T>(
    document: &RunDocument,
    state: &Run,
    clusters: &[ClusterOutcome],
    what: impl FnOnce(&ToldRun<'_>) -> T,
) -> T {
    what(&ToldRun {
        run: "run-1",
        digest: document.digest(),
        plan: document.plan(),
        state,
        clusters,
        why: Some(&code::RUN_HALTED),
        now: world::now(),
    })
}

#[test]
fn the_page_has_every_step_with_its_standing_times_and_reason() {
    let document = document_of("shop");
    let page = told(&document, "no addresses are free", html);
    let (_, clusters) = failed(&document, "");
    for step in &clusters[0].steps {
        let header = format!("<th role=\"rowheader\" scope=\"row\"><code>{}</code></th>", step.id);
        assert!(page.contains(&header), "{} is not in {page}", step.id);
    }
    assert!(page.contains("data-column=\"Standing\"><span class=\"failed\">failed</span></td>"), "{page}");
    assert!(page.contains("no addresses are free"), "{page}");
    assert!(page.contains("9m") || page.contains("9 min"), "how long it took is said: {page}");
    assert!(page.contains(code::RUN_HALTED.id), "{page}");
}

#[test]
fn what_must_hold_is_told_with_each_cluster_and_without_what_may_be_a_secret() {
    let document = document_with("shop", conditions("s3cr3t"));
    for (told, metric) in [
        (told(&document, "", text), "  must hold: metric slow: AWS/ApplicationELB:TargetResponseTime"),
        (told(&document, "", markdown), "- Must hold: `metric slow: AWS/ApplicationELB:TargetResponseTime"),
        (told(&document, "", html), "<li>metric slow: AWS/ApplicationELB:TargetResponseTime"),
    ] {
        assert!(told.contains(metric), "{told}");
        assert!(told.contains("endpoint shop: https://shop.example.com/health?…"), "{told}");
        assert!(!told.contains("s3cr3t"), "{told}");
    }
}

#[test]
fn a_pool_that_was_left_held_is_told_with_the_command_that_lets_go() {
    let mut facts = world::healthy(34);
    pooled(&mut facts);
    let document = document_from(facts, "shop", PlanOptions::default());
    let (state, mut clusters) = failed(&document, "no addresses are free");
    let mut told = |certain: bool| {
        clusters[0].held_pools = vec![HeldPool { pool: "general".into(), certain }];
        told_of(&document, &state, &clusters, |told| [text(told), markdown(told), html(told)])
    };
    for (certain, doubtful) in told(true).iter().zip(told(false)) {
        assert!(certain.contains("node pool general: our budget still stands in front"), "{certain}");
        assert!(doubtful.contains("node pool general: our budget may still stand in front"), "{doubtful}");
        assert!(certain.contains("kubectl patch nodepools.karpenter.sh general --type json"), "{certain}");
        assert!(certain.contains("remove"), "{certain}");
    }
}

#[test]
fn names_and_messages_of_others_become_no_markup() {
    let page = told(&document_of(EVIL), EVIL, html);
    assert!(!page.contains("<script") && !page.contains("alert(1)</"), "{page}");
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'), "{page:?}");
    assert!(page.contains("&lt;script&gt;"), "it is shown as it is: {page}");
    let quoted = page.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let own = |id: &str| id.strip_prefix("cluster-").is_some_and(|rest| rest.parse::<usize>().is_ok());
    assert!(quoted.into_iter().all(own), "no id is made of a name");
}

#[test]
fn the_page_allows_its_own_style_and_nothing_else() {
    use base64::Engine as _;
    use sha2::{Digest, Sha256};
    let page = told(&document_of("shop"), "", html);
    let style =
        page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    let policy = page.split_once("Content-Security-Policy\" content=\"").expect("it has a policy").1;
    let policy = policy.split_once("\">").expect("it ends").0;
    let wanted =
        format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'");
    assert_eq!(policy, wanted);
    assert_eq!(page.matches("<style").count(), 1);
    assert!(!page.contains("style=\"") && !page.contains("http://") && !page.contains("https://"), "{page}");
}

#[test]
fn pipelines_read_a_case_for_each_step_and_one_for_the_run() {
    let document = document_of(EVIL);
    let (_, clusters) = failed(&document, "");
    let (steps, left) = (clusters[0].steps.len(), clusters[0].steps.len() - 2);
    let xml = told(&document, EVIL, junit);
    // The run as a whole is not over, which is an error.
    let all = format!("tests=\"{}\" failures=\"1\" errors=\"1\" time=\"540\"", steps + 1);
    assert!(xml.contains(&format!("<testsuites name=\"run-1\" {all}>")), "{xml}");
    assert!(
        xml.contains(&format!("tests=\"{steps}\" failures=\"1\" errors=\"0\" skipped=\"{left}\"")),
        "{xml}"
    );
    assert_eq!(xml.matches("<testcase ").count(), steps + 1, "{xml}");
    assert!(!xml.contains("<script") && !xml.contains('\u{1b}'), "{xml}");
    assert!(xml.contains("&lt;script&gt;"), "{xml}");
}
