//! Test doubles for the ports and the scenario runner; a dev-dependency only.
