//! Auto Scaling groups of one's own, whose instances are nodes, and the launch templates that they are made from.
//!
//! Sources: EKS User Guide, "Maintain nodes yourself with self-managed nodes"; EC2 Auto Scaling User Guide, "Launch
//! templates" and "Use an instance refresh".

use std::fmt;

use fleetwright_kubernetes::{Minor, Node};
use serde::{Deserialize, Serialize};

use super::nodes::NewNodes;
use super::{Fact, Unread, UnreadCause};

/// An Auto Scaling group of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfManagedGroup {
    /// Its name. Untrusted text.
    pub name: String,
    /// Nodes that it aims at.
    pub desired: u32,
    /// What its instances are launched from.
    pub source: LaunchSource,
    /// Processes that are suspended.
    pub suspended: Vec<String>,
    /// An instance refresh is under way.
    pub refreshing: Fact<bool>,
    /// Its instances.
    pub instances: Vec<GroupInstance>,
    /// What new nodes of it take.
    pub new_nodes: NewNodes,
}

/// An instance of such a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInstance {
    /// Its id.
    pub id: String,
    /// The version of the group's launch template that it was launched from; none where it was from something else.
    pub template_version: Option<u32>,
    /// It is protected from scaling in, which an instance refresh keeps to.
    pub protected: bool,
}

/// What the instances of a group are launched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchSource {
    /// A launch configuration, which cannot be changed.
    Configuration,
    /// A launch template.
    Template(GroupTemplate),
    /// A mixed instances policy that names several templates.
    SeveralTemplates,
}

/// The launch template of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTemplate {
    /// Its id.
    pub id: String,
    /// The version that the group names: a number, `$Latest` or `$Default`.
    pub selected: String,
    /// The mixed instances policy that names it, where one does.
    pub mixed: Option<MixedPolicy>,
    /// Its versions, the newest first.
    pub versions: Fact<Vec<TemplateVersion>>,
}

/// What a mixed instances policy says beside the template that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixedPolicy {
    /// Instance types in the place of the template's; none where the template's holds.
    pub instance_types: Vec<String>,
    /// Types are chosen by what they must have.
    pub by_requirements: bool,
    /// It launches On-Demand instances.
    pub on_demand: bool,
    /// It launches Spot instances.
    pub spot: bool,
}

/// What a group launches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launched {
    /// The instance types: which of them it takes is the group's choice.
    pub instance_types: Vec<String>,
    /// Some are On-Demand instances.
    pub on_demand: bool,
    /// Some are Spot instances.
    pub spot: bool,
}

/// A version of a launch template; it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// Its number.
    pub number: u32,
    /// It is the default.
    pub is_default: bool,
    /// The image that it names: an id, or the parameter behind `resolve:ssm:`; none where it names none.
    pub image: Option<String>,
    /// The version of Kubernetes that the image is made for; none where nothing tells.
    pub minor: Option<Minor>,
    /// The instance type that it names; none where it names none, or what types must have.
    pub instance_type: Option<String>,
    /// It asks for Spot instances.
    pub spot: bool,
    /// Flags that its user data gives the kubelet; none where the user data cannot be read.
    pub kubelet_flags: Option<Vec<String>>,
}

/// A version of a launch template by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRef {
    /// The template's id.
    pub id: String,
    /// The number of the version.
    pub version: u32,
}

impl fmt::Display for TemplateRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} of launch template {}", self.version, self.id)
    }
}

impl GroupTemplate {
    /// The number of the version that the group launches from now; none where that is not known.
    pub fn launches(&self) -> Option<u32> {
        let versions = self.versions.known()?;
        match self.selected.as_str() {
            "$Latest" => versions.iter().map(|it| it.number).max(),
            "$Default" | "" => versions.iter().find(|it| it.is_default).map(|it| it.number),
            number => number.parse().ok(),
        }
    }

    /// A version by its number.
    pub fn version(&self, number: u32) -> Option<&TemplateVersion> {
        self.versions.known()?.iter().find(|it| it.number == number)
    }
}

impl SelfManagedGroup {
    /// Its launch template, where it has one.
    pub fn template(&self) -> Option<&GroupTemplate> {
        match &self.source {
            LaunchSource::Template(template) => Some(template),
            LaunchSource::Configuration | LaunchSource::SeveralTemplates => None,
        }
    }

    /// Whether a node is one of its instances.
    pub fn has(&self, node: &Node) -> bool {
        node.instance_id().is_some_and(|id| self.instances.iter().any(|it| it.id == id))
    }

    /// The version of its template for nodes of that version of Kubernetes: one that its instances run already, else
    /// the one that it launches from, else the newest.
    pub fn version_for(&self, minor: Minor) -> Option<TemplateRef> {
        let template = self.template()?;
        let fitting = || template.versions.known().into_iter().flatten().filter(|it| it.minor == Some(minor));
        let runs = |number: u32| self.instances.iter().any(|it| it.template_version == Some(number));
        let newest =
            |wanted: &dyn Fn(u32) -> bool| fitting().map(|it| it.number).filter(|it| wanted(*it)).max();
        let launches = template.launches();
        let version =
            newest(&runs).or_else(|| newest(&|it| Some(it) == launches)).or_else(|| newest(&|_| true))?;
        Some(TemplateRef { id: template.id.clone(), version })
    }

    /// The number of the version of its template that an upgrade to that version of Kubernetes launches from, or where
    /// there is none the one that whoever makes it begins with.
    pub fn version_to_come(&self, last: Option<Minor>) -> Option<u32> {
        let chosen = last.and_then(|minor| self.version_for(minor)).map(|it| it.version);
        chosen.or_else(|| self.template()?.launches())
    }

    /// What an upgrade to that version of Kubernetes launches; nothing where the group is not refreshed.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn launched(&self, last: Option<Minor>) -> Result<Option<Launched>, Unread> {
        let Some(template) = self.template() else { return Ok(None) };
        if let Fact::NotRead(why) = &template.versions {
            return Err(why.clone());
        }
        let incomplete = |what: &str| Unread {
            cause: UnreadCause::Incomplete,
            detail: format!("Auto Scaling group {}: {what}", self.name),
        };
        let version = self.version_to_come(last).and_then(|number| template.version(number));
        let version =
            version.ok_or_else(|| incomplete("its launch template has no version to launch from"))?;
        let usual = MixedPolicy {
            instance_types: Vec::new(),
            by_requirements: false,
            on_demand: !version.spot,
            spot: version.spot,
        };
        let policy = template.mixed.as_ref().unwrap_or(&usual);
        let named = match policy.instance_types.as_slice() {
            [] => version.instance_type.iter().cloned().collect(),
            types => types.to_vec(),
        };
        match named.is_empty() || policy.by_requirements {
            true => Err(incomplete("no instance types are named that it launches")),
            false => {
                Ok(Some(Launched { instance_types: named, on_demand: policy.on_demand, spot: policy.spot }))
            }
        }
    }

    /// Instances that are protected from scaling in.
    pub fn protected_instances(&self) -> usize {
        self.instances.iter().filter(|it| it.protected).count()
    }

    /// Lets nodes tell for which version of Kubernetes an image is made that does not say so itself: all nodes of its
    /// version of the template have that kubelet.
    pub fn learn_from(&mut self, nodes: &[Node]) {
        let instances = &self.instances;
        let LaunchSource::Template(GroupTemplate { versions: Fact::Known(versions), .. }) = &mut self.source
        else {
            return;
        };
        for version in versions.iter_mut().filter(|it| it.minor.is_none()) {
            let of_it = |node: &&Node| {
                let runs = |it: &GroupInstance| {
                    it.template_version == Some(version.number) && node.instance_id() == Some(&*it.id)
                };
                instances.iter().any(runs)
            };
            let mut kubelets: Vec<Minor> = nodes.iter().filter(of_it).map(|node| node.kubelet).collect();
            kubelets.sort_unstable();
            kubelets.dedup();
            if let [only] = kubelets.as_slice() {
                version.minor = Some(*only);
            }
        }
    }

    /// What is missing where no version of the template is for that version of Kubernetes, and what to do about it.
    pub fn missing_version(&self, minor: Minor) -> (String, String) {
        let Some(template) = self.template() else {
            return ("it has no launch template of its own".to_owned(), "launch template".to_owned());
        };
        let from = template.launches().map_or_else(|| "$Latest".to_owned(), |it| it.to_string());
        let what = format!(
            "no version of its launch template {id} has an image of {minor}: make one (aws ec2 \
             create-launch-template-version --launch-template-id {id} --source-version {from} \
             --launch-template-data ImageId=IMAGE, with an image of {minor}), leave the group as it is, and plan again",
            id = template.id
        );
        let versions = template.versions.known().into_iter().flatten().take(MOST_TOLD);
        let told: Vec<String> = versions.map(TemplateVersion::told).collect();
        (what, told.join("; "))
    }
}

/// Versions that a finding names at most.
const MOST_TOLD: usize = 5;

impl TemplateVersion {
    fn told(&self) -> String {
        let image = self.image.as_deref().unwrap_or("no image");
        match self.minor {
            Some(minor) => format!("version {}: {image}, of {minor}", self.number),
            None => format!("version {}: {image}, which does not tell its version", self.number),
        }
    }
}
