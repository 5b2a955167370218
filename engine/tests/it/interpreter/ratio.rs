//! Exact quotients, and the one place that rounds them to ten-thousandths of a minor unit.

use std::cmp::Ordering;

/// A reduced fraction; the denominator is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    pub fn new(numerator: i128, denominator: i128) -> Self {
        assert!(denominator != 0, "a quotient needs a divisor");
        let shared = greatest_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let shared =
            i128::try_from(shared).expect("a divisor of an i128 fits one") * denominator.signum();
        Ratio { numerator: numerator / shared, denominator: denominator / shared }
    }

    pub fn whole(number: i128) -> Self {
        Ratio::new(number, 1)
    }

    pub fn times(self, other: Ratio) -> Ratio {
        // Cross-reducing first keeps the products small.
        let left = Ratio::new(self.numerator, other.denominator);
        let right = Ratio::new(other.numerator, self.denominator);
        Ratio::new(left.numerator * right.numerator, left.denominator * right.denominator)
    }

    pub fn over(self, other: Ratio) -> Ratio {
        self.times(Ratio::new(other.denominator, other.numerator))
    }

    /// Ten-thousandths, half away from zero: the rounding of §4.
    pub fn rounded(self) -> i128 {
        let scaled = self.numerator.abs() * 10_000;
        let nearest = (2 * scaled + self.denominator) / (2 * self.denominator);
        nearest * self.numerator.signum()
    }

    /// Ten-thousandths, rounded up (§4.10).
    pub fn rounded_up(self) -> i128 {
        let scaled = self.numerator * 10_000;
        -(-scaled).div_euclid(self.denominator)
    }

    /// The nearest whole number, half up (§3.4).
    pub fn nearest_whole(self) -> i128 {
        (2 * self.numerator + self.denominator).div_euclid(2 * self.denominator)
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.numerator * other.denominator).cmp(&(other.numerator * self.denominator))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn greatest_divisor(left: u128, right: u128) -> u128 {
    if right == 0 { left } else { greatest_divisor(right, left % right) }
}
