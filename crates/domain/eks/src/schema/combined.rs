//! Schemas made of schemas: all, any or one of several, none, and those that depend on another one.

use serde_json::{Map, Value};

use super::{Place, Validator, Verdict};

/// What a value has against a schema that it need not fit.
enum Tried {
    Fits,
    Faulty,
    Unclear,
}

impl<'s> Validator<'s> {
    pub(super) fn combined(
        &self,
        schema: &'s Map<String, Value>,
        value: &Value,
        place: &Place,
        verdict: &mut Verdict,
    ) {
        let list = |keyword: &str| schema.get(keyword).and_then(Value::as_array);
        for all in list("allOf").into_iter().flatten() {
            verdict.add(self.look(all, value, &place.same()));
        }
        for (keyword, most) in [("anyOf", usize::MAX), ("oneOf", 1)] {
            if let Some(several) = list(keyword) {
                self.several(several, most, value, place, verdict);
            }
        }
        if let Some(not) = schema.get("not") {
            match self.tried(not, value, place) {
                Tried::Fits => verdict.fault(&place.at, "not what the schema excludes"),
                Tried::Faulty => {}
                Tried::Unclear => verdict.unclear(&place.at, "what the schema excludes cannot be judged"),
            }
        }
        if let Some(condition) = schema.get("if") {
            let then = match self.tried(condition, value, place) {
                Tried::Fits => schema.get("then"),
                Tried::Faulty => schema.get("else"),
                Tried::Unclear => {
                    return verdict.unclear(&place.at, "a condition of the schema cannot be judged");
                }
            };
            if let Some(then) = then {
                verdict.add(self.look(then, value, &place.same()));
            }
        }
    }

    fn tried(&self, schema: &'s Value, value: &Value, place: &Place) -> Tried {
        let verdict = self.look(schema, value, &place.same());
        match verdict.fits() {
            true => Tried::Fits,
            // A fault stays one whatever else could not be judged.
            false if !verdict.faults.is_empty() => Tried::Faulty,
            false => Tried::Unclear,
        }
    }

    /// One of several schemas at least, and `most` of them.
    fn several(
        &self,
        several: &'s [Value],
        most: usize,
        value: &Value,
        place: &Place,
        verdict: &mut Verdict,
    ) {
        let (mut fit, mut unclear) = (0, 0);
        for schema in several {
            match self.tried(schema, value, place) {
                Tried::Fits => fit += 1,
                Tried::Faulty => {}
                Tried::Unclear => unclear += 1,
            }
        }
        if fit > most {
            verdict.fault(&place.at, "fits several schemas of which it may fit one");
        } else if unclear > 0 && (fit == 0 || most == 1) {
            verdict.unclear(&place.at, "which of several schemas it fits cannot be judged");
        } else if fit == 0 {
            verdict.fault(&place.at, "fits none of the schemas it may fit");
        }
    }
}
