//! Service Quotas on the wire.

use serde_json::{Value, json};

use super::eks::{ACCOUNT, cluster_with};
use super::*;

async fn quotas(estate: &Estate, operation: &str, document: Value) -> (u16, Value) {
    let target = format!("ServiceQuotasV20190624.{operation}");
    ask_json(estate, ("servicequotas", &target, "1.1"), document).await
}

#[tokio::test]
async fn a_quota_is_what_aws_publishes_or_what_the_scenario_says() {
    let lowered = "[[quotas]]\naccount = \"prod\"\ncode = \"L-1216C47A\"\nvalue = 8\n";
    let estate = cluster_with(lowered);
    for (service, code, value) in
        [("vpc", "L-DF5E4CA3", 5_000.0), ("ebs", "L-7A658B76", 50.0), ("ec2", "L-1216C47A", 8.0)]
    {
        let asked = json!({ "ServiceCode": service, "QuotaCode": code });
        let (status, answer) = quotas(&estate, "GetServiceQuota", asked).await;
        assert_eq!((status, &answer["Quota"]["Value"]), (200, &json!(value)), "{code}");
        let arn = format!("arn:aws:servicequotas:{REGION}:{ACCOUNT}:{service}/{code}");
        assert_eq!(answer["Quota"]["QuotaArn"], arn.as_str());
    }
}

#[tokio::test]
async fn listings_of_quotas_come_in_pages() {
    let estate = cluster_with("");
    let first = json!({ "ServiceCode": "ec2", "MaxResults": 1 });
    let (_, first_page) = quotas(&estate, "ListServiceQuotas", first).await;
    assert_eq!(first_page["Quotas"][0]["QuotaCode"], "L-1216C47A");
    let second = json!({ "ServiceCode": "ec2", "MaxResults": 1, "NextToken": first_page["NextToken"] });
    let (_, second_page) = quotas(&estate, "ListServiceQuotas", second).await;
    assert_eq!(second_page["Quotas"][0]["QuotaCode"], "L-34B43A08");
    assert_eq!(second_page["NextToken"], Value::Null, "it is the last page");
}

#[tokio::test]
async fn quotas_that_do_not_exist_are_refused_with_their_code() {
    let estate = cluster_with("");
    let ec2 = json!({ "ServiceCode": "ec2" });
    for (operation, document, code) in [
        (
            "GetServiceQuota",
            json!({ "ServiceCode": "ec2", "QuotaCode": "L-DF5E4CA3" }),
            "NoSuchResourceException",
        ),
        ("GetServiceQuota", json!({ "ServiceCode": "moon", "QuotaCode": "L-1" }), "NoSuchResourceException"),
        ("ListServiceQuotas", json!({ "ServiceCode": "moon" }), "NoSuchResourceException"),
        (
            "ListServiceQuotas",
            json!({ "ServiceCode": "ec2", "NextToken": "x" }),
            "InvalidPaginationTokenException",
        ),
        ("GetServiceQuota", ec2, "ValidationException"),
    ] {
        let asked = document.to_string();
        assert_eq!(quotas(&estate, operation, document).await, (400, json!(code)), "{operation} {asked}");
    }
}
