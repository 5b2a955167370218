//! A charge: a price less its discount, for a whole period or for the rest of one.

/// One charge in minor units; both amounts are negative in a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Charge {
    /// The amount to pay, after the discount.
    pub(super) amount: i64,
    /// The discount.
    pub(super) discount: i64,
}

impl Charge {
    /// A list price with a discount in percent.
    pub(super) fn new(price: i64, percent_off: i64) -> Charge {
        let discount = divide_rounded(price * percent_off, 100);
        Charge { amount: price - discount, discount }
    }

    /// The part for `days` of a period of `of_days` days.
    pub(super) fn prorated(self, days: i64, of_days: i64) -> Charge {
        let amount = divide_rounded(self.amount * days, of_days);
        Charge {
            amount,
            discount: divide_rounded((self.amount + self.discount) * days, of_days) - amount,
        }
    }

    /// The same amounts as a credit.
    pub(super) fn to_credit(self) -> Charge {
        Charge { amount: -self.amount, discount: -self.discount }
    }
}

/// Rounds to the nearest integer, a half up. Neither number is negative.
pub(super) fn divide_rounded(number: i64, by: i64) -> i64 {
    (2 * number + by) / (2 * by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charge_is_rounded_once_and_discount_is_the_rest() {
        let charge = Charge::new(4_900, 20);
        assert_eq!(charge, Charge { amount: 3_920, discount: 980 });
        assert_eq!(charge.prorated(19, 31), Charge { amount: 2_403, discount: 600 });
        assert_eq!(charge.prorated(19, 31).to_credit(), Charge { amount: -2_403, discount: -600 });
        assert_eq!((divide_rounded(5, 2), divide_rounded(4, 3), divide_rounded(0, 7)), (3, 1, 0));
    }
}
