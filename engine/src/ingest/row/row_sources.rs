//! Rows that name their data source themselves.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ingest::rejection::Code;
use crate::ingest::row::values::Value;

/// The data sources that the rows of a request may name.
#[derive(Debug, Clone, Default)]
pub struct RowSources {
    /// Ids by id and by name; an id takes precedence. None for a name that several data sources
    /// share.
    ids: HashMap<String, Option<Arc<str>>>,
    default: Option<Arc<str>>,
}

impl RowSources {
    /// Data sources by id and name; a row without one belongs to `default`.
    pub fn new<'s>(
        sources: impl IntoIterator<Item = (&'s str, &'s str)>,
        default: Option<&str>,
    ) -> RowSources {
        let (mut ids, mut names) = (HashMap::new(), HashMap::new());
        for (id, name) in sources {
            let shared: Arc<str> = id.into();
            ids.insert(id.to_string(), Some(Arc::clone(&shared)));
            names
                .entry(name.to_string())
                .and_modify(|several| *several = None)
                .or_insert(Some(shared));
        }
        for (name, id) in names {
            ids.entry(name).or_insert(id);
        }
        RowSources { ids, default: default.map(Arc::from) }
    }

    /// The data source of a row, or the reason why there is none.
    pub(in crate::ingest) fn of(&self, value: &Value<'_>) -> Result<Arc<str>, (Code, String)> {
        if value.is_missing() {
            let message = "\"data_source\" is required where there is more than one; give each row its own, or the request \"?source=\"";
            return self.default.clone().ok_or_else(|| (Code::Required, message.to_string()));
        }
        let (Value::Text(name) | Value::Cell(name)) = value else {
            let kind = value.kind();
            return Err((
                Code::WrongType,
                format!("\"data_source\" must be text, not {kind}; put it in quotes"),
            ));
        };
        let wrong = |message: &str| (Code::DataSourceNotFound, format!("\"{name}\" {message}"));
        match self.ids.get(name.as_ref()) {
            Some(Some(id)) => Ok(Arc::clone(id)),
            Some(None) => Err(wrong("is what several data sources are called; name one by its id")),
            None => Err(wrong(
                "is not a data source that this key may write; create it first, or correct the id",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::AsArray;

    use super::RowSources;
    use crate::ingest::testing::{customers, render};
    use crate::ingest::{DecodeOptions, Format, decode};

    fn sources(default: Option<&str>) -> Option<Arc<RowSources>> {
        let sources = [("ds_1", "shop"), ("ds_2", "ds_1"), ("ds_3", "twin"), ("ds_4", "twin")];
        Some(Arc::new(RowSources::new(sources, default)))
    }

    #[test]
    fn each_row_may_be_of_another_data_source() {
        let input = r#"[{"id":"a","name":"A","data_source":"ds_2"},{"id":"b","name":"B","data_source":"shop"},{"id":"c","name":"C"},
                        {"id":"d","name":"D","data_source":"ds_1"},{"id":"e","name":"E","data_source":""}]"#;
        let options = DecodeOptions { row_sources: sources(Some("ds_2")), ..customers() };
        let mut found = Vec::new();
        let read = decode(Box::new(input.as_bytes()), &options, |step| {
            let column = step
                .rows
                .column_by_name("data_source")
                .map(|column| column.as_string::<i32>().clone());
            found.extend(column.iter().flatten().flatten().map(String::from));
            Ok::<(), std::convert::Infallible>(())
        });
        assert!(read.is_ok());
        assert_eq!(found, ["ds_2", "ds_1", "ds_2", "ds_1", "ds_2"]);
    }

    #[test]
    fn a_row_of_no_data_source_is_refused_with_its_other_errors() {
        let options = DecodeOptions {
            row_sources: sources(None),
            format: Some(Format::Ndjson),
            ..customers()
        };
        let input = "{\"id\":\"a\"}\n{\"id\":\"b\",\"name\":\"B\",\"data_source\":\"x\"}\n{\"id\":\"c\",\"name\":\"C\",\"data_source\":1}\n{\"id\":\"d\",\"name\":\"D\",\"data_source\":\"twin\"}\n";
        assert_eq!(
            render(input.as_bytes(), &options).lines().collect::<Vec<_>>(),
            [
                "reject 1 a: /data_source required \"data_source\" is required where there is more than one; give each row its own, or the request \"?source=\" \
                 | /name required \"name\" is required; give it a value",
                "reject 2 b: /data_source data_source_not_found \"x\" is not a data source that this key may write; create it first, or correct the id [x]",
                "reject 3 c: /data_source wrong_type \"data_source\" must be text, not a number; put it in quotes [1]",
                "reject 4 d: /data_source data_source_not_found \"twin\" is what several data sources are called; name one by its id [twin]",
            ]
        );
    }
}
