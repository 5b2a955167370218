//! Pull mode against a test endpoint over HTTP.

mod endpoint;
mod test_server;

mod abort_and_resume;
mod address_guard;
mod endpoint_failures;
mod pages;
mod retries;
mod schedules;
mod secrets;
mod settings;
