//! Exact rational numbers, and the two roundings of the rules.

/// One whole minor unit in the fixed-point unit of rates, 0.0001 of a minor unit.
pub const RATE_SCALE: i128 = 10_000;

/// A rational number in lowest terms with a denominator above 0.
///
/// Numbers are `i128`. A product that does not fit is a panic, never a wrong answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    pub fn new(numerator: i128, denominator: i128) -> Ratio {
        assert!(denominator != 0, "a ratio needs a denominator");
        let divisor = greatest_common_divisor(numerator, denominator) * denominator.signum();
        Ratio { numerator: numerator / divisor, denominator: denominator / divisor }
    }

    pub fn whole(number: i128) -> Ratio {
        Ratio::new(number, 1)
    }

    pub fn times(self, other: Ratio) -> Ratio {
        // The cross reduction keeps the products small.
        let left = Ratio::new(self.numerator, other.denominator);
        let right = Ratio::new(other.numerator, self.denominator);
        Ratio::new(
            product(left.numerator, right.numerator),
            product(left.denominator, right.denominator),
        )
    }

    pub fn over(self, other: Ratio) -> Ratio {
        self.times(Ratio::new(other.denominator, other.numerator))
    }

    /// Rounds half away from zero to 4 decimals; the unit of the answer is 0.0001.
    pub fn rounded(self) -> i128 {
        let scaled = self.times(Ratio::whole(RATE_SCALE));
        let size = scaled.numerator.abs();
        let whole = size / scaled.denominator;
        let rest = size % scaled.denominator;
        let up = if rest >= scaled.denominator - rest { 1 } else { 0 };
        (whole + up) * scaled.numerator.signum()
    }

    /// Rounds up to 4 decimals; the unit of the answer is 0.0001.
    pub fn rounded_up(self) -> i128 {
        let scaled = self.times(Ratio::whole(RATE_SCALE));
        let floor = scaled.numerator.div_euclid(scaled.denominator);
        let rest = scaled.numerator.rem_euclid(scaled.denominator);
        if rest == 0 { floor } else { floor + 1 }
    }

    /// The greatest whole number that is not above the ratio.
    pub fn floor(self) -> i128 {
        self.numerator.div_euclid(self.denominator)
    }
}

fn product(left: i128, right: i128) -> i128 {
    left.checked_mul(right).expect("a ratio of a book in the limits of §1.2 fits in 128 bits")
}

fn greatest_common_divisor(left: i128, right: i128) -> i128 {
    let (mut left, mut right) = (left.abs(), right.abs());
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left.max(1)
}

/// Writes a rate with its 4 decimals, as the cases do.
pub fn decimal(rate: i128) -> String {
    let sign = if rate < 0 { "-" } else { "" };
    format!("{sign}{}.{:04}", rate.abs() / RATE_SCALE, rate.abs() % RATE_SCALE)
}

#[test]
fn half_is_rounded_away_from_zero() {
    assert_eq!(Ratio::new(1829, 12).rounded(), 1_524_167);
    assert_eq!(Ratio::new(1, 20_000).rounded(), 1);
    assert_eq!(Ratio::new(-1, 20_000).rounded(), -1);
    assert_eq!(Ratio::new(-1, 20_001).rounded(), 0);
    assert_eq!(Ratio::new(1, 20_001).rounded_up(), 1);
    assert_eq!(Ratio::new(2, 20_000).rounded_up(), 1);
    assert_eq!(decimal(-12), "-0.0012");
}
