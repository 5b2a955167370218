//! The plans: three tiers priced per seat and an add-on, each with a monthly, quarterly and yearly
//! cycle in three currencies.

use std::fmt;
use std::io::{Result, Write};

use super::files::NdjsonFile;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    Starter,
    Team,
    Business,
    /// The add-on, whose price does not depend on seats.
    Insights,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cadence {
    Month,
    Quarter,
    Year,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Currency {
    Usd,
    Eur,
    Gbp,
}

/// A plan; its `Display` is its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) tier: Tier,
    pub(super) cadence: Cadence,
    pub(super) currency: Currency,
}

const TIERS: [Tier; 4] = [Tier::Starter, Tier::Team, Tier::Business, Tier::Insights];
const CADENCES: [Cadence; 3] = [Cadence::Month, Cadence::Quarter, Cadence::Year];
const CURRENCIES: [Currency; 3] = [Currency::Usd, Currency::Eur, Currency::Gbp];

/// Writes every plan.
pub(super) fn write_all(plans: &mut NdjsonFile) -> Result<()> {
    for tier in TIERS {
        for cadence in CADENCES {
            for currency in CURRENCIES {
                plans.line(|out| Plan { tier, cadence, currency }.write(out))?;
            }
        }
    }
    Ok(())
}

impl Plan {
    /// The price of one seat for one cycle, in minor units. A quarter has a discount of 5 percent,
    /// and a year costs ten months.
    pub(super) fn price(self) -> i64 {
        let month = match (self.tier, self.currency) {
            (Tier::Starter, Currency::Usd) => 900,
            (Tier::Starter, Currency::Eur) => 800,
            (Tier::Starter, Currency::Gbp) => 700,
            (Tier::Team, Currency::Usd) => 1_900,
            (Tier::Team, Currency::Eur) => 1_700,
            (Tier::Team, Currency::Gbp) => 1_500,
            (Tier::Business, Currency::Usd) => 3_900,
            (Tier::Business, Currency::Eur) => 3_600,
            (Tier::Business, Currency::Gbp) => 3_200,
            (Tier::Insights, Currency::Usd) => 4_900,
            (Tier::Insights, Currency::Eur) => 4_500,
            (Tier::Insights, Currency::Gbp) => 3_900,
        };
        match self.cadence {
            Cadence::Month => month,
            Cadence::Quarter => month * 3 * 95 / 100,
            Cadence::Year => month * 10,
        }
    }

    fn write(self, out: &mut impl Write) -> Result<()> {
        let (interval, count, adverb) = match self.cadence {
            Cadence::Month => ("month", 1, "monthly"),
            Cadence::Quarter => ("month", 3, "quarterly"),
            Cadence::Year => ("year", 1, "yearly"),
        };
        let group = format!("{:?}", self.tier);
        write!(
            out,
            "{{\"id\":\"{self}\",\"name\":\"{group}, {adverb}\",\"interval\":\"{interval}\",\
             \"interval_count\":{count},\"currency\":\"{}\",\"plan_group\":\"{group}\"}}",
            self.currency
        )
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.tier {
            Tier::Starter => "starter",
            Tier::Team => "team",
            Tier::Business => "business",
            Tier::Insights => "insights",
        })?;
        f.write_str(match self.cadence {
            Cadence::Month => "-monthly-",
            Cadence::Quarter => "-quarterly-",
            Cadence::Year => "-yearly-",
        })?;
        f.write_str(match self.currency {
            Currency::Usd => "usd",
            Currency::Eur => "eur",
            Currency::Gbp => "gbp",
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Currency::Usd => "USD",
            Currency::Eur => "EUR",
            Currency::Gbp => "GBP",
        })
    }
}

impl Tier {
    /// The next higher tier.
    pub(super) fn above(self) -> Option<Tier> {
        match self {
            Tier::Starter => Some(Tier::Team),
            Tier::Team => Some(Tier::Business),
            Tier::Business | Tier::Insights => None,
        }
    }

    /// The next lower tier.
    pub(super) fn below(self) -> Option<Tier> {
        match self {
            Tier::Business => Some(Tier::Team),
            Tier::Team => Some(Tier::Starter),
            Tier::Starter | Tier::Insights => None,
        }
    }
}

impl Cadence {
    /// Months in a cycle.
    pub(super) fn months(self) -> u32 {
        match self {
            Cadence::Month => 1,
            Cadence::Quarter => 3,
            Cadence::Year => 12,
        }
    }
}
