//! What random invoices of one customer are drawn from. A theme narrows the choices, so that the
//! invoices meet where one part of the rules decides.

/// How the end of a period is drawn.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// Cycles of a plan of the book after the start, and more days; written like the start.
    Cycles(i64, i64),
    /// The same as a bare date.
    BareCycles(i64, i64),
    /// Days after the start, at another time of day.
    Days(i64),
    /// Minutes after the start.
    Minutes(i64),
    Missing,
}

/// Lists to draw from; each entry is as likely as any other.
pub struct Theme {
    pub invoices: (i64, i64),
    pub kinds: &'static [&'static str],
    /// Days from the opening of the book to the start of a period.
    pub starts: &'static [i64],
    pub ends: &'static [End],
    /// Days from the start of a period to its invoice.
    pub issues: &'static [i64],
    pub amounts: &'static [i64],
    /// An end to the ids of subscriptions; an empty id is a missing one.
    pub subscriptions: &'static [Option<&'static str>],
    /// The invoices name only so many of the book's plans. The first two have one cycle.
    pub plans: usize,
    pub currencies: &'static [&'static str],
    /// Of 100 subscription invoices, so many are prorations.
    pub prorations: i64,
    /// Of 100 invoices, so many have a `period_start`.
    pub with_start: i64,
    /// Of 100 stamps, so many are a midnight in UTC.
    pub plain_times: i64,
    /// `as_of` is one of these days after the opening, if it is not anywhere.
    pub as_of: &'static [i64],
}

use End::{BareCycles, Cycles, Days, Minutes, Missing};

const S: &str = "subscription";
const C: &str = "cancellation";
const R: &str = "refund";
const O: &str = "one-time";

/// Anything.
const CHAOS: Theme = Theme {
    invoices: (2, 8),
    kinds: &[S, S, S, S, S, S, C, C, R, O],
    starts: &[0, 0, 0, 1, 10, 15, 28, 29, 30, 31, 31, 32, 59, 60, 61, 90, 91],
    ends: &[
        Cycles(1, 0),
        Cycles(1, 0),
        Cycles(1, 0),
        Cycles(2, 1),
        Cycles(3, 3),
        BareCycles(1, -1),
        BareCycles(1, 0),
        Days(20),
        Days(-2),
        Minutes(300),
        Missing,
    ],
    issues: &[0, 0, 0, -3, -1, 1, 2, 31],
    amounts: &[1_000, 1_000, 1_000, 0, 999, 500, -500, 3_333],
    subscriptions: &[Some("s"), Some("s"), Some("s"), None, Some(""), Some("t")],
    plans: 5,
    currencies: &["USD", "USD", "USD", "USD", "JPY"],
    prorations: 25,
    with_start: 75,
    plain_times: 0,
    as_of: &[],
};

/// Credits and invoices of the same period.
const CREDITS: Theme = Theme {
    invoices: (4, 8),
    kinds: &[S, S, S, R, R],
    starts: &[0, 0, 0, 0, 1],
    ends: &[Cycles(1, 0), Cycles(1, 0), Cycles(1, 0), Missing, Days(31)],
    issues: &[0, 0, 1, 1, 2, 3],
    amounts: &[1_000, 1_000, 1_000, -1_000, 900],
    subscriptions: &[Some("s"), Some("s"), Some("s"), Some("t"), None],
    plans: 2,
    prorations: 12,
    plain_times: 60,
    ..CHAOS
};

/// Holes, arrears and lapses near the end of the wait.
const GRACES: Theme = Theme {
    invoices: (2, 4),
    kinds: &[S, S, S, S, S, C],
    starts: &[0, 0, 31, 45, 59, 60, 61, 62, 63, 90, 91],
    ends: &[Cycles(1, 0), Cycles(1, 0), Cycles(1, 0), Cycles(2, 0), Missing],
    issues: &[0, 0, 5, 28, 31, 32, 60],
    amounts: &[1_000, 1_000, 2_000, 0],
    subscriptions: &[Some("s"), Some("s"), Some("s"), None],
    currencies: &["USD", "USD", "USD", "JPY"],
    prorations: 8,
    with_start: 95,
    plain_times: 80,
    as_of: &[44, 45, 46, 58, 59, 60, 61, 62, 73, 74, 75, 76, 89, 90, 91, 92, 104, 105],
    ..CHAOS
};

/// Cancellations among early, late and voided periods.
const CANCELLATIONS: Theme = Theme {
    invoices: (3, 7),
    kinds: &[S, S, S, C, C],
    starts: &[0, 0, 31, 31, 35, 35, 60, 25],
    ends: &[
        Cycles(1, 0),
        Cycles(1, 0),
        Cycles(1, 1),
        Cycles(1, 3),
        Cycles(1, 4),
        Cycles(1, -1),
        Cycles(2, 0),
        Missing,
        Missing,
    ],
    issues: &[0, 0, 0, -10, -1, 1, 31],
    amounts: &[1_000, 1_000, 2_000, 0],
    subscriptions: &[Some("s"), Some("s"), Some("s"), Some("t"), None],
    plans: 3,
    currencies: &["USD", "USD", "USD", "USD", "JPY"],
    prorations: 8,
    plain_times: 70,
    as_of: &[10, 31, 45, 60, 75, 120],
    ..CHAOS
};

/// Renewals issued early and cancelled on the day they start, after a hole.
const VOIDS: Theme = Theme {
    invoices: (3, 4),
    kinds: &[S, S, C],
    starts: &[0, 0, 35, 35],
    ends: &[Cycles(1, 0), Cycles(1, 0), Missing],
    issues: &[0, 0, -10],
    amounts: &[1_000, 2_000],
    subscriptions: &[Some("s"), Some("s"), Some("s"), None],
    plans: 2,
    currencies: &["USD"],
    prorations: 0,
    with_start: 90,
    plain_times: 60,
    as_of: &[40, 60, 80, 120],
};

/// A proration that is cancelled, before it starts or for its end.
const ALONE_AND_CANCELLED: Theme = Theme {
    invoices: (2, 3),
    kinds: &[S, C, C],
    starts: &[0, 0, 2],
    ends: &[Days(20), Days(21), Days(19), Days(40)],
    issues: &[0, 0, -5],
    subscriptions: &[Some("s"), Some("s"), Some("s"), None],
    prorations: 80,
    as_of: &[10, 22, 30, 36, 60, 120],
    ..VOIDS
};

/// Prorations without regular invoices, before them and after them.
const ALONE: Theme = Theme {
    invoices: (2, 5),
    kinds: &[S, S, C],
    starts: &[0, 0, 10, 12, 20, 31, 31, 45],
    ends: &[Cycles(1, 0), Days(21), Days(11), Days(19), Days(31), Minutes(30_240), Cycles(1, -3)],
    issues: &[0, 0, 0, -20, -1, 1, 20],
    amounts: &[1_000, 1_000, 677, 355, 0, -300],
    subscriptions: &[Some("s"), Some("s"), Some("s"), Some("s"), Some("t"), None],
    plans: 2,
    currencies: &["USD", "USD", "USD", "USD", "JPY"],
    prorations: 70,
    with_start: 100,
    plain_times: 70,
    as_of: &[15, 32, 40, 46, 60, 120],
};

/// Subscriptions that begin where others are cancelled.
const SWITCHES: Theme = Theme {
    invoices: (3, 5),
    kinds: &[S, S, C],
    starts: &[0, 0, 10, 10, 10, 20],
    ends: &[Cycles(1, 0), Cycles(1, 0), Days(21), Missing],
    issues: &[0],
    amounts: &[1_000, 1_000, 500, 0],
    subscriptions: &[Some("s"), Some("s"), Some("t"), None],
    plans: 2,
    currencies: &["USD"],
    prorations: 50,
    with_start: 90,
    plain_times: 50,
    as_of: &[12, 25, 60, 120],
};

/// Short free periods between paid ones.
const STUBS: Theme = Theme {
    invoices: (3, 6),
    kinds: &[S, S, S, S, S, S, S, C],
    starts: &[0, 0, 10, 12, 15, 15, 22, 31, 33],
    ends: &[Cycles(1, 0), Cycles(1, 0), Days(5), Days(7), Days(10), Days(19)],
    issues: &[0],
    amounts: &[1_000, 2_000, 0, 0, 0],
    subscriptions: &[Some("s"), Some("s"), Some("s"), Some("s"), None],
    plans: 2,
    currencies: &["USD"],
    prorations: 10,
    with_start: 100,
    plain_times: 80,
    ..CHAOS
};

/// Refunds that may mean several invoices, subscriptions and tracks.
const REFUNDS: Theme = Theme {
    invoices: (4, 8),
    kinds: &[S, S, S, S, R, R, R],
    starts: &[0, 0, 0, 0, 15, 31],
    ends: &[Cycles(1, 0), Cycles(1, 0), Cycles(2, 0), Missing, Days(10)],
    issues: &[0, 0, 0, -3, 5, 20, 35],
    amounts: &[1_000, 500, 2_000, 0, 300],
    subscriptions: &[Some("s"), Some("s"), Some("t"), None],
    plans: 2,
    currencies: &["USD"],
    prorations: 5,
    plain_times: 85,
    ..CHAOS
};

/// Ends that may be inclusive.
const INCLUSIVE: Theme = Theme {
    invoices: (2, 6),
    kinds: &[S, S, S, S, S, C],
    starts: &[0, 0, 31, 31, 30, 60, 60, 61],
    ends: &[
        Cycles(1, -1),
        Cycles(1, -1),
        Cycles(2, -1),
        BareCycles(1, -1),
        BareCycles(2, -1),
        Cycles(1, 0),
    ],
    issues: &[0, 0, 30],
    amounts: &[1_000, 2_000],
    subscriptions: &[Some("s"), Some("s"), Some("s"), Some("t"), None],
    plans: 3,
    currencies: &["USD", "USD", "USD", "JPY"],
    prorations: 12,
    with_start: 90,
    plain_times: 75,
    ..CHAOS
};

/// Several plans and prorations in one period.
const ONE_PERIOD: Theme = Theme {
    invoices: (3, 7),
    kinds: &[S, S, S, S, S, S, C],
    starts: &[0, 0, 0, 0, 31, 31, 10],
    ends: &[Cycles(1, 0), Cycles(1, 0), Cycles(1, 0), Days(31), Days(-2)],
    issues: &[0, 0, 0, 1, 15, 31, 33],
    amounts: &[1_000, 1_000, 0, 0, 500, 677, -400],
    subscriptions: &[Some("s")],
    plans: 4,
    currencies: &["USD"],
    prorations: 35,
    with_start: 75,
    plain_times: 85,
    as_of: &[20, 40, 46, 62, 74, 120],
};

pub const THEMES: [&Theme; 13] = [
    &CHAOS,
    &CHAOS,
    &CREDITS,
    &GRACES,
    &CANCELLATIONS,
    &VOIDS,
    &ALONE,
    &ALONE_AND_CANCELLED,
    &SWITCHES,
    &STUBS,
    &REFUNDS,
    &INCLUSIVE,
    &ONE_PERIOD,
];
