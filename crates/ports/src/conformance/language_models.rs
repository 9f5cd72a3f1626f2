//! The contract of [`LanguageModels`].

use fleetwright_model::{Cell, ErrorClass};

use crate::LanguageModels;
use crate::language_models::{ModelId, Prompt};

/// Runs the whole suite against a model that there is and one that there is not.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(models: &dyn LanguageModels, cell: &Cell<'_>, model: &ModelId, nobody: &ModelId) {
    let prompt = |most_tokens| Prompt {
        task: "Summarise what follows in one sentence.".to_owned(),
        material: "The subnets have no free addresses.\n".repeat(20),
        most_tokens,
    };
    let whole = models.write(cell, model, &prompt(1_000)).await.expect("the model is there");
    assert!(!whole.text.trim().is_empty(), "it wrote something");
    assert!(whole.is_whole && whole.read_tokens > 0 && whole.written_tokens > 0, "{whole:?}");
    assert!(whole.written_tokens <= 1_000, "no more than it may");

    let cut = models.write(cell, model, &prompt(2)).await.expect("the model is there");
    assert!(!cut.is_whole && cut.written_tokens <= 2, "a text that is cut off says so: {cut:?}");

    let refused = models.write(cell, nobody, &prompt(10)).await.expect_err("there is no such model");
    assert_eq!(refused.class, ErrorClass::Permanent, "{refused}");
}
