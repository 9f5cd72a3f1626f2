//! A shift at work in a region: commands sent, time passed, hosts looked at.

use std::collections::BTreeMap;

use fleetwright_estate::call::{ApiError, Input, Service};
use fleetwright_estate::world::Region;
use fleetwright_estate::world::host::{HostEvent, HostEventKind, HostView};
use fleetwright_estate::world::ids::InstanceId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::Stage;

const FLEET: &str = r#"
name = "shift"
seed = 12
[[accounts]]
name = "one"
[fleet]
regions = ["eu-central-1"]
instances_per_cell = 0
"#;

/// A region with a few instances by hand, and the time of day there.
pub(crate) struct Shift {
    pub(crate) stage: Stage,
    now: Timestamp,
    ids: BTreeMap<String, String>,
}

impl Shift {
    /// Four Linux web servers, an Ubuntu and a Windows one, four that are stopped; with one rule of
    /// what goes wrong on hosts, or none.
    pub(crate) fn new(rule: &str) -> Self {
        let mut text = FLEET.to_owned();
        let mut add = |name: &str, platform: &str, state: &str, tier: &str| {
            text += &format!(
                "[[instances]]\naccount = \"one\"\nplatform = \"{platform}\"\nstate = \"{state}\"\n\
                 patch_manager = \"never\"\n[instances.tags]\nName = \"{name}\"\nTier = \"{tier}\"\n"
            );
        };
        for n in 1..=3 {
            add(&format!("web-{n}"), "amazon-linux-2023", "running", "web");
        }
        add("web-4", "ubuntu-2404", "running", "web");
        add("win-1", "windows-2022", "running", "app");
        for n in 1..=4 {
            add(&format!("stopped-{n}"), "rhel-9", "stopped", "app");
        }
        if !rule.is_empty() {
            text += &format!("[[hosts]]\n{rule}\n");
        }
        text += "[[alarms]]\nname = \"web-health\"\ninstance = \"web-*\"\nwatches = \"health\"\n";
        Self::of(&text)
    }

    /// A scenario's first region.
    pub(crate) fn of(text: &str) -> Self {
        let stage = Stage::new(text);
        let region = &stage.prepared.world.accounts[&stage.account].regions[&stage.region];
        let ids = region
            .instances
            .iter()
            .map(|it| (it.tags.get("Name").unwrap_or_default().to_owned(), it.id.to_string()))
            .collect();
        let now = stage.prepared.start;
        Self { stage, now, ids }
    }

    pub(crate) fn all_ids(&self) -> Vec<String> {
        self.stage.instance_ids()
    }

    pub(crate) fn id(&self, name: &str) -> String {
        self.ids[name].clone()
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub(crate) fn try_ssm(&mut self, action: &str, document: Value) -> Result<Value, ApiError> {
        self.ask(Service::Ssm, action, document)
    }

    /// A CloudWatch call.
    pub(crate) fn watch(&mut self, action: &str, document: Value) -> Result<Value, ApiError> {
        self.ask(Service::CloudWatch, action, document)
    }

    fn ask(&mut self, service: Service, action: &str, document: Value) -> Result<Value, ApiError> {
        let mut call = self.stage.call(service, action, Input::Json(document));
        call.now = self.now;
        self.stage.prepared.world.advance(&call.account, &call.region, call.now);
        let body = self.stage.answer(&call)?;
        Ok(serde_json::from_str(&body).expect("the answer is JSON"))
    }

    pub(crate) fn ssm(&mut self, action: &str, document: Value) -> Value {
        match self.try_ssm(action, document) {
            Ok(answer) => answer,
            Err(error) => panic!("{action}: {} {}", error.code, error.message),
        }
    }

    /// Sends a document to targets and gives the command's id.
    pub(crate) fn run(&mut self, document: &str, targets: Value, parameters: Value) -> String {
        let mut all = json!({"DocumentName": document, "Parameters": parameters});
        for (key, value) in targets.as_object().expect("an object") {
            all[key] = value.clone();
        }
        let answer = self.ssm("SendCommand", all);
        answer["Command"]["CommandId"].as_str().expect("an id").to_owned()
    }

    pub(crate) fn send(&mut self, targets: Value, script: &str) -> String {
        self.run("AWS-RunShellScript", targets, json!({"commands": [script]}))
    }

    /// Runs a script, lets time pass, and gives the first node's invocation.
    pub(crate) fn script(&mut self, ids: &[&str], text: &str, seconds: i64) -> Value {
        let command = self.send(json!({"InstanceIds": ids}), text);
        self.pass(seconds);
        self.invocation(&command, ids[0])
    }

    /// Runs AWS-RunPatchBaseline and lets time pass.
    pub(crate) fn patch(&mut self, id: &str, parameters: &[(&str, &str)], seconds: i64) -> String {
        let parameters: Value =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
        let command = self.run("AWS-RunPatchBaseline", json!({"InstanceIds": [id]}), parameters);
        self.pass(seconds);
        command
    }

    pub(crate) fn invocation(&mut self, command: &str, id: &str) -> Value {
        self.ssm("GetCommandInvocation", json!({"CommandId": command, "InstanceId": id}))
    }

    pub(crate) fn command(&mut self, id: &str) -> Value {
        self.ssm("ListCommands", json!({"CommandId": id}))["Commands"][0].clone()
    }

    pub(crate) fn patch_state(&mut self, id: &str) -> Value {
        self.ssm("DescribeInstancePatchStates", json!({"InstanceIds": [id]}))["InstancePatchStates"][0]
            .clone()
    }

    /// A node's ping: the status, and when it last came.
    pub(crate) fn ping(&mut self, id: &str) -> (String, f64) {
        let filters = json!([{"Key": "InstanceIds", "Values": [id]}]);
        let answer = self.ssm("DescribeInstanceInformation", json!({"Filters": filters}));
        let node = &answer["InstanceInformationList"][0];
        let status = node["PingStatus"].as_str().expect("a status").to_owned();
        (status, node["LastPingDateTime"].as_f64().expect("a time"))
    }

    pub(crate) fn region(&mut self) -> &Region {
        let (account, code) = (self.stage.account.clone(), self.stage.region.clone());
        self.stage.prepared.world.advance(&account, &code, self.now);
        &self.stage.prepared.world.accounts[&account].regions[&code]
    }

    /// Looks at a host as it is now.
    pub(crate) fn host<T>(&mut self, id: &str, look: impl FnOnce(&HostView<'_>) -> T) -> T {
        let (now, id) = (self.now, InstanceId::parse(id).expect("an id"));
        let region = self.region();
        look(&HostView::new(region, region.instances.get(id).expect("an instance"), now))
    }

    pub(crate) fn boot_id(&mut self, id: &str) -> String {
        self.host(id, |view| fleetwright_estate::world::command::uuid(view.instance.boot_id))
    }

    pub(crate) fn history(&mut self, id: &str) -> Vec<HostEvent> {
        let id = InstanceId::parse(id).expect("an id");
        self.region().host_history(id).to_vec()
    }

    pub(crate) fn reboots(&mut self, id: &str) -> usize {
        self.history(id).iter().filter(|event| matches!(event.kind, HostEventKind::Rebooted { .. })).count()
    }
}
