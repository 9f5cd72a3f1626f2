//! What the doctor found: what will keep a phase from working, and what to do where.

use fleetwright_model::{
    AccountId, Answer, Code, Failure, Identity, PermissionAnswer, Refusal, Region, RoleArn, Verified, Zone,
    ZoneName, code,
};
use serde::Serialize;

/// How serious a symptom is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It will keep a phase from working.
    Problem,
    /// Nobody can tell whether it will.
    NotChecked,
    /// It will not, but something will be missing from the result.
    Remark,
}

impl Severity {
    /// The severity as reports name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::NotChecked => "not checked",
            Self::Remark => "remark",
        }
    }
}

/// One thing the doctor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Symptom {
    /// How serious it is.
    pub severity: Severity,
    /// Its code.
    pub code: &'static Code,
    /// The regions it concerns; empty for the whole zone.
    pub regions: Vec<Region>,
    /// The IAM action it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'static str>,
    /// What was found.
    pub message: String,
    /// What to do, and where.
    pub remedy: String,
}

/// How far the agents of a region reach. Counts are running instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentCoverage {
    /// The region.
    pub region: Region,
    /// All of them.
    pub running: usize,
    /// With an agent that answers.
    pub online: usize,
    /// With an agent that does not answer.
    pub silent: usize,
    /// Unknown to Systems Manager.
    pub unmanaged: usize,
    /// Not looked up.
    pub not_checked: usize,
}

/// The examination of one zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZoneCheckup {
    /// The zone's name.
    #[serde(rename = "landing_zone")]
    pub zone: ZoneName,
    /// Its account.
    #[serde(rename = "account_id")]
    pub account: AccountId,
    /// The role it is entered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleArn>,
    /// Who we are there, if we got in.
    pub identity: Option<Identity>,
    /// Regions that answered.
    pub regions: Vec<Region>,
    /// Permissions that are there, over all regions.
    pub allowed: usize,
    /// How the permissions were checked, where they were.
    pub verified: Option<Verified>,
    /// Agents, region by region.
    pub coverage: Vec<AgentCoverage>,
    /// What was found, worst first.
    pub symptoms: Vec<Symptom>,
}

/// Everything the doctor found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkup {
    /// Who the command runs as, or why it is nobody.
    pub caller: Result<Identity, Failure>,
    /// Organisations that could not be listed.
    pub organization_gaps: Vec<Failure>,
    /// The zones, by name.
    pub zones: Vec<ZoneCheckup>,
}

impl Checkup {
    /// True where nothing will keep the phases from working and everything could be checked.
    pub fn is_well(&self) -> bool {
        let symptoms = || self.zones.iter().flat_map(|zone| &zone.symptoms);
        self.caller.is_ok()
            && self.organization_gaps.is_empty()
            && symptoms().all(|symptom| symptom.severity == Severity::Remark)
    }
}

impl ZoneCheckup {
    /// An examination that has not begun.
    pub fn of(zone: &Zone) -> Self {
        Self {
            zone: zone.name.clone(),
            account: zone.account.clone(),
            role: zone.access.role.clone(),
            identity: None,
            regions: Vec::new(),
            allowed: 0,
            verified: None,
            coverage: Vec::new(),
            symptoms: Vec::new(),
        }
    }

    /// Puts symptoms in order, worst first, and makes one of those that differ by region only.
    pub fn conclude(&mut self) {
        self.symptoms.sort_by(|a, b| {
            let key = |s: &Symptom| (s.severity, s.code.id, s.action, s.message.clone(), s.regions.clone());
            key(a).cmp(&key(b))
        });
        self.symptoms.dedup_by(|later, kept| {
            let same = (later.severity, later.code, later.action, &later.message)
                == (kept.severity, kept.code, kept.action, &kept.message);
            if same {
                kept.regions.append(&mut later.regions);
            }
            same
        });
    }

    /// The zone, or its regions, could not be entered or not be finished.
    pub fn not_entered(&mut self, zone: &Zone, failure: &Failure, severity: Severity) {
        let remedy = match &zone.access.role {
            Some(role) if failure.code == &code::ROLE_REFUSED => {
                let with =
                    if zone.access.external_id.is_some() { " with this zone's sts:ExternalId" } else { "" };
                format!(
                    "In account {}, let the trust policy of {role} allow sts:AssumeRole to the caller{with}; \
                     where the caller lives, allow it sts:AssumeRole on {role}.",
                    zone.account,
                )
            }
            _ => failure.code.next_step.to_owned(),
        };
        self.symptoms.push(Symptom {
            severity,
            code: failure.code,
            regions: Vec::new(),
            action: None,
            message: format!("account {} cannot be entered: {failure}", zone.account),
            remedy,
        });
    }

    /// Something about a region could not be found out or does not work.
    pub fn region_failed(&mut self, region: &Region, failure: &Failure, severity: Severity, what: &str) {
        self.symptoms.push(Symptom {
            severity,
            code: failure.code,
            regions: vec![region.clone()],
            action: None,
            message: format!("{what}: {failure}"),
            remedy: failure.code.next_step.to_owned(),
        });
    }

    /// Judges the answers for one region.
    pub fn permissions(&mut self, region: &Region, answers: &[PermissionAnswer]) {
        for answer in answers {
            self.verified = Some(answer.verified);
            let required = answer.required;
            let action = required.action;
            let (severity, code, message, remedy) = match &answer.answer {
                Answer::Allowed => {
                    self.allowed += 1;
                    continue;
                }
                Answer::Denied(refusal) => {
                    let phases: Vec<&str> = required.phases.iter().map(|phase| phase.as_str()).collect();
                    let (phases, purpose) = (phases.join(", "), required.purpose);
                    let message =
                        format!("{action} is not allowed ({refusal}); needed by {phases}: {purpose}");
                    (Severity::Problem, &code::DENIED, message, self.remedy(action, refusal))
                }
                Answer::NotChecked(failure) => {
                    let message = format!("{action} could not be checked: {failure}");
                    (Severity::NotChecked, failure.code, message, failure.code.next_step.to_owned())
                }
            };
            self.symptoms.push(Symptom {
                severity: if required.optional { Severity::Remark } else { severity },
                code,
                regions: vec![region.clone()],
                action: Some(action),
                message,
                remedy,
            });
        }
    }

    /// What to change where, so that the action is allowed.
    fn remedy(&self, action: &str, refusal: &Refusal) -> String {
        let account = &self.account;
        let holder = match &self.role {
            Some(role) => role.to_string(),
            None => format!("the caller in account {account}"),
        };
        match refusal {
            Refusal::NoAllow => format!("Allow {action} in a policy of {holder}."),
            Refusal::ExplicitDeny => {
                format!("Take the Deny of {action} out of the policies of {holder}, or narrow it.")
            }
            Refusal::PermissionsBoundary => {
                format!("Allow {action} in the permissions boundary of {holder}.")
            }
            Refusal::Organization => format!(
                "Have the organisation's service control policies allow {action} in account {account}; \
                 a policy of {holder} cannot override them."
            ),
            Refusal::Trial(_) => format!(
                "Allow {action} in a policy of {holder}; if one does already, look at its permissions boundary \
                 and at the organisation's service control policies."
            ),
        }
    }

    /// Judges how far the agents reach in one region.
    pub fn agents(&mut self, coverage: AgentCoverage) {
        let missing = [
            (coverage.unmanaged, "are not managed by Systems Manager", &code::NO_AGENT, Severity::Remark),
            (coverage.silent, "have an agent that does not answer", &code::AGENT_LOST, Severity::Remark),
            (coverage.not_checked, "could not be looked up", &code::AGENT_UNCHECKED, Severity::NotChecked),
        ];
        for (count, what, code, severity) in missing {
            if count > 0 {
                self.symptoms.push(Symptom {
                    severity,
                    code,
                    regions: vec![coverage.region.clone()],
                    action: None,
                    message: format!(
                        "{count} of {} running instances in {} {what}",
                        coverage.running, coverage.region
                    ),
                    remedy: code.next_step.to_owned(),
                });
            }
        }
        self.coverage.push(coverage);
    }
}

#[cfg(test)]
mod tests {
    use fleetwright_model::{Phase, RequiredAction};

    use super::*;

    fn checkup() -> ZoneCheckup {
        ZoneCheckup {
            zone: ZoneName::new("payments").expect("valid"),
            account: AccountId::new("011122223333").expect("valid"),
            role: None,
            identity: None,
            regions: Vec::new(),
            allowed: 0,
            verified: None,
            coverage: Vec::new(),
            symptoms: Vec::new(),
        }
    }

    fn asked(action: &'static str, optional: bool, answer: Answer) -> PermissionAnswer {
        let required = RequiredAction { action, phases: &[Phase::Scan], purpose: "listing", optional };
        PermissionAnswer { required, answer, verified: Verified::Simulation }
    }

    fn well(zone: ZoneCheckup) -> bool {
        let caller =
            Ok(Identity { account: zone.account.clone(), arn: "arn:aws:iam::011122223333:user/ops".into() });
        Checkup { caller, organization_gaps: Vec::new(), zones: vec![zone] }.is_well()
    }

    #[test]
    fn the_same_denial_in_two_regions_is_one_symptom_that_names_both() {
        let mut zone = checkup();
        for region in ["eu-west-1", "eu-central-1"] {
            let region = Region::new(region).expect("valid");
            zone.permissions(
                &region,
                &[asked("ec2:DescribeInstances", false, Answer::Denied(Refusal::NoAllow))],
            );
        }
        zone.conclude();
        assert_eq!(zone.symptoms.len(), 1);
        let regions: Vec<&str> = zone.symptoms[0].regions.iter().map(Region::as_str).collect();
        assert_eq!(regions, ["eu-central-1", "eu-west-1"]);
        assert_eq!(
            zone.symptoms[0].remedy,
            "Allow ec2:DescribeInstances in a policy of the caller in account 011122223333."
        );
        assert!(!well(zone));
    }

    #[test]
    fn the_remedy_names_the_place_that_refuses() {
        let mut zone = checkup();
        zone.role = Some(RoleArn::new("arn:aws:iam::011122223333:role/patching").expect("valid"));
        let region = Region::new("eu-west-1").expect("valid");
        let refused = |refusal| asked("ec2:DescribeVolumes", false, Answer::Denied(refusal));
        zone.permissions(
            &region,
            &[
                refused(Refusal::NoAllow),
                refused(Refusal::Organization),
                refused(Refusal::PermissionsBoundary),
            ],
        );
        let remedies: Vec<&str> = zone.symptoms.iter().map(|symptom| symptom.remedy.as_str()).collect();
        assert!(remedies[0].contains("in a policy of arn:aws:iam::011122223333:role/patching"));
        assert!(remedies[1].contains("service control policies"), "a role's policy would not help");
        assert!(remedies[2].contains("permissions boundary of arn:aws"));
    }

    #[test]
    fn an_optional_action_that_is_denied_is_a_remark_and_leaves_the_zone_well() {
        let mut zone = checkup();
        let region = Region::new("eu-west-1").expect("valid");
        zone.permissions(
            &region,
            &[asked("iam:SimulatePrincipalPolicy", true, Answer::Denied(Refusal::ExplicitDeny))],
        );
        assert_eq!(zone.symptoms[0].severity, Severity::Remark);
        assert!(well(zone));
    }

    #[test]
    fn what_could_not_be_checked_is_not_well() {
        let mut zone = checkup();
        zone.agents(AgentCoverage {
            region: Region::new("eu-west-1").expect("valid"),
            running: 5,
            online: 3,
            silent: 0,
            unmanaged: 0,
            not_checked: 2,
        });
        assert_eq!(zone.symptoms[0].severity, Severity::NotChecked);
        assert!(!well(zone));
    }
}
