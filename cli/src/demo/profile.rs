//! The profile of a customer: name, email address, country, industry and size.

use std::io::{Result, Write};

use chrono::{NaiveDate, NaiveDateTime};
use fastrand::Rng;

use super::invoice::instant;
use super::plan::Currency;
use super::random_choice::{any, percent, pick};

/// A word of a name, and its spelling in an email address.
type Word = (&'static str, &'static str);

const PLACES: [Word; 32] = [
    ("Alder", "alder"),
    ("Amber", "amber"),
    ("Aurora", "aurora"),
    ("Birch", "birch"),
    ("Blåfjell", "blafjell"),
    ("Brook", "brook"),
    ("Café Sol", "cafesol"),
    ("Cedar", "cedar"),
    ("Cobalt", "cobalt"),
    ("Copper", "copper"),
    ("Élan", "elan"),
    ("Falcon", "falcon"),
    ("Fern", "fern"),
    ("Granite", "granite"),
    ("Harbor", "harbor"),
    ("Hazel", "hazel"),
    ("Iron", "iron"),
    ("Juniper", "juniper"),
    ("Kestrel", "kestrel"),
    ("Lark", "lark"),
    ("Lumen", "lumen"),
    ("Maple", "maple"),
    ("Möwe", "moewe"),
    ("Nimbus", "nimbus"),
    ("Northwind", "northwind"),
    ("Olive", "olive"),
    ("Pine", "pine"),
    ("Quarry", "quarry"),
    ("Ridge", "ridge"),
    ("Señal", "senal"),
    ("Tidewater", "tidewater"),
    ("Willow", "willow"),
];

/// An industry, and the word for it in company names.
const INDUSTRIES: [(&str, Word); 10] = [
    ("software", ("Systems", "systems")),
    ("logistics", ("Logistics", "logistics")),
    ("design", ("Studio", "studio")),
    ("education", ("Academy", "academy")),
    ("health", ("Health", "health")),
    ("retail", ("Goods", "goods")),
    ("hospitality", ("Hotels", "hotels")),
    ("energy", ("Energy", "energy")),
    ("law", ("Partners", "partners")),
    ("construction", ("Works", "works")),
];

const MAILBOXES: [&str; 5] = ["billing", "accounts", "finance", "office", "hello"];

/// A country, its billing currency, and a legal form of its companies.
type Country = (&'static str, Currency, &'static str);

const COUNTRIES: [(Country, u32); 13] = [
    (("US", Currency::Usd, "Inc."), 38),
    (("CA", Currency::Usd, "Ltd."), 5),
    (("AU", Currency::Usd, "Pty Ltd"), 3),
    (("IN", Currency::Usd, "Pvt Ltd"), 3),
    (("BR", Currency::Usd, "Ltda."), 2),
    (("GB", Currency::Gbp, "Ltd"), 15),
    (("DE", Currency::Eur, "GmbH"), 10),
    (("FR", Currency::Eur, "SAS"), 7),
    (("NL", Currency::Eur, "B.V."), 5),
    (("ES", Currency::Eur, "S.L."), 4),
    (("IT", Currency::Eur, "S.r.l."), 4),
    (("SE", Currency::Eur, "AB"), 2),
    (("IE", Currency::Eur, "Ltd"), 2),
];

/// The number of employees of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CompanySize {
    Few,
    Dozens,
    Hundred,
    Hundreds,
}

const SIZES: [(CompanySize, u32); 4] = [
    (CompanySize::Few, 55),
    (CompanySize::Dozens, 29),
    (CompanySize::Hundred, 13),
    (CompanySize::Hundreds, 3),
];

const TRIALS_PERCENT: u32 = 60;

/// A customer on the day of its sign-up.
pub(super) struct Profile {
    pub(super) number: u32,
    pub(super) created: NaiveDateTime,
    pub(super) has_trial: bool,
    pub(super) size: CompanySize,
    pub(super) currency: Currency,
    country: Country,
    place: Word,
    industry: (&'static str, Word),
    mailbox: &'static str,
}

impl Profile {
    pub(super) fn generate(number: u32, day: NaiveDate, rng: &mut Rng) -> Profile {
        let country = pick(rng, &COUNTRIES);
        Profile {
            number,
            created: instant(day, rng),
            has_trial: percent(rng, TRIALS_PERCENT),
            size: pick(rng, &SIZES),
            currency: country.1,
            country,
            place: any(rng, &PLACES),
            industry: any(rng, &INDUSTRIES),
            mailbox: any(rng, &MAILBOXES),
        }
    }

    /// Writes the record. No word needs an escape in JSON.
    pub(super) fn write(&self, out: &mut impl Write) -> Result<()> {
        let (code, _, form) = self.country;
        let (place, industry) = (self.place, self.industry);
        let number = self.number + 1;
        write!(out, r#"{{"id":"cus_{number:07}","name":"{} {} {form}""#, place.0, industry.1.0)?;
        write!(
            out,
            r#","email":"{}@{}-{}-{number}.example""#,
            self.mailbox, place.1, industry.1.1
        )?;
        let created = self.created.format("%Y-%m-%dT%H:%M:%SZ");
        write!(out, r#","created":"{created}","country":"{code}""#)?;
        if self.has_trial {
            write!(out, r#","trial_started":"{created}""#)?;
        }
        write!(
            out,
            r#","metadata":{{"industry":"{}","size":"{}"}}}}"#,
            industry.0,
            self.size.employees()
        )
    }
}

impl CompanySize {
    fn employees(self) -> &'static str {
        match self {
            CompanySize::Few => "1-10",
            CompanySize::Dozens => "11-50",
            CompanySize::Hundred => "51-200",
            CompanySize::Hundreds => "201-1000",
        }
    }
}
