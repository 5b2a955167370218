//! Kills `mrrow` with SIGKILL at random times: acknowledged writes survive, no write is partial,
//! and the next write succeeds.
//!
//! `MRROW_ROUNDS=N` kills N times in each test instead of a few; `MRROW_SEED` chooses other times.

mod checks;
mod expected_invoices;
mod killed_run;

mod compactions;
mod deletes;
mod imports;
mod pushes;
mod server;
mod settings;

use std::time::Duration;

const ROUNDS: u32 = 3;

fn number_from_environment(name: &str) -> Option<u32> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn rounds() -> u32 {
    number_from_environment("MRROW_ROUNDS").unwrap_or(ROUNDS)
}

fn seeded_rng() -> fastrand::Rng {
    fastrand::Rng::with_seed(number_from_environment("MRROW_SEED").unwrap_or(1).into())
}

/// The time of the kill in a round. The rounds are spread over `whole`, the duration of a complete
/// run on this machine.
fn kill_time(round: u32, whole: Duration, rng: &mut fastrand::Rng) -> Duration {
    const STEPS: u32 = 1000;
    whole * (round * STEPS + rng.u32(..STEPS)) / (rounds() * STEPS)
}
