//! EC2 patching rules: selection, joins, eligibility, inventory.
