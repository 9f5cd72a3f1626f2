//! The inventory that `config init` writes.

/// A commented inventory that shows what an entry can say.
pub fn example() -> &'static str {
    EXAMPLE
}

const EXAMPLE: &str = r#"# Landing zones: the accounts fleetwright works on.
# Every key is described by `fleetwright config schema --landing-zones`.

landing_zones:
  # The least an entry needs. Role, external id and regions come from the
  # configuration (aws.role_name, aws.external_id, landing_zones.regions).
  - name: sandbox
    account_id: "111122223333"
    regions: [eu-central-1]

  # Everything an entry can say.
  - name: payments-prod
    account_id: "011122223333"        # quotes keep the leading zero
    regions: [eu-central-1, eu-west-1]  # or: all
    role_name: fleetwright-patching   # or role_arn; null: the caller's own credentials
    external_id: example-external-id
    environment: prod                 # chosen with --environment prod
    description: Payment services, owned by team Payments
    enabled: true                     # false: left out, and named in the summary
    filters:
      tags:
        Application: [web, api]       # each tag with one of these values; * and ? are wildcards
    include: ["payments-*"]           # instance ids or names
    exclude: ["*-legacy"]

  # The same account again, other regions.
  - name: payments-prod-us
    account_id: "011122223333"
    regions: [us-east-1]
    environment: prod
    enabled: false

# Accounts can also be found through AWS Organizations:
# organization:
#   unit: ou-ab12-34cd56ef            # without it the whole organisation
#   accounts_exclude: ["*-sandbox"]
#   role_name: fleetwright-patching
#   regions: all

# And a list may take entries of another file, or all of it:
#  - inventory: other-zones.yaml
#    zones: [legacy-prod, "444455556666"]
"#;
