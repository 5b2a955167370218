//! Whole numbers out of their text, exactly: no float ever sees an amount.

/// The decimal digits that an `i64` always holds.
const DIGITS_MAX: usize = 18;

/// An exponent of this size is as good as any larger one.
const EXPONENT_MAX: i64 = 1 << 40;

/// The reason why a text is not a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum NotWhole {
    NotANumber,
    Fraction,
    TooLarge,
}

/// Reads a JSON number without a fractional part: `9900`, `9900.0` and `9.9e3` are the same number.
pub(in crate::ingest) fn whole(text: &str) -> Result<i64, NotWhole> {
    let number = Number::split(text.as_bytes()).ok_or(NotWhole::NotANumber)?;
    let fraction = trim_end(number.fraction);
    let mut shift = number.exponent - fraction.len() as i64;
    let mut digits = number.digits;
    if fraction.is_empty() {
        digits = trim_end(digits);
        shift += (number.digits.len() - digits.len()) as i64;
    }
    let digits = trim_start(digits);
    let fraction = if digits.is_empty() { trim_start(fraction) } else { fraction };

    let count = digits.len() + fraction.len();
    if count == 0 {
        return Ok(0);
    }
    let shift = u32::try_from(shift.min(EXPONENT_MAX >> 10)).map_err(|_| NotWhole::Fraction)?;
    if count + shift as usize > DIGITS_MAX {
        return Err(NotWhole::TooLarge);
    }
    let value =
        digits.iter().chain(fraction).fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    let value = value * 10_i64.pow(shift);
    Ok(if number.negative { -value } else { value })
}

/// A number's text in its parts.
struct Number<'a> {
    negative: bool,
    digits: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    fn split(text: &'a [u8]) -> Option<Self> {
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let (digits, rest) = split_digits(rest)?;
        if digits.len() > 1 && digits[0] == b'0' {
            return None;
        }
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => split_digits(rest)?,
            _ => (&rest[..0], rest),
        };
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent(rest)?,
            _ => return None,
        };
        Some(Number { negative, digits, fraction, exponent })
    }
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (digits, rest) = split_digits(rest)?;
    let size = digits
        .iter()
        .fold(0, |size, digit| (size * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX));
    rest.is_empty().then_some(if negative { -size } else { size })
}

/// At least one digit, and what follows.
fn split_digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
    &digits[..digits.len() - zeros]
}

#[cfg(test)]
mod tests {
    use super::{NotWhole, whole};

    fn check(texts: &[&str], expected: Result<i64, NotWhole>) {
        for text in texts {
            assert_eq!(whole(text), expected, "{text}");
        }
    }

    #[test]
    fn one_number_may_be_written_in_many_ways() {
        check(
            &[
                "9900",
                "9900.0",
                "9900.000",
                "9.9e3",
                "9.9E+3",
                "99e2",
                "990000e-2",
                "0.99e4",
                "0.0099e6",
            ],
            Ok(9900),
        );
        check(&["0", "-0", "0.0", "0e5", "0e999999999999999999999", "0.000e-7", "-0.0E0"], Ok(0));
        check(&["-1", "-1.0", "-10e-1"], Ok(-1));
        check(&["100000000000000000", "1e17"], Ok(100_000_000_000_000_000));
    }

    #[test]
    fn a_fraction_is_not_a_whole_number() {
        check(
            &["99.5", "0.1", "1e-1", "1e-999999999999999999999", "12345678901234567890.5"],
            Err(NotWhole::Fraction),
        );
    }

    #[test]
    fn a_huge_number_is_refused_without_being_expanded() {
        let long = "9".repeat(1_000_000);
        check(
            &["1e18", "1e999999999", "-1e999999999999999999999", "9223372036854775808", &long],
            Err(NotWhole::TooLarge),
        );
    }

    #[test]
    fn only_the_grammar_of_json_is_a_number() {
        let texts = [
            "", "-", "+1", "01", "1.", ".5", "1e", "1e+", " 1", "1 ", "1,000", "0x10", "NaN",
            "1_000", "١",
        ];
        check(&texts, Err(NotWhole::NotANumber));
    }
}
