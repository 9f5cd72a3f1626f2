//! What a cluster names: its roles, its key, the images of its nodes.

use super::around::{all, ec2};
use super::*;

const KEY: &str = "arn:aws:kms:eu-central-1:098765432109:key/11111111-2222-4333-8444-555555555555";

/// Asks IAM for a role; the page, or the error's code.
async fn role(estate: &Estate, name: &str) -> Result<String, String> {
    let body = format!("Action=GetRole&RoleName={name}&Version=2010-05-08");
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), "us-east-1", "iam", start());
    let response = estate.call(request).await.expect("an answer");
    let page = text(&response).to_owned();
    if response.status() == 200 { Ok(page) } else { Err(element(&page, "Code").to_owned()) }
}

async fn key(estate: &Estate) -> (u16, Value) {
    ask_json(estate, ("kms", "TrentService.DescribeKey", "1.1"), json!({ "KeyId": KEY })).await
}

async fn parameter(estate: &Estate, name: &str) -> (u16, Value) {
    ask_json(estate, ("ssm", "AmazonSSM.GetParameter", "1.1"), json!({ "Name": name })).await
}

#[tokio::test]
async fn the_roles_of_a_cluster_exist_and_trust_who_takes_them_on() {
    let estate = cluster("1.33", "");
    let arn = get(&estate, "/clusters/c").await["cluster"]["roleArn"].clone();
    assert_eq!(arn, format!("arn:aws:iam::{ACCOUNT}:role/eks-c").as_str());
    for (name, service) in [("eks-c", "eks"), ("eks-c-node", "ec2"), ("eks-c-fargate", "eks-fargate-pods")] {
        let page = role(&estate, name).await.expect("the role");
        let trust = element(&page, "AssumeRolePolicyDocument").replace("%2E", ".").replace("%2D", "-");
        assert!(trust.contains(&format!("{service}.amazonaws.com")), "{name}: {trust}");
    }
    let lacking = cluster("1.33", "absent = [\"role\"]");
    assert_eq!(role(&lacking, "eks-c").await, Err("NoSuchEntity".to_owned()));
}

#[tokio::test]
async fn the_key_of_a_cluster_is_there_about_to_be_deleted_or_gone() {
    let named = format!("key = \"{KEY}\"\n");
    let (_, there) = key(&cluster("1.33", &named)).await;
    assert_eq!(
        (&there["KeyMetadata"]["KeyState"], &there["KeyMetadata"]["Arn"]),
        (&json!("Enabled"), &json!(KEY))
    );
    let (_, going) = key(&cluster("1.33", &format!("{named}key_deleted_in_days = 7"))).await;
    assert_eq!(going["KeyMetadata"]["KeyState"], "PendingDeletion");
    let gone = cluster("1.33", &format!("{named}absent = [\"key\"]"));
    assert_eq!(key(&gone).await, (400, json!("NotFoundException")));
}

#[tokio::test]
async fn a_cluster_without_its_security_group_fails_its_upgrade() {
    let estate = cluster("1.33", "absent = [\"security-group\"]");
    let group =
        get(&estate, "/clusters/c").await["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"].clone();
    let asked = format!("Action=DescribeSecurityGroups&GroupId.1={}", group.as_str().expect("a group"));
    assert_eq!(ec2(&estate, &asked).await, Err("InvalidGroup.NotFound".to_owned()));
    let begun = post(&estate, "/clusters/c/updates", to("1.34")).await;
    let failed = ("Failed".to_owned(), "SecurityGroupNotFound".to_owned());
    assert_eq!(after(&estate, &begun, "", 16.0).await, failed);
}

#[tokio::test]
async fn public_parameters_name_the_images_of_the_versions_that_are_offered() {
    let estate = cluster("1.33", "");
    let linux = "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended";
    let bottlerocket = "/aws/service/bottlerocket/aws-k8s-1.34/arm64/latest";
    let (_, release) = parameter(&estate, &format!("{linux}/release_version")).await;
    assert_eq!(release["Parameter"]["Value"], "1.34.7-20260801");
    let arn = format!("arn:aws:ssm:{REGION}::parameter{linux}/release_version");
    assert_eq!(release["Parameter"]["ARN"], arn.as_str());
    for (path, name) in
        [(linux, "al2023-x86_64-standard-1.34"), (bottlerocket, "bottlerocket-aws-k8s-1.34-arm64")]
    {
        let (status, image) = parameter(&estate, &format!("{path}/image_id")).await;
        assert_eq!(status, 200, "{path}");
        let id = image["Parameter"]["Value"].as_str().expect("an id");
        let page = ec2(&estate, &format!("Action=DescribeImages&ImageId.1={id}")).await.expect("the image");
        assert!(all(&page, "name")[0].contains(name), "{name}");
    }
    let old = "/aws/service/eks/optimized-ami/1.32/amazon-linux-2/recommended/image_id";
    assert_eq!(parameter(&estate, old).await.0, 200);
    for missing in [
        "/aws/service/eks/optimized-ami/1.33/amazon-linux-2/recommended/image_id",
        "/aws/service/eks/optimized-ami/1.37/amazon-linux-2023/x86_64/standard/recommended/image_id",
        "/aws/service/eks/optimized-ami/1.30/amazon-linux-2023/x86_64/standard/recommended/image_id",
        "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/colour",
    ] {
        assert_eq!(parameter(&estate, missing).await, (400, json!("ParameterNotFound")), "{missing}");
    }
}

#[tokio::test]
async fn a_policy_allows_public_parameters_by_an_arn_without_an_account() {
    let policy = r#"{"Statement":{"Effect":"Allow","Action":"ssm:GetParameter",
        "Resource":"arn:aws:ssm:*::parameter/aws/service/eks/*"}}"#;
    let estate = estate_of("", policy);
    let linux = "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id";
    let bottlerocket = "/aws/service/bottlerocket/aws-k8s-1.34/x86_64/latest/image_id";
    assert_eq!(parameter(&estate, linux).await.0, 200);
    assert_eq!(parameter(&estate, bottlerocket).await, (400, json!("AccessDeniedException")));
}
