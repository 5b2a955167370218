//! The contract: the OpenAPI document, made from the code, and the page that shows it.

use axum::Router;
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement};
use utoipa::{Modify, OpenApi as _};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::error::{ErrorBody, ErrorDetail};

/// What the document says of the whole API.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Mrrow",
        description = "Subscription analytics from billing records. It speaks the API of GrowPanel's Custom API and of its clients: \
            change the base URL and the key. Every path under /v1 also answers without it, and /data/… also under /v1.",
    ),
    servers((url = "/")),
    components(schemas(ErrorBody, ErrorDetail)),
    tags(
        (name = "push", description = "Records in: GrowPanel's Custom API."),
        (name = "data", description = "Records in and out, as GrowPanel's client libraries speak."),
        (name = "imports", description = "Uploads of any size."),
        (name = "data sources", description = "Where records come from: push, pull, import."),
        (
            name = "reads",
            description = "Movements, MRR, tables and SQL. With `?min_sequence=N` a read answers once it sees what a push was answered \
                with that `sequence`; after 10 seconds it is 503 with Retry-After. It works on every read, also of records and their lists."
        ),
        (name = "keys", description = "API keys."),
        (name = "server", description = "Is it well?"),
    )
)]
struct Document;

/// The OpenAPI document of routes, with what holds for the whole API.
pub(crate) fn document(routes: OpenApi) -> OpenApi {
    let mut document = Document::openapi();
    document.merge(routes);
    Security.modify(&mut document);
    CommonAnswers.modify(&mut document);
    OperationIds.modify(&mut document);
    document
}

/// Routes to the document and to the page that shows it.
pub(crate) fn pages<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> Router<S> {
    // The page brings its own scripts and asks no other server.
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

/// A key is needed unless an operation says otherwise.
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

/// The answers that any operation can give: what is refused before it, and what fails around it.
struct CommonAnswers;

/// Status, and what it means.
const COMMON: [(&str, &str); 7] = [
    ("400", "the request is not well formed"),
    ("401", "no key, or one that is not valid"),
    ("403", "the key's role or data sources do not reach"),
    ("408", "the request took too long to arrive"),
    ("413", "the body is too large"),
    ("500", "a failure of the server, which its log tells"),
    ("503", "not now; Retry-After says when"),
];

impl Modify for CommonAnswers {
    fn modify(&self, document: &mut OpenApi) {
        for path in document.paths.paths.values_mut() {
            let operations =
                [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
            for operation in operations.into_iter().flatten() {
                let is_open = operation.security.as_ref().is_some_and(|needed| {
                    needed.iter().all(|one| one == &SecurityRequirement::default())
                });
                for (status, meaning) in COMMON {
                    if is_open && ["400", "401", "403"].contains(&status) {
                        continue;
                    }
                    operation
                        .responses
                        .responses
                        .entry(status.to_string())
                        .or_insert_with(|| RefOr::T(error_answer(meaning)));
                }
            }
        }
    }
}

/// An id for each operation, made of its method and path: the same handler may be at two paths.
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

fn error_answer(meaning: &str) -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name("ErrorBody");
    ResponseBuilder::new()
        .description(meaning)
        .content("application/json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
