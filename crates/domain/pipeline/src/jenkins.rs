//! Jenkins: one declarative `Jenkinsfile`.
//!
//! Plugins besides those that are suggested at installation: OpenID Connect Provider, whose "id token as file" with the
//! id `aws-web-identity` is exchanged for the role; Docker Pipeline where the program is an image.

use std::fmt::Write as _;
use std::time::Duration;

use crate::script::{PartialSuccess, Shell, library_file, roles};
use crate::stages::{Stage, Step, When, all};
use crate::{File, Program, Workflow};

pub(crate) fn files(workflow: &Workflow) -> Vec<File> {
    vec![File { path: "Jenkinsfile".to_owned(), text: text(workflow) }, library_file()]
}

const HEAD: &str = "\
// Patches an environment: plan, backups and prechecks, approval, first wave, approval, the rest.
// Written by `fleetwright pipeline jenkins`; edit the configuration it was written from.

def judge(String what, int code) {
    if (code == 20) {
        unstable(what + ': partial success; the reports name the rest')
    } else if (code != 0) {
        error(what + ': exit code ' + code + '; the lines above say what to do')
    }
}

";

fn text(workflow: &Workflow) -> String {
    let stages = all(workflow);
    let longest: Duration = stages.iter().map(|stage| longest(workflow, stage)).sum();
    let mut out = Groovy { text: HEAD.to_owned(), indent: 0 };
    out.block("pipeline", |out| {
        out.line("agent none");
        out.block("options", |out| {
            out.line("disableConcurrentBuilds()");
            out.line("buildDiscarder(logRotator(numToKeepStr: '100'))");
            out.line("skipDefaultCheckout(true)");
            out.line(&timeout(longest));
        });
        parameters(out, workflow);
        if let Some(schedule) = &workflow.schedule {
            out.block("triggers", |out| {
                out.line(&format!("cron({})", quoted(&format!("TZ=UTC\n{schedule}"))))
            });
        }
        environment(out, workflow);
        out.block("stages", |out| {
            let ordinary = stages.iter().filter(|stage| matches!(stage.when, When::Good | When::Approved));
            ordinary.for_each(|stage| write_stage(out, workflow, stage));
        });
        post(out, workflow, &stages);
    });
    out.text
}

fn longest(workflow: &Workflow, stage: &Stage) -> Duration {
    let waiting = if stage.when == When::Approved { workflow.approvals.expires } else { Duration::ZERO };
    (stage.limit + waiting) * if stage.when == When::Approved { workflow.approvals.needed } else { 1 }
}

fn parameters(out: &mut Groovy, workflow: &Workflow) {
    let names: Vec<String> = workflow.environments.iter().map(|one| quoted(&one.name)).collect();
    out.block("parameters", |out| {
        let about = "description: 'The environment to work on'";
        out.line(&format!("choice(name: 'TARGET_ENVIRONMENT', choices: [{}], {about})", names.join(", ")));
        let about = "description: 'A host whose place in the plan is explained, by id or name'";
        out.line(&format!("string(name: 'EXPLAINED_HOST', defaultValue: '', trim: true, {about})"));
    });
}

fn environment(out: &mut Groovy, workflow: &Workflow) {
    let mut values = vec![
        ("CONFIGURATION".to_owned(), workflow.configuration.clone()),
        ("REPORTS".to_owned(), workflow.reports.directory.clone()),
        ("STATE_DIRECTORY".to_owned(), workflow.state_directory.clone()),
    ];
    values.extend(
        workflow.reports.address.iter().map(|address| ("REPORT_ADDRESS".to_owned(), address.clone())),
    );
    values.extend(roles(workflow).1);
    out.block("environment", |out| {
        values.iter().for_each(|(name, value)| out.line(&format!("{name} = {}", verbatim(value))));
        out.line("PIPELINE = \"${env.BUILD_URL}\"");
    });
}

fn write_stage(out: &mut Groovy, workflow: &Workflow, stage: &Stage) {
    if stage.when != When::Approved {
        return one_stage(out, workflow, stage, stage.name, None);
    }
    for number in 1..=workflow.approvals.needed {
        let name = match workflow.approvals.needed {
            1 => stage.name.to_owned(),
            _ => format!("{} ({number})", stage.name),
        };
        one_stage(out, workflow, stage, &name, Some(&format!("{}-{number}", stage.id)));
    }
}

fn one_stage(out: &mut Groovy, workflow: &Workflow, stage: &Stage, name: &str, question: Option<&str>) {
    out.block(&format!("stage({})", quoted(name)), |out| {
        out.line(&agent(workflow));
        let limit =
            stage.limit + if question.is_some() { workflow.approvals.expires } else { Duration::ZERO };
        out.block("options", |out| out.line(&timeout(limit)));
        if let Some(question) = question {
            out.block("when", |out| {
                out.line("beforeInput true");
                out.line("beforeAgent true");
                out.line("expression { env.WAITS == 'true' }");
            });
            out.block("input", |out| {
                out.line(&format!("message {}", quoted(name)));
                out.line(&format!("id {}", quoted(question)));
                out.line("submitterParameter 'APPROVER'");
                if !workflow.approvals.groups.is_empty() {
                    out.line(&format!("submitter {}", quoted(&workflow.approvals.groups.join(","))));
                }
            });
        }
        out.block("steps", |out| {
            out.line("checkout scm");
            steps(out, workflow, &stage.steps);
            if matches!(stage.id, "prepare" | "patch") {
                waits(out);
            }
        });
        out.block("post", |out| out.block("always", |out| keep(out, workflow)));
    });
}

/// Says to the stages behind whether there is a gate to ask about.
fn waits(out: &mut Groovy) {
    let script = "test -e \"$STATE_DIRECTORY/$TARGET_ENVIRONMENT/pipeline/waits\"";
    out.block("script", |out| {
        let look = format!(
            "sh(label: 'See whether the run waits at a gate', returnStatus: true, script: {})",
            quoted(script)
        );
        out.line(&format!("env.WAITS = {look} == 0 ? 'true' : 'false'"));
    });
}

fn steps(out: &mut Groovy, workflow: &Workflow, steps: &[Step]) {
    let shell = Shell::in_repository(PartialSuccess::OwnCode, format!("{}{SESSION}", roles(workflow).0));
    let token = "file(credentialsId: 'aws-web-identity', variable: 'AWS_WEB_IDENTITY_TOKEN_FILE')";
    out.block(&format!("withCredentials([{token}])"), |out| {
        out.block("script", |out| {
            for step in steps {
                let (name, script) = (quoted(step.name), lines(&shell.step(&step.parts)));
                out.line(&format!("judge({name}, sh(label: {name}, returnStatus: true, script: {script}))"));
            }
        });
    });
}

const SESSION: &str = "export AWS_ROLE_SESSION_NAME=\"fleetwright-$BUILD_NUMBER\"\n";

fn keep(out: &mut Groovy, workflow: &Workflow) {
    let all = quoted(&format!("{}/**", workflow.reports.directory));
    let junit = quoted(&format!("{}/run/junit.xml", workflow.reports.directory));
    out.line(&format!("archiveArtifacts(artifacts: {all}, allowEmptyArchive: true)"));
    out.line(&format!(
        "junit(testResults: {junit}, allowEmptyResults: true, skipMarkingBuildUnstable: true)"
    ));
}

/// What is done when all stages are over: what failed is put back, then everything is reported.
fn post(out: &mut Groovy, workflow: &Workflow, stages: &[Stage]) {
    let of = |when: When| stages.iter().find(|stage| stage.when == when).expect("every pipeline ends so");
    let on_node = |out: &mut Groovy, stage: &Stage| {
        let Stage { steps: of_stage, limit, .. } = stage;
        out.block(&format!("node({})", quoted(&label(workflow))), |out| {
            out.block(&timeout(*limit), |out| {
                out.line("checkout scm");
                match &workflow.program {
                    Program::Installed => steps(out, workflow, of_stage),
                    Program::Image(image) => {
                        let inside =
                            format!("docker.image({}).inside({})", quoted(image), quoted(&volume(workflow)));
                        out.block("script", |out| out.block(&inside, |out| steps(out, workflow, of_stage)));
                    }
                }
                keep(out, workflow);
            });
        });
    };
    out.block("post", |out| {
        // `cleanup` comes after every other condition, wherever it stands.
        out.block("aborted", |out| on_node(out, of(When::Failed)));
        out.block("failure", |out| on_node(out, of(When::Failed)));
        out.block("cleanup", |out| {
            on_node(out, of(When::Over));
            if !workflow.notified.is_empty() {
                let to = quoted(&workflow.notified.join(", "));
                let subject =
                    "'fleetwright: ' + currentBuild.currentResult + ' for ' + params.TARGET_ENVIRONMENT";
                out.block("script", |out| {
                    out.line(&format!("mail(to: {to}, subject: {subject}, body: env.BUILD_URL)"));
                });
            }
        });
    });
}

fn label(workflow: &Workflow) -> String {
    let plain = |one: &str| one.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    // A label with another sign in it is one label only in quotes, and has none itself.
    let label = |one: &String| if plain(one) { one.clone() } else { format!("\"{}\"", one.replace('"', "")) };
    let labels: Vec<String> = workflow.runners.iter().map(label).collect();
    labels.join(" && ")
}

fn agent(workflow: &Workflow) -> String {
    let label = quoted(&label(workflow));
    match &workflow.program {
        Program::Installed => format!("agent {{ label {label} }}"),
        Program::Image(image) => {
            let (image, volume) = (quoted(image), quoted(&volume(workflow)));
            format!("agent {{ docker {{ image {image}; label {label}; args {volume} }} }}")
        }
    }
}

/// The argument of docker's that shows the records to the container; a shell reads it.
fn volume(workflow: &Workflow) -> String {
    let directory = workflow.state_directory.replace('\'', "'\\''");
    format!("-v '{directory}:{directory}' --entrypoint=''")
}

fn timeout(limit: Duration) -> String {
    format!("timeout(time: {}, unit: 'MINUTES')", limit.as_secs().div_ceil(60).max(1))
}

/// A text of Groovy's in which nothing is replaced.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\'' | '\\' => out.extend(['\\', c]),
            // Older versions of Groovy read \u wherever it stands, and this sign only of themselves.
            c if c.is_ascii() => out.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| _ = write!(out, "\\u{unit:04x}")),
        }
    }
    out.push('\'');
    out
}

/// A value of the `environment` section, which Jenkins looks through for variables: `$$` is its `$`.
fn verbatim(text: &str) -> String {
    quoted(&text.replace('$', "$$"))
}

/// A script over several lines.
fn lines(text: &str) -> String {
    format!("'''{}'''", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Groovy in the making.
struct Groovy {
    text: String,
    indent: usize,
}

impl Groovy {
    fn line(&mut self, line: &str) {
        _ = writeln!(self.text, "{:1$}{line}", "", self.indent);
    }

    fn block(&mut self, head: &str, inside: impl FnOnce(&mut Self)) {
        self.line(&format!("{head} {{"));
        self.indent += 4;
        inside(self);
        self.indent -= 4;
        self.line("}");
    }
}
