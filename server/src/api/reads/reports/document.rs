//! The OpenAPI paths of reports, made from their entries in the registry.

use mrrow_engine::reports::{
    ColumnKind, Interval, ParameterKind, Report, ReportColumn, ReportParameter,
};
use utoipa::IntoParams;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths,
    PathsBuilder,
};
use utoipa::openapi::schema::{
    Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{ContentBuilder, RefOr, Required, Response, ResponseBuilder};

use crate::http::openapi::error_response;
use crate::snapshots::ReadParams;

/// The parameters of every report beside those of every read.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it documents parameters that the handler reads from the query")]
struct ReportParams {
    /// The id or name of the only data source; all by default.
    data_source: Option<String>,
    /// The format: json, ndjson, csv, arrow or parquet; by default that of the header Accept.
    #[param(pattern = "^(json|ndjson|csv|arrow|parquet)$")]
    format: Option<String>,
}

/// The path of a report.
pub(super) fn paths(path: &str, report: &Report) -> Paths {
    let of_report = report.parameters.iter().map(parameter);
    let parameters: Vec<Parameter> = of_report
        .chain(ReportParams::into_params(|| Some(ParameterIn::Query)))
        .chain(ReadParams::into_params(|| Some(ParameterIn::Query)))
        .collect();
    let not_modified = ResponseBuilder::new()
        .description("the client has the rows: If-None-Match names their ETag")
        .build();
    let operation = OperationBuilder::new()
        .tag("reads")
        .summary(Some(report.title))
        .parameters(Some(parameters))
        .response("200", rows_response(report))
        .response("304", not_modified)
        .response("404", error_response("no such data source"))
        .response("406", error_response("Accept names no format of the response"))
        .response("422", error_response("the rules cannot be carried out for a customer"))
        .build();
    PathsBuilder::new().path(path, PathItem::new(HttpMethod::Get, operation)).build()
}

fn parameter(parameter: &ReportParameter) -> Parameter {
    let about = match parameter.default {
        Some(default) => {
            format!("{}; {default} by default.", parameter.about.trim_end_matches('.'))
        }
        None => parameter.about.to_string(),
    };
    let schema = match parameter.kind {
        ParameterKind::Day => day(),
        ParameterKind::Interval => {
            of_type(Type::String).enum_values(Some(Interval::ALL.map(Interval::name)))
        }
        ParameterKind::Text => of_type(Type::String),
        ParameterKind::Flag => of_type(Type::Boolean),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

fn rows_response(report: &Report) -> Response {
    let snapshot = of_type(Type::Integer).description(Some("The number of the snapshot."));
    let json = ObjectBuilder::new()
        .property("result", Array::new(row(report)))
        .property("snapshot", snapshot)
        .property("as_of", day())
        .required("result")
        .required("snapshot")
        .required("as_of");
    let text = || content(of_type(Type::String));
    let bytes = || {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        content(of_type(Type::String).format(Some(format)))
    };
    ResponseBuilder::new()
        .description("the rows")
        .content("application/json", content(json))
        .content("application/x-ndjson", text())
        .content("text/csv", text())
        .content("application/vnd.apache.arrow.stream", bytes())
        .content("application/vnd.apache.parquet", bytes())
        .build()
}

fn content(schema: ObjectBuilder) -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(schema)).build()
}

/// A row as a JSON object. Money is text: minor units with 4 digits after the point.
fn row(report: &Report) -> Object {
    let mut row = ObjectBuilder::new();
    for column in report.columns {
        row = row.property(column.name, column_schema(column));
        if column.included_by.is_none() {
            row = row.required(column.name);
        }
    }
    row.build()
}

fn column_schema(column: &ReportColumn) -> RefOr<Schema> {
    let about = (!column.about.is_empty()).then_some(column.about);
    let schema = match column.kind {
        ColumnKind::Day => day(),
        ColumnKind::Text => nullable(column, Type::String),
        ColumnKind::TextList => {
            let texts = ArrayBuilder::new().items(of_type(Type::String)).description(about);
            return RefOr::from(texts);
        }
        ColumnKind::Money => nullable(column, Type::String).examples(["1000.0000"]),
        ColumnKind::Count => nullable(column, Type::Integer),
        ColumnKind::Flag => nullable(column, Type::Boolean),
    };
    RefOr::from(schema.description(about))
}

fn day() -> ObjectBuilder {
    of_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
}

fn of_type(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

fn nullable(column: &ReportColumn, kind: Type) -> ObjectBuilder {
    match column.is_nullable {
        true => ObjectBuilder::new().schema_type(SchemaType::Array(vec![kind, Type::Null])),
        false => of_type(kind),
    }
}
