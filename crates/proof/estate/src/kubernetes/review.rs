//! Who one is, and what one may do.

use serde_json::{Value, json};

use super::access::{Person, Wish, may};
use super::answer::{Answer, Status};
use super::asked::Asked;
use super::rules;
use crate::world::eks::Cluster;

/// SelfSubjectReview, SelfSubjectAccessReview and SelfSubjectRulesReview.
pub(super) fn answer(cluster: &Cluster, caller: Option<&Person>, asked: &Asked) -> Result<Answer, Status> {
    let caller = caller.ok_or_else(|| Status::new(401, "Unauthorized", "Unauthorized"))?;
    let mut document = asked.body.clone();
    if asked.target.as_ref().is_some_and(|it| it.plural == "selfsubjectreviews") {
        document["status"] = json!({ "userInfo": { "username": caller.username, "groups": caller.groups } });
        return Ok(Answer::created(&document));
    }
    if asked.target.as_ref().is_some_and(|it| it.plural == "selfsubjectrulesreviews") {
        let namespace = document["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
        document["status"] = rules::of(cluster, caller, &namespace);
        return Ok(Answer::created(&document));
    }
    let path = &document["spec"]["nonResourceAttributes"];
    let wanted = &document["spec"]["resourceAttributes"];
    let text = |name: &str| wanted[name].as_str().unwrap_or_default();
    let wish = match wanted {
        Value::Null => Wish {
            verb: path["verb"].as_str().unwrap_or("get"),
            group: "",
            resource: path["path"].as_str().unwrap_or_default(),
            namespace: "",
        },
        _ => Wish {
            verb: text("verb"),
            group: text("group"),
            resource: text("resource"),
            namespace: text("namespace"),
        },
    };
    let resource = match text("subresource") {
        "" => wish.resource.to_owned(),
        subresource => format!("{}/{subresource}", wish.resource),
    };
    let allowed = may(cluster, caller, &Wish { resource: &resource, ..wish });
    document["status"] = json!({ "allowed": allowed });
    Ok(Answer::created(&document))
}
