use super::{Code, Exit, codes};

codes! {
    NO_CREDENTIALS = "FW-A0001", Some(Exit::Authentication), "No AWS credentials",
        "None of the places AWS credentials come from (environment, profile, SSO, container or instance role) has any.",
        "Log in (`aws sso login`), set AWS_PROFILE, or export credentials; `fleetwright doctor` shows who you are.";
    EXPIRED_CREDENTIALS = "FW-A0002", Some(Exit::Authentication), "Credentials expired",
        "The credentials the command started with are no longer valid.",
        "Renew them (`aws sso login` or a new session) and run the command again.";
    REJECTED_CREDENTIALS = "FW-A0003", Some(Exit::Authentication), "Credentials rejected",
        "AWS does not know the credentials or their signature does not match.",
        "Check which profile or environment variables are in force; `fleetwright doctor` shows it.";
    ROLE_REFUSED = "FW-A0004", Some(Exit::Authentication), "Role refuses us",
        "AssumeRole into the landing zone was denied: the role does not exist, does not trust the caller, asks for another external id, or the caller may not assume it. AWS does not say which.",
        "Check the role's trust policy (principal and sts:ExternalId) and the caller's sts:AssumeRole permission.";
    WRONG_ACCOUNT = "FW-A0005", Some(Exit::Authentication), "Credentials of another account",
        "The session does not belong to the account the landing zone names, so nothing of it is read.",
        "Give the zone a role, or correct its account_id.";
    UNREACHABLE = "FW-A0006", Some(Exit::Connectivity), "Endpoint unreachable",
        "No connection to the service's endpoint: DNS, proxy, firewall, or a wrong AWS_ENDPOINT_URL.",
        "Check network, proxy (HTTPS_PROXY, NO_PROXY) and endpoint settings; private networks need interface endpoints for ec2, ssm and sts.";
    REGION_DISABLED = "FW-A0007", Some(Exit::Resource), "Region not enabled",
        "The region is not enabled in the account, or does not exist.",
        "Enable it in the account's settings or take it out of the landing zone.";
    DENIED = "FW-A0008", Some(Exit::Resource), "Permission missing",
        "AWS refuses the call: the policy of the role, a permission boundary or a service control policy does not allow it.",
        "Allow the action the message names in the landing zone's role; `fleetwright doctor` lists all that are missing.";
    THROTTLED = "FW-A0009", Some(Exit::Resource), "Throttled for too long",
        "AWS kept answering that the request rate is exceeded, although the calls were slowed down. Something else uses up the account's limit.",
        "Run again at a quieter time, raise aws.max_attempts, or lower the rate in aws.rates.";
    SERVICE_FAULT = "FW-A0010", Some(Exit::Connectivity), "Service fault",
        "The service answered with an error of its own, or broke off, on every attempt.",
        "Look at the AWS Health Dashboard and run the command again.";
    CALL_TIMEOUT = "FW-A0011", Some(Exit::Timeout), "No answer in time",
        "A call got no answer within aws.timeout on any attempt.",
        "Check the network path, or raise aws.timeout.";
    UNEXPECTED_ANSWER = "FW-A0012", Some(Exit::Connectivity), "Answer not understood",
        "The answer is not what the service's interface promises, for example cut off in the middle.",
        "Run the command again; if it stays, a proxy may be changing the traffic.";
    REQUEST_REFUSED = "FW-A0013", Some(Exit::Internal), "Request refused",
        "The service considers the request itself to be wrong.",
        "Report the message: fleetwright should not send such a request.";
    NOT_FOUND = "FW-A0014", Some(Exit::Resource), "Not found",
        "The thing asked for does not exist, or no longer.",
        "Scan again; if it stays, check the id or name in the message.";
    NO_ORGANIZATION = "FW-A0015", Some(Exit::Resource), "Organisation not readable",
        "The accounts of the organisation can be listed only from its management account or a delegated administrator.",
        "Run with credentials of such an account, or list the landing zones one by one.";
    SIMULATION_DENIED = "FW-A0016", None, "Permissions checked by trying",
        "iam:SimulatePrincipalPolicy is not allowed, so the actions were tried with harmless or dry-run calls instead. Actions that cannot be tried harmlessly stay unchecked.",
        "Allow iam:SimulatePrincipalPolicy in the landing zone's role for a complete answer.";
    CLOCK_SKEW = "FW-A0017", Some(Exit::Authentication), "Clock is wrong",
        "AWS refuses the signature because this machine's clock differs too much from its own.",
        "Synchronise the clock (chrony, systemd-timesyncd) and run the command again.";
    RESOURCE_STATE = "FW-A0018", Some(Exit::Resource), "State does not allow it",
        "The state the resource is in does not allow the call now, for example an instance that is being stopped or a snapshot that an image still uses.",
        "Look at the resource named in the message; `fleetwright retry` when it has settled.";
    LIMIT_REACHED = "FW-A0019", Some(Exit::Resource), "Limit of the account reached",
        "The account or region has as many of these resources as its quota allows.",
        "Delete what is not needed or have the quota raised (Service Quotas), then `fleetwright retry`.";
    REPLY_LOST = "FW-A0020", Some(Exit::Partial), "Reply lost",
        "A call that changes something was sent and its reply was lost, so it may have taken effect. It is not repeated before its effect was looked for.",
        "`fleetwright resume`: the run looks whether it took effect and goes on from there.";
}
