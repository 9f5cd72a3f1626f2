//! What is run on a host, how its answer is read, and how answers are judged and compared.
//!
//! Pure: [`script::render`] turns questions into the `commands` of `AWS-RunShellScript` and
//! `AWS-RunPowerShellScript`; [`survey::parse()`] and [`reboot::parse`] read what came back. Everything
//! a host says is untrusted: sizes are bounded, control characters are taken out, and an answer that
//! was cut off is told apart from a whole one. A fact that was not said is `None`, never zero and
//! never healthy.

pub mod answer;
pub mod block;
pub mod boot;
pub mod comparison;
pub mod difference;
pub mod fact;
pub mod load;
pub mod questions;
pub mod quote;
pub mod readiness;
pub mod reboot;
pub mod script;
pub mod survey;

pub use answer::{AnswerError, Reading};
pub use boot::BootId;
pub use comparison::{
    Change, ChangeKind, Comparison, ComparisonVerdict, LoadCheck, compare, compare_with_load,
};
pub use difference::Difference;
pub use fact::{Judged, Tri};
pub use load::{Load, LoadExpected, LoadFigures, LoadLimits, LoadPace, LoadTarget};
pub use questions::{InvalidQuestion, Questions};
pub use readiness::{
    Check, HostFinding, Readiness, ReadyVerdict, Severity, Thresholds, UnknownFacts, readiness,
};
pub use reboot::{RebootReport, RebootRequest, RebootResult, Strategy};
pub use script::{ProbeRequest, Request, Shell, render};
pub use survey::SurveyReport;
