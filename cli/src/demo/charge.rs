//! What is charged: a price less its discount, for a whole period or for the rest of one.

/// Minor units of one charge; both are negative in a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Charge {
    /// What is paid, after the discount.
    pub(super) amount: i64,
    /// What was taken off.
    pub(super) discount: i64,
}

impl Charge {
    /// A list price with so many percent off.
    pub(super) fn new(price: i64, percent_off: i64) -> Charge {
        let discount = divided(price * percent_off, 100);
        Charge { amount: price - discount, discount }
    }

    /// The part for so many of a period's days.
    pub(super) fn prorated(self, days: i64, of_days: i64) -> Charge {
        let amount = divided(self.amount * days, of_days);
        Charge { amount, discount: divided((self.amount + self.discount) * days, of_days) - amount }
    }

    /// The same, given back.
    pub(super) fn credited(self) -> Charge {
        Charge { amount: -self.amount, discount: -self.discount }
    }
}

/// The nearest whole number; a half goes up. Neither number is negative.
pub(super) fn divided(number: i64, by: i64) -> i64 {
    (2 * number + by) / (2 * by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_is_rounded_once_and_its_discount_is_the_rest() {
        let charge = Charge::new(4_900, 20);
        assert_eq!(charge, Charge { amount: 3_920, discount: 980 });
        assert_eq!(charge.prorated(19, 31), Charge { amount: 2_403, discount: 600 });
        assert_eq!(charge.prorated(19, 31).credited(), Charge { amount: -2_403, discount: -600 });
        assert_eq!((divided(5, 2), divided(4, 3), divided(0, 7)), (3, 1, 0));
    }
}
