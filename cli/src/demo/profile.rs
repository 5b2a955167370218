//! Who a customer is: name, address, country, industry and size.

use std::io::{Result, Write};

use chrono::{NaiveDate, NaiveDateTime};
use fastrand::Rng;

use super::catalogue::Currency;
use super::chance::{any, percent, pick};
use super::invoice::instant;

/// A word of a name, and how an address spells it.
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

/// An industry, and how its companies call themselves.
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

/// A country, what its companies are billed in, and their legal form.
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

/// How many people work at a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Few,
    Dozens,
    Hundred,
    Hundreds,
}

const SIZES: [(Size, u32); 4] =
    [(Size::Few, 55), (Size::Dozens, 29), (Size::Hundred, 13), (Size::Hundreds, 3)];

const TRIALS_PERCENT: u32 = 60;

/// One customer on the day it signs up.
pub(super) struct Profile {
    pub(super) number: u32,
    pub(super) created: NaiveDateTime,
    pub(super) has_trial: bool,
    pub(super) size: Size,
    pub(super) currency: Currency,
    country: Country,
    place: Word,
    industry: (&'static str, Word),
    mailbox: &'static str,
}

impl Profile {
    pub(super) fn invent(number: u32, day: NaiveDate, chance: &mut Rng) -> Profile {
        let country = pick(chance, &COUNTRIES);
        Profile {
            number,
            created: instant(day, chance),
            has_trial: percent(chance, TRIALS_PERCENT),
            size: pick(chance, &SIZES),
            currency: country.1,
            country,
            place: any(chance, &PLACES),
            industry: any(chance, &INDUSTRIES),
            mailbox: any(chance, &MAILBOXES),
        }
    }

    /// Writes the record. No word of a name needs an escape in JSON.
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

impl Size {
    fn employees(self) -> &'static str {
        match self {
            Size::Few => "1-10",
            Size::Dozens => "11-50",
            Size::Hundred => "51-200",
            Size::Hundreds => "201-1000",
        }
    }
}
