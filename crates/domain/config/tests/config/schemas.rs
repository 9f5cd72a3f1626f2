//! What the schemas say beside what they accept; that is judged in `tests/referee/test_schemas.py`
//! by a validator of others.

use fleetwright_config::schema;

#[test]
fn older_spellings_are_marked_deprecated_and_defaults_are_given() {
    let schema = schema();
    let properties = &schema["properties"];
    assert_eq!(properties["skip_backup"]["deprecated"], true);
    assert_eq!(properties["workflow"]["deprecated"], true);
    assert_eq!(properties["aws"]["properties"]["max_attempts"]["default"], 8);
    assert!(properties["aws"]["deprecated"].is_null());
}
