//! Kill -9 at any moment: what was acknowledged is there, nothing is there by half, and the next
//! write goes through.
//!
//! `MRROW_ROUNDS=N` kills N times in each test instead of the few of an ordinary run, `MRROW_SEED`
//! chooses other moments.

mod checks;
mod compactions;
mod deletes;
mod imports;
mod invoices;
mod pushes;
mod served;
mod settings;
mod victim;

use std::time::Duration;

const ROUNDS: u32 = 3;

fn number_from_environment(name: &str) -> Option<u32> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn rounds() -> u32 {
    number_from_environment("MRROW_ROUNDS").unwrap_or(ROUNDS)
}

fn chance() -> fastrand::Rng {
    fastrand::Rng::with_seed(number_from_environment("MRROW_SEED").unwrap_or(1).into())
}

/// The moment of a round's kill: all rounds together are spread over the time that the whole has
/// taken here and now.
fn moment(round: u32, whole: Duration, chance: &mut fastrand::Rng) -> Duration {
    const STEPS: u32 = 1000;
    whole * (round * STEPS + chance.u32(..STEPS)) / (rounds() * STEPS)
}
