//! The one rounding of mrr.md: an exact quotient of integers to 4 decimals.

use arrow::datatypes::i256;

/// The decimals of a rate.
pub(crate) const RATE_SCALE: i8 = 4;
/// The digits of a rate; one more is an overflow.
pub(crate) const RATE_PRECISION: u8 = 24;

const SCALE_FACTOR: u128 = 10_000;

/// `numerator` ÷ `denominator` in ten-thousandths, rounded half away from zero. None when the
/// denominator is 0 or the quotient does not fit.
pub(crate) fn round_ratio(numerator: i128, denominator: i128) -> Option<i128> {
    let divisor = denominator.unsigned_abs();
    let (quotient, remainder) = divide(numerator.unsigned_abs(), divisor)?;
    let round_away = remainder >= divisor - remainder;
    let magnitude = quotient.checked_add(i128::from(round_away))?;
    Some(if is_negative(numerator, denominator) { -magnitude } else { magnitude })
}

/// `numerator` ÷ `denominator` in ten-thousandths, rounded up. None as for [`round_ratio`].
pub(crate) fn ceil_ratio(numerator: i128, denominator: i128) -> Option<i128> {
    let (quotient, remainder) = divide(numerator.unsigned_abs(), denominator.unsigned_abs())?;
    if is_negative(numerator, denominator) {
        return Some(-quotient);
    }
    quotient.checked_add(i128::from(remainder > 0))
}

fn is_negative(numerator: i128, denominator: i128) -> bool {
    numerator.is_negative() != denominator.is_negative()
}

/// Quotient in ten-thousandths and remainder.
fn divide(numerator: u128, divisor: u128) -> Option<(i128, u128)> {
    let (quotient, remainder) = match numerator.checked_mul(SCALE_FACTOR) {
        Some(scaled) => (scaled.checked_div(divisor)?, scaled.checked_rem(divisor)?),
        None => divide_wide(numerator, divisor)?,
    };
    Some((i128::try_from(quotient).ok()?, remainder))
}

/// The same where the numerator in ten-thousandths needs more than 128 bits.
fn divide_wide(numerator: u128, divisor: u128) -> Option<(u128, u128)> {
    let wide = |value| i256::from_parts(value, 0);
    let narrow = |value: i256| match value.to_parts() {
        (low, 0) => Some(low),
        _ => None,
    };
    let scaled = wide(numerator).checked_mul(wide(SCALE_FACTOR))?;
    Some((narrow(scaled.checked_div(wide(divisor))?)?, narrow(scaled.checked_rem(wide(divisor))?)?))
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
            (10_i128.pow(37) + 5, 10_i128.pow(37), 10_000),
            (-3 * 10_i128.pow(37), 2 * 10_i128.pow(37) + 1, -15_000),
            (i128::MIN, i128::MIN, 10_000),
            (i128::MAX, i128::MIN, -10_000),
            (0, -7, 0),
        ] {
            assert_eq!(
                round_ratio(numerator, denominator),
                Some(rounded),
                "{numerator} ÷ {denominator}"
            );
        }
        assert_eq!(round_ratio(1, 0), None);
        assert_eq!(round_ratio(i128::MAX, 0), None);
        assert_eq!(round_ratio(10_i128.pow(37), 1), None);
    }

    #[test]
    fn ceil_goes_up() {
        assert_eq!(ceil_ratio(1, 30_000), Some(1));
        assert_eq!(ceil_ratio(-1, 30_000), Some(0));
        assert_eq!(ceil_ratio(1, 10_000), Some(1));
        assert_eq!(ceil_ratio(10_i128.pow(37) + 1, 10_i128.pow(37)), Some(10_001));
        assert_eq!(ceil_ratio(0, -3), Some(0));
    }
}
