//! Which plans a group has: those in a list, or those whose id or name fits a pattern.

use std::str::FromStr;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::{GroupDefinition, GroupKind};

/// Bytes of a pattern at most.
const PATTERN_BYTES_MAX: usize = 1_000;

/// How the pattern of an auto group is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelectorType {
    /// The text is somewhere in the id or name, in upper or lower case.
    Contains,
    /// The id or name starts with the text, in upper or lower case.
    StartsWith,
    /// The id or name ends with the text, in upper or lower case.
    EndsWith,
    /// The regular expression is found in the id or name; `(?i)` takes upper for lower case.
    Regex,
}

impl FromStr for SelectorType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "contains" => Ok(SelectorType::Contains),
            "startswith" => Ok(SelectorType::StartsWith),
            "endswith" => Ok(SelectorType::EndsWith),
            "regex" => Ok(SelectorType::Regex),
            _ => Err(format!(
                "\"{text}\" is not a type of selector; use contains, startswith, endswith or regex"
            )),
        }
    }
}

/// A definition that is ready to be asked.
#[derive(Debug, Clone)]
pub(super) enum Selector {
    /// Sorted ids.
    Listed(Vec<String>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    Regex(Regex),
}

impl Selector {
    pub(super) fn of(definition: &GroupDefinition) -> Result<Selector> {
        if definition.kind == GroupKind::Manual {
            let mut plans = definition.plans.clone();
            plans.sort_unstable();
            return Ok(Selector::Listed(plans));
        }
        let (Some(how), Some(pattern)) = (definition.selector_type, definition.selector.as_deref())
        else {
            let message = "an auto plan group needs a selector type and a selector, such as contains and \"pro\"";
            return Err(Error::Argument(message.to_string()));
        };
        if pattern.is_empty() || pattern.len() > PATTERN_BYTES_MAX {
            let message = format!(
                "the selector has {} bytes; 1 to {PATTERN_BYTES_MAX} are allowed",
                pattern.len()
            );
            return Err(Error::Argument(message));
        }
        Ok(match how {
            SelectorType::Contains => Selector::Contains(pattern.to_lowercase()),
            SelectorType::StartsWith => Selector::StartsWith(pattern.to_lowercase()),
            SelectorType::EndsWith => Selector::EndsWith(pattern.to_lowercase()),
            SelectorType::Regex => {
                Selector::Regex(Regex::new(pattern).map_err(|error| unusable(pattern, &error))?)
            }
        })
    }

    pub(super) fn takes(&self, plan_id: &str, plan_name: &str) -> bool {
        let either = |fits: &dyn Fn(&str) -> bool| fits(plan_id) || fits(plan_name);
        match self {
            Selector::Listed(plans) => {
                plans.binary_search_by(|plan| plan.as_str().cmp(plan_id)).is_ok()
            }
            Selector::Contains(text) => either(&|of| of.to_lowercase().contains(text)),
            Selector::StartsWith(text) => either(&|of| of.to_lowercase().starts_with(text)),
            Selector::EndsWith(text) => either(&|of| of.to_lowercase().ends_with(text)),
            Selector::Regex(regex) => either(&|of| regex.is_match(of)),
        }
    }
}

/// The last line of the library's message says why; the lines before it point into the pattern.
fn unusable(pattern: &str, error: &regex::Error) -> Error {
    let told = error.to_string();
    let reason = told.lines().last().unwrap_or_default();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    Error::Argument(format!(
        "the selector \"{pattern}\" is not a regular expression that can be used: {reason}"
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn auto(how: SelectorType, pattern: &str) -> Result<Selector> {
        let (selector_type, selector) = (Some(how), Some(pattern.to_string()));
        let kind = GroupKind::Auto;
        Selector::of(&GroupDefinition {
            kind,
            selector_type,
            selector,
            ..GroupDefinition::default()
        })
    }

    #[test]
    fn a_pattern_finds_plans_by_id_or_name() {
        let table = [
            (SelectorType::Contains, "PRO", "p1", "The Pro plan", true),
            (SelectorType::Contains, "pro", "x-pro-y", "X", true),
            (SelectorType::Contains, "pro", "basic", "Basic", false),
            (SelectorType::StartsWith, "pro", "p1", "Pro monthly", true),
            (SelectorType::StartsWith, "pro", "p1", "The Pro plan", false),
            (SelectorType::EndsWith, "_year", "pro_YEAR", "Pro", true),
            (SelectorType::EndsWith, "_year", "pro_year_2", "Pro", false),
            (SelectorType::Regex, "^pro_(month|year)$", "pro_year", "Pro", true),
            (SelectorType::Regex, "^pro_(month|year)$", "Pro_year", "Pro", false),
            (SelectorType::Regex, "(?i)^pro$", "p1", "PRO", true),
        ];
        for (how, pattern, id, name, expected) in table {
            assert_eq!(
                auto(how, pattern).unwrap().takes(id, name),
                expected,
                "{how:?} {pattern} {id} {name}"
            );
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused_with_the_reason() {
        let told = auto(SelectorType::Regex, "pro(").unwrap_err().to_string();
        assert_eq!(
            told,
            "the selector \"pro(\" is not a regular expression that can be used: unclosed group"
        );
        assert!(auto(SelectorType::Regex, "(a{1000}){1000}").is_err());
        assert!(auto(SelectorType::Contains, "").is_err());
        assert!(auto(SelectorType::Contains, &"x".repeat(1_000)).is_ok());
        assert!(auto(SelectorType::Contains, &"x".repeat(1_001)).is_err());
    }
}
