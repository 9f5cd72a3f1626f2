//! Where the operations of the restJson services are: method, path with members in braces, name.

use crate::call::Service;

/// Method, path, name.
pub(super) type Route = (&'static str, &'static str, &'static str);

/// The operations of a service; none where it speaks another protocol.
pub(super) const fn of(service: Service) -> &'static [Route] {
    match service {
        Service::Bedrock => BEDROCK,
        Service::Eks => EKS,
        Service::Lambda => LAMBDA,
        _ => &[],
    }
}

const BEDROCK: &[Route] = &[("POST", "/model/{modelId}/converse", "Converse")];

const LAMBDA: &[Route] = &[
    ("POST", "/2015-03-31/functions", "CreateFunction"),
    ("GET", "/2015-03-31/functions", "ListFunctions"),
    ("GET", "/2015-03-31/functions/{FunctionName}", "GetFunction"),
    ("DELETE", "/2015-03-31/functions/{FunctionName}", "DeleteFunction"),
    ("PUT", "/2015-03-31/functions/{FunctionName}/code", "UpdateFunctionCode"),
    ("GET", "/2015-03-31/functions/{FunctionName}/configuration", "GetFunctionConfiguration"),
    ("PUT", "/2015-03-31/functions/{FunctionName}/configuration", "UpdateFunctionConfiguration"),
    ("POST", "/2015-03-31/functions/{FunctionName}/versions", "PublishVersion"),
    ("GET", "/2015-03-31/functions/{FunctionName}/versions", "ListVersionsByFunction"),
    ("POST", "/2015-03-31/functions/{FunctionName}/invocations", "Invoke"),
    ("PUT", "/2017-10-31/functions/{FunctionName}/concurrency", "PutFunctionConcurrency"),
    ("GET", "/2019-09-30/functions/{FunctionName}/concurrency", "GetFunctionConcurrency"),
    ("POST", "/2017-03-31/tags/{Resource}", "TagResource"),
    ("GET", "/2017-03-31/tags/{Resource}", "ListTags"),
];

const EKS: &[Route] = &[
    ("GET", "/clusters", "ListClusters"),
    ("GET", "/clusters/{name}", "DescribeCluster"),
    ("POST", "/clusters/{name}/update-config", "UpdateClusterConfig"),
    ("POST", "/clusters/{name}/updates", "UpdateClusterVersion"),
    ("GET", "/clusters/{name}/updates", "ListUpdates"),
    ("GET", "/clusters/{name}/updates/{updateId}", "DescribeUpdate"),
    ("POST", "/clusters/{name}/updates/{updateId}/cancel-update", "CancelUpdate"),
    ("GET", "/cluster-versions", "DescribeClusterVersions"),
    ("GET", "/clusters/{name}/node-groups", "ListNodegroups"),
    ("GET", "/clusters/{name}/node-groups/{nodegroupName}", "DescribeNodegroup"),
    ("POST", "/clusters/{name}/node-groups/{nodegroupName}/update-version", "UpdateNodegroupVersion"),
    ("POST", "/clusters/{name}/node-groups/{nodegroupName}/update-config", "UpdateNodegroupConfig"),
    ("GET", "/clusters/{name}/fargate-profiles", "ListFargateProfiles"),
    ("GET", "/clusters/{name}/fargate-profiles/{fargateProfileName}", "DescribeFargateProfile"),
    ("GET", "/clusters/{name}/addons", "ListAddons"),
    ("POST", "/clusters/{name}/addons", "CreateAddon"),
    ("GET", "/clusters/{name}/addons/{addonName}", "DescribeAddon"),
    ("DELETE", "/clusters/{name}/addons/{addonName}", "DeleteAddon"),
    ("POST", "/clusters/{name}/addons/{addonName}/update", "UpdateAddon"),
    ("GET", "/addons/supported-versions", "DescribeAddonVersions"),
    ("GET", "/addons/configuration-schemas", "DescribeAddonConfiguration"),
    ("POST", "/clusters/{name}/insights", "ListInsights"),
    ("GET", "/clusters/{name}/insights/{id}", "DescribeInsight"),
    ("POST", "/clusters/{name}/insights-refresh", "StartInsightsRefresh"),
    ("GET", "/clusters/{name}/insights-refresh", "DescribeInsightsRefresh"),
    ("GET", "/clusters/{name}/pod-identity-associations", "ListPodIdentityAssociations"),
    ("GET", "/clusters/{name}/access-entries", "ListAccessEntries"),
    ("GET", "/clusters/{name}/access-entries/{principalArn}", "DescribeAccessEntry"),
    ("GET", "/tags/{resourceArn}", "ListTagsForResource"),
];
