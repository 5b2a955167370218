//! The reports: `mrrow report`, and `mrrow movements` and `mrrow mrr` with options of their own.

use chrono::NaiveDate;
use mrrow_engine::Engine;
use mrrow_engine::reports::{ReportError, report as public_report};

use crate::args::{MovementsArgs, MrrArgs, OutputArgs, PointInTimeArgs, ReportArgs};
use crate::exit::{Code, Failure};
use crate::output;

/// A name and a value.
type Parameter = (&'static str, String);

pub(super) async fn report(engine: &Engine, args: &ReportArgs) -> Result<Code, Failure> {
    let parameters: Vec<(&str, &str)> =
        args.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    print(engine, &args.name, &parameters, args.point_in_time, &args.output).await
}

pub(super) async fn movements(engine: &Engine, args: &MovementsArgs) -> Result<Code, Failure> {
    let flag = |name, is_set: bool| is_set.then(|| (name, "true".to_string()));
    let parameters = [
        day("from", args.from),
        day("to", args.to),
        args.customer.clone().map(|customer| ("customer", customer)),
        flag("scheduled", args.scheduled),
        flag("causes", args.causes),
    ];
    print_given(engine, "movements", &parameters, args.point_in_time, &args.output).await
}

pub(super) async fn mrr(engine: &Engine, args: &MrrArgs) -> Result<Code, Failure> {
    let interval = Some(("interval", args.interval.name().to_string()));
    let parameters = [interval, day("from", args.from), day("to", args.to)];
    print_given(engine, "mrr", &parameters, args.point_in_time, &args.output).await
}

fn day(name: &'static str, day: Option<NaiveDate>) -> Option<Parameter> {
    day.map(|day| (name, day.to_string()))
}

async fn print_given(
    engine: &Engine,
    name: &str,
    parameters: &[Option<Parameter>],
    point_in_time: PointInTimeArgs,
    output: &OutputArgs,
) -> Result<Code, Failure> {
    let parameters: Vec<(&str, &str)> =
        parameters.iter().flatten().map(|(name, value)| (*name, value.as_str())).collect();
    print(engine, name, &parameters, point_in_time, output).await
}

/// Prints a report.
async fn print(
    engine: &Engine,
    name: &str,
    parameters: &[(&str, &str)],
    point_in_time: PointInTimeArgs,
    output: &OutputArgs,
) -> Result<Code, Failure> {
    let (sources, parameters): (Vec<_>, Vec<_>) =
        parameters.iter().copied().partition(|(name, _)| *name == "data_source");
    let request = public_report(name).and_then(|report| report.request(&parameters));
    let request = request.map_err(|error: ReportError| Failure::usage(error.to_string()))?;
    let mut snapshot = point_in_time.open_snapshot(engine).await?;
    for (_, source) in sources {
        let found = engine.data_source(source).await?;
        let found = found.ok_or_else(|| {
            Failure::usage(format!(
                "there is no data source \"{source}\"; \"mrrow sources list\" prints all data \
                 sources"
            ))
        })?;
        snapshot = snapshot.restricted_to(&[found.id]);
    }
    output::print(output.format, snapshot.report(&request).await?).await?;
    Ok(Code::Done)
}
