//! The OpenAPI document, generated from the code, and the page that displays it.

use axum::Router;
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement};
use utoipa::{Modify, OpenApi as _};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::error::{ErrorBody, ErrorDetail};

/// The head of the document.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Mrrow",
        description = "Subscription analytics from billing records. It implements GrowPanel's \
            Custom API and the API of its clients: change the base URL and the key. Every path \
            under /v1 also answers without it, and /data/… also under /v1.",
    ),
    servers((url = "/")),
    components(schemas(ErrorBody, ErrorDetail)),
    tags(
        (name = "push", description = "Records in: GrowPanel's Custom API."),
        (name = "data", description = "Records in and out, in the form of GrowPanel's client \
            libraries."),
        (name = "imports", description = "Uploads of any size."),
        (name = "data sources", description = "Origins of records: push, pull, import."),
        (
            name = "reads",
            description = "Movements, MRR, tables and SQL. With `?min_sequence=N` a read waits \
                until the push with that `sequence` is published; after 10 seconds the response \
                is 503 with Retry-After. It works on every read, also of records and their lists."
        ),
        (name = "keys", description = "API keys."),
        (name = "server", description = "Health and metrics."),
    )
)]
struct Document;

/// The OpenAPI document of routes, with security, common errors and operation ids.
pub(crate) fn document(routes: OpenApi) -> OpenApi {
    let mut document = Document::openapi();
    document.merge(routes);
    Security.modify(&mut document);
    CommonErrors.modify(&mut document);
    OperationIds.modify(&mut document);
    document
}

/// Routes to the document and to the page that shows it.
pub(crate) fn pages<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> Router<S> {
    // The page includes its scripts and contacts no other server.
    let config = Config::from("/openapi.json")
        .try_it_out_enabled(true)
        .persist_authorization(false)
        .validator_url("none")
        .use_base_layout();
    let page = SwaggerUi::new("/docs").config(config);
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    let answer = move || {
        let text = text.clone();
        async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], text) }
    };
    Router::new().route("/openapi.json", get(answer)).merge(page)
}

/// Requires a key, except for operations with a security of their own.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("an API key"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
        document.security = Some(vec![SecurityRequirement::new("key", Vec::<String>::new())]);
    }
}

/// The error responses of the layers, which every operation can have.
struct CommonErrors;

/// Status and description.
const COMMON_ERRORS: [(&str, &str); 7] = [
    ("400", "the request is not well formed"),
    ("401", "no key, or an invalid one"),
    ("403", "the key's role or data sources do not allow it"),
    ("408", "the request took too long to arrive"),
    ("413", "the body is too large"),
    ("500", "an error of the server; its log has the cause"),
    ("503", "temporarily unavailable; Retry-After has the pause"),
];

impl Modify for CommonErrors {
    fn modify(&self, document: &mut OpenApi) {
        for path in document.paths.paths.values_mut() {
            let operations =
                [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
            for operation in operations.into_iter().flatten() {
                let is_open = operation.security.as_ref().is_some_and(|needed| {
                    needed.iter().all(|one| one == &SecurityRequirement::default())
                });
                for (status, meaning) in COMMON_ERRORS {
                    if is_open && ["400", "401", "403"].contains(&status) {
                        continue;
                    }
                    operation
                        .responses
                        .responses
                        .entry(status.to_string())
                        .or_insert_with(|| RefOr::T(error_response(meaning)));
                }
            }
        }
    }
}

/// Operation ids from method and path, because a handler may have two paths.
struct OperationIds;

impl Modify for OperationIds {
    fn modify(&self, document: &mut OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let slug = path.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
            let slug = slug.trim_matches('_').replace("__", "_");
            let methods = [
                ("get", &mut item.get),
                ("post", &mut item.post),
                ("put", &mut item.put),
                ("patch", &mut item.patch),
                ("delete", &mut item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    operation.operation_id = Some(format!("{method}_{slug}"));
                }
            }
        }
    }
}

/// A response with the body of errors.
pub(crate) fn error_response(meaning: &str) -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name("ErrorBody");
    ResponseBuilder::new()
        .description(meaning)
        .content("application/json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
