//! The one rounding of mrr.md: an exact quotient of integers to 4 decimals.

use arrow::datatypes::i256;

/// The decimals of a rate.
pub(crate) const RATE_SCALE: i8 = 4;
/// The digits of a rate; one more is an overflow.
pub(crate) const RATE_PRECISION: u8 = 24;

const SCALE_FACTOR: i128 = 10_000;

/// `numerator` ÷ `denominator` in ten-thousandths, rounded half away from zero. None when the denominator is 0 or the quotient
/// does not fit.
pub(crate) fn round_ratio(numerator: i128, denominator: i128) -> Option<i128> {
    let (quotient, remainder, divisor) = divide(numerator, denominator)?;
    let round_away = remainder.wrapping_abs().checked_mul(i256::from_i128(2))? >= divisor;
    let away_from_zero = numerator.signum() * denominator.signum();
    quotient.to_i128()?.checked_add(if round_away { away_from_zero } else { 0 })
}

/// `numerator` ÷ `denominator` in ten-thousandths, rounded up. None as for [`round_ratio`].
pub(crate) fn ceil_ratio(numerator: i128, denominator: i128) -> Option<i128> {
    let (quotient, remainder, _) = divide(numerator, denominator)?;
    let above = remainder > i256::ZERO;
    quotient.to_i128()?.checked_add(i128::from(above))
}

/// Quotient towards zero, remainder with the sign of the numerator, and the positive divisor.
fn divide(numerator: i128, denominator: i128) -> Option<(i256, i256, i256)> {
    let sign = denominator.signum();
    let scaled = i256::from_i128(numerator).checked_mul(i256::from_i128(SCALE_FACTOR.checked_mul(sign)?))?;
    let divisor = i256::from_i128(denominator).wrapping_abs();
    Some((scaled.checked_div(divisor)?, scaled.checked_rem(divisor)?, divisor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        for (numerator, denominator, rounded) in [
            (1829, 12, 1_524_167),
            (59_995, 12, 49_995_833),
            (1, 20_000, 1),
            (-1, 20_000, -1),
            (1, -20_000, -1),
            (1, 20_001, 0),
            (-1, 20_001, 0),
            (3, 20_000, 2),
        ] {
            assert_eq!(round_ratio(numerator, denominator), Some(rounded), "{numerator} ÷ {denominator}");
        }
        assert_eq!(round_ratio(1, 0), None);
        assert_eq!(round_ratio(10_i128.pow(37), 1), None);
    }

    #[test]
    fn ceil_goes_up() {
        assert_eq!(ceil_ratio(1, 30_000), Some(1));
        assert_eq!(ceil_ratio(-1, 30_000), Some(0));
        assert_eq!(ceil_ratio(1, 10_000), Some(1));
    }
}
