//! One row from a format: a value for each field, under our names.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::ingest::rejection::{Code, FieldError};
use crate::ingest::row::dates::ParsedTime;
use crate::ingest::row::dialect::{Dialect, Place, other_spelling, place};
use crate::model::ObjectType;
use crate::tables::{field_names, required_fields};

/// The maximum of fields of any type.
pub(in crate::ingest) const FIELDS_MAX: usize = 13;

/// The prefix of a metadata column's name.
const METADATA_PREFIX: &str = "metadata.";
const METADATA_PREFIX_OTHER: &str = "custom_variables.";

/// The field that names the data source of a row.
pub(in crate::ingest) const SOURCE_FIELD: &str = "data_source";

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ingest) enum Value<'a> {
    /// Nothing, or null.
    Missing,
    Text(Cow<'a, str>),
    /// A CSV cell: text, or anything written as text.
    Cell(Cow<'a, str>),
    /// A number as written.
    Number(Cow<'a, str>),
    Whole(i64),
    Flag(bool),
    ParsedTime(ParsedTime),
    /// A list, an object, or a value that no field accepts; as text.
    Other(Cow<'a, str>),
    /// Text with half of a `\u` pair.
    Broken(&'a str),
}

/// The values of a row, in the order of the type's fields.
pub(in crate::ingest) struct Row<'a> {
    pub(in crate::ingest) values: [Value<'a>; FIELDS_MAX],
    /// Metadata values that came under names of their own.
    pub(in crate::ingest) metadata: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The data source that the row names.
    pub(in crate::ingest) source: Value<'a>,
    /// Fields that came more than once.
    pub(in crate::ingest) repeated: Vec<Place>,
    /// Fields whose two spellings have different values.
    pub(in crate::ingest) contradicted: Vec<usize>,
    pub(in crate::ingest) naming: Naming,
    /// A bit for each field that came in one spelling, and in the other.
    seen: [u16; 2],
    /// A bit for each field whose value came in the other spelling.
    is_other: u16,
}

/// The destination of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::ingest) enum FieldTarget {
    Field(Place),
    Metadata(String),
    Source,
    Ignored,
}

/// The notation of field names in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Naming {
    /// `/metadata/tier`
    Pointer,
    /// `metadata.tier`
    Column,
}

/// The names of a type's fields: the sender's and ours.
pub(in crate::ingest) struct Names {
    object: ObjectType,
    reads_sources: bool,
    renamed: HashMap<String, FieldTarget>,
    /// For each of our names that a mapping targets, the sender's name.
    theirs: HashMap<String, String>,
}

/// Whether any type has this field: a name of the push format, or `metadata.KEY`.
pub fn is_field(name: &str) -> bool {
    ObjectType::ALL.into_iter().any(|object| target(object, name) != FieldTarget::Ignored)
}

impl<'a> Row<'a> {
    pub(in crate::ingest) fn empty(naming: Naming) -> Self {
        let values = [const { Value::Missing }; FIELDS_MAX];
        Row {
            values,
            metadata: Vec::new(),
            source: Value::Missing,
            repeated: Vec::new(),
            contradicted: Vec::new(),
            naming,
            seen: [0; 2],
            is_other: 0,
        }
    }

    /// Takes a field's value; of several, the first one present.
    pub(in crate::ingest) fn set(&mut self, place: Place, value: Value<'a>) {
        let (field, bit, spelling) = (place.field, 1 << place.field, usize::from(place.is_other));
        if self.seen[spelling] & bit != 0 {
            self.repeated.push(place);
            return;
        }
        self.seen[spelling] |= bit;
        let before = &self.values[field];
        if self.seen[1 - spelling] & bit != 0 && !before.is_missing() {
            if !value.is_missing() && value != *before {
                self.contradicted.push(field);
            }
            return;
        }
        self.is_other = if place.is_other { self.is_other | bit } else { self.is_other & !bit };
        self.values[field] = value;
    }

    /// Whether the sender uses this field's other name; for a missing field, whether the dialect
    /// does.
    pub(in crate::ingest) fn is_other(&self, field: usize, name: &str, dialect: Dialect) -> bool {
        let came = (self.seen[0] | self.seen[1]) & 1 << field != 0;
        if came { self.is_other & 1 << field != 0 } else { dialect.misses_other(name) }
    }
}

impl Value<'_> {
    /// Whether the value is missing; empty text counts as missing.
    pub(in crate::ingest) fn is_missing(&self) -> bool {
        match self {
            Value::Missing => true,
            Value::Text(text) | Value::Cell(text) => text.is_empty(),
            _ => false,
        }
    }

    /// The kind of value, for messages.
    pub(in crate::ingest) fn kind(&self) -> &'static str {
        match self {
            Value::Missing => "nothing",
            Value::Text(_) | Value::Cell(_) | Value::Broken(_) => "text",
            Value::Number(_) | Value::Whole(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::ParsedTime(_) => "a date",
            Value::Other(_) => "a list or object",
        }
    }

    /// The value as text, for messages.
    pub(in crate::ingest) fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Value::Missing => return None,
            Value::Text(text) | Value::Cell(text) | Value::Number(text) | Value::Other(text) => {
                Cow::Borrowed(text)
            }
            Value::Broken(text) => Cow::Borrowed(text),
            Value::Whole(number) => number.to_string().into(),
            Value::Flag(flag) => flag.to_string().into(),
            Value::ParsedTime(moment) => moment.text().into(),
        })
    }
}

impl Names {
    pub(in crate::ingest) fn new(
        object: ObjectType,
        map: &HashMap<String, String>,
        reads_sources: bool,
    ) -> Self {
        let known = || map.iter().filter(|(_, ours)| target(object, ours) != FieldTarget::Ignored);
        let renamed =
            known().map(|(theirs, ours)| (theirs.clone(), target(object, ours))).collect();
        let mut theirs = HashMap::<String, String>::new();
        for (name, ours) in known() {
            let first = theirs.entry(ours.clone()).or_insert_with(|| name.clone());
            if name < first {
                first.clone_from(name);
            }
        }
        Names { object, reads_sources, renamed, theirs }
    }

    /// The destination of the sender's field.
    pub(in crate::ingest) fn target(&self, name: &str) -> FieldTarget {
        match self.renamed.get(name) {
            Some(target) => target.clone(),
            None if self.reads_sources && name == SOURCE_FIELD => FieldTarget::Source,
            None => match target(self.object, name) {
                FieldTarget::Field(place) if self.is_renamed(place.field) => FieldTarget::Ignored,
                FieldTarget::Metadata(key)
                    if self.theirs.contains_key(&format!("{METADATA_PREFIX}{key}")) =>
                {
                    FieldTarget::Ignored
                }
                target => target,
            },
        }
    }

    /// Whether the sender maps another name to this field, in either spelling.
    fn is_renamed(&self, field: usize) -> bool {
        let name = field_names(self.object)[field];
        let is_renamed = |name: &str| self.theirs.contains_key(name);
        is_renamed(name) || other_spelling(self.object, name).is_some_and(is_renamed)
    }

    /// The sender's name of our field.
    pub(in crate::ingest) fn theirs<'n>(&'n self, ours: &'n str) -> &'n str {
        self.theirs.get(ours).map_or(ours, String::as_str)
    }

    /// The name of a field in an error.
    pub(in crate::ingest) fn locate(&self, ours: &str, naming: Naming) -> String {
        match naming {
            Naming::Pointer => format!("/{}", escape(self.theirs(ours))),
            Naming::Column => self.theirs(ours).to_string(),
        }
    }

    /// The name of a metadata value in an error; `whole` is the field's name if the value came
    /// inside it.
    pub(in crate::ingest) fn locate_metadata(
        &self,
        key: &str,
        whole: Option<&str>,
        naming: Naming,
    ) -> String {
        match (naming, whole) {
            (Naming::Pointer, Some(field)) => {
                format!("{}/{}", self.locate(field, naming), escape(key))
            }
            _ => self.locate(&format!("{METADATA_PREFIX}{key}"), naming),
        }
    }

    /// The destinations of the columns' values, or the errors of the columns.
    pub(in crate::ingest) fn columns<'c>(
        &self,
        columns: impl Iterator<Item = &'c str>,
    ) -> Result<Vec<FieldTarget>, Vec<FieldError>> {
        let (mut errors, mut targets, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for column in columns {
            let target = self.target(column);
            if target != FieldTarget::Ignored && !seen.insert(target.clone()) {
                let message =
                    format!("the column \"{column}\" is there twice; remove one of the two");
                errors.push(FieldError::new(column.to_string(), Code::DuplicateKey, message, None));
            }
            targets.push(target);
        }
        let fields = field_names(self.object);
        for name in required_fields(self.object) {
            let is_there = |target: &FieldTarget| matches!(target, FieldTarget::Field(place) if fields[place.field] == *name);
            if !seen.iter().any(is_there) {
                let column = self.locate(name, Naming::Column);
                let message = format!(
                    "the column \"{column}\" is missing; add it, or map the column that holds it to \"{name}\""
                );
                errors.push(FieldError::new(column, Code::Required, message, None));
            }
        }
        if errors.is_empty() { Ok(targets) } else { Err(errors) }
    }
}

fn target(object: ObjectType, name: &str) -> FieldTarget {
    if let Some(place) = place(object, name) {
        return FieldTarget::Field(place);
    }
    match name.strip_prefix(METADATA_PREFIX).or_else(|| name.strip_prefix(METADATA_PREFIX_OTHER)) {
        Some(key) if field_names(object).contains(&"metadata") => {
            FieldTarget::Metadata(key.to_string())
        }
        _ => FieldTarget::Ignored,
    }
}

/// A name inside a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::{FIELDS_MAX, is_field};
    use crate::model::ObjectType;
    use crate::tables::field_names;

    #[test]
    fn every_type_fits_into_a_row() {
        assert!(ObjectType::ALL.iter().all(|object| field_names(*object).len() <= FIELDS_MAX));
    }

    #[test]
    fn fields_are_those_of_any_type() {
        assert!(
            ["amount", "plan_group", "metadata.tier", "metadata", "billing_freq"]
                .into_iter()
                .all(is_field)
        );
        assert!(!["amout", "metadatatier", ""].into_iter().any(is_field));
    }
}
