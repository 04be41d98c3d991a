//! Amounts of money, exact to the last digit.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, Div, Neg, Sub},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Digits behind the point that an amount keeps: enough for the finest prices that are published (ten of a
/// billionth of a dollar for a pixel), halved or divided by a thousand.
const DECIMALS: u32 = 21;
/// Parts that one dollar has.
const ONE: i128 = 10_i128.pow(DECIMALS);
/// Parts that a billionth of a dollar has.
const BILLIONTH: i128 = 10_i128.pow(DECIMALS - 9);

/// Digits that are written from the lower half of an amount's decimals.
const LOW_DIGITS: usize = 10;
const LOW: u128 = 10_u128.pow(LOW_DIGITS as u32);
const HIGH_DIGITS: usize = DECIMALS as usize - LOW_DIGITS;

/// An amount in US dollars, or a price in US dollars for one unit.
///
/// It is a whole number of 10⁻²¹ dollars, so sums, differences and products with counts are exact and do not depend
/// on their order. What would not fit (10¹⁷ dollars) stays at the largest amount instead of wrapping around.
///
/// ```
/// use llmux_core::Money;
///
/// let price: Money = "1.5e-5".parse()?;
/// assert_eq!(price.times(1_000_001).to_string(), "15.000015");
/// # Ok::<(), llmux_core::money::NotAnAmount>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

/// A text that is no decimal number, or one too large for an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnAmount;

impl fmt::Display for NotAnAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an amount of money: expected a decimal number such as 0.25 or 3e-6")
    }
}

impl std::error::Error for NotAnAmount {}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many parts of a dollar, each 10⁻²¹ of it: the form in which amounts are stored.
    #[must_use]
    pub const fn from_parts(parts: i128) -> Self {
        Self(parts)
    }

    /// How many parts of a dollar it is, each 10⁻²¹ of it.
    #[must_use]
    pub const fn parts(self) -> i128 {
        self.0
    }

    /// This price for so many units.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count as i128))
    }

    /// This share of the amount, in billionths, rounded half to even at the last digit.
    #[must_use]
    pub fn share(self, share: Share) -> Self {
        let billion = i128::from(Share::WHOLE);
        match self.0.checked_mul(i128::from(share.0)) {
            Some(product) => Self(divided(product, billion)),
            // Only beyond a hundred million dollars: the lowest digits are given up.
            None => Self(divided(self.0, billion).saturating_mul(i128::from(share.0))),
        }
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether it is nothing at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The nearest floating-point number, for JSON. Never calculate with it.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        // The text is exact, and reading it rounds once.
        self.to_string().parse().unwrap_or_default()
    }

    /// The amount in billionths of a dollar, rounded up; the largest number if it does not fit (nine billion dollars).
    #[must_use]
    pub fn billionths(self) -> i64 {
        let (whole, rest) = (self.0.div_euclid(BILLIONTH), self.0.rem_euclid(BILLIONTH));
        let up = whole.saturating_add(i128::from(rest > 0));
        i64::try_from(up).unwrap_or(if up > 0 { i64::MAX } else { i64::MIN })
    }

    /// An amount of so many billionths of a dollar.
    #[must_use]
    pub const fn from_billionths(count: i64) -> Self {
        Self((count as i128).saturating_mul(BILLIONTH))
    }

    /// The amount that a price for a million units stands for: the price of one.
    #[must_use]
    pub fn per_million(self) -> Self {
        self / 1_000_000
    }
}

/// Divides, rounding half to even.
fn divided(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value.checked_div(by).unwrap_or(0), value.checked_rem(by).unwrap_or(0));
    let twice = rest.unsigned_abs().saturating_mul(2);
    let up = match twice.cmp(&by.unsigned_abs()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    let away = if (value < 0) == (by < 0) { 1 } else { -1 };
    if up { quotient.saturating_add(away) } else { quotient }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Money {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Div<u32> for Money {
    type Output = Self;

    /// A part of the amount, rounded half to even at the last digit; nothing when divided by zero.
    fn div(self, by: u32) -> Self {
        Self(divided(self.0, i128::from(by)))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// A plain decimal number without exponent and without zeros at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, one) = (self.0.unsigned_abs(), ONE.unsigned_abs());
        // Nearly every amount is below a dollar; dividing wide numbers is slow, and each answer's cost is written.
        let (whole, part) = if value < one { (0, value) } else { (value / one, value % one) };
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match (whole, part) {
            (0, 0) => return f.write_str("0"),
            (0, _) => {}
            (whole, 0) => return write!(f, "{whole}"),
            (whole, _) => write!(f, "{whole}")?,
        }
        let mut text = *b"0.000000000000000000000";
        let [above, below] = [part / LOW, part % LOW].map(|half| u64::try_from(half).unwrap_or_default());
        if let Some((digits, low)) = text.split_last_chunk_mut::<LOW_DIGITS>()
            && let Some((_, high)) = digits.split_last_chunk_mut::<HIGH_DIGITS>()
        {
            write_digits(high, above);
            write_digits(low, below);
        }
        let zeros = text.iter().rev().take_while(|digit| **digit == b'0').count();
        let shown = text.get(usize::from(whole > 0)..text.len().saturating_sub(zeros));
        f.write_str(std::str::from_utf8(shown.unwrap_or_default()).unwrap_or_default())
    }
}

/// Writes a number with as many digits as there is room for.
fn write_digits(room: &mut [u8], mut number: u64) {
    for digit in room.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${self}")
    }
}

impl FromStr for Money {
    type Err = NotAnAmount;

    /// Reads a decimal number, with or without exponent. Digits beyond the last that an amount keeps are rounded
    /// half to even.
    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let decimal = Decimal::read(text.trim()).ok_or(NotAnAmount)?;
        decimal.scaled(DECIMALS).map(Self).ok_or(NotAnAmount)
    }
}

impl Serialize for Money {
    /// A decimal number in a text: a JSON number would be rounded by most readers.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A fraction of an amount, in billionths: a discount or a markup. It may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(i64);

impl Share {
    const WHOLE: i64 = 1_000_000_000;

    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is at least nothing and at most all of the amount.
    #[must_use]
    pub const fn is_part(self) -> bool {
        self.0 >= 0 && self.0 <= Self::WHOLE
    }
}

impl FromStr for Share {
    type Err = NotAnAmount;

    /// Reads a fraction such as `0.05`, five percent. Digits behind the ninth are rounded half to even.
    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let decimal = Decimal::read(text.trim()).ok_or(NotAnAmount)?;
        let value = decimal.scaled(9).and_then(|value| i64::try_from(value).ok());
        value.map(Self).ok_or(NotAnAmount)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = ONE.checked_div(i128::from(Self::WHOLE)).unwrap_or(1);
        Money(i128::from(self.0).saturating_mul(scale)).fmt(f)
    }
}

/// A decimal number as it is written: digits and a power of ten.
struct Decimal {
    digits: i128,
    exponent: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, number) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && part.is_empty() {
            return None;
        }
        let mut digits: i128 = 0;
        for byte in whole.bytes().chain(part.bytes()) {
            let digit = char::from(byte).to_digit(10)?;
            digits = digits.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        let decimals = i64::try_from(part.len()).ok()?;
        Some(Self {
            digits: if negative { digits.checked_neg()? } else { digits },
            exponent: i64::from(exponent).checked_sub(decimals)?,
        })
    }

    /// The number as a whole number of 10 to the minus `decimals`.
    fn scaled(&self, decimals: u32) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let shift = self.exponent.checked_add(i64::from(decimals))?;
        let power = u32::try_from(shift.unsigned_abs()).ok()?;
        match (shift >= 0, 10_i128.checked_pow(power)) {
            (true, Some(factor)) => self.digits.checked_mul(factor),
            (true, None) => None,
            (false, Some(divisor)) => Some(divided(self.digits, divisor)),
            (false, None) => Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_read_and_written_without_loss() {
        for (text, shown) in [
            ("3e-06", "0.000003"),
            ("1.5E-5", "0.000015"),
            ("2.0751953125e-09", "0.0000000020751953125"),
            ("7.500003e-05", "0.00007500003"),
            ("0", "0"),
            ("0.0", "0"),
            ("12", "12"),
            ("+1.50", "1.5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0.25", "-0.25"),
            ("1e3", "1000"),
            ("0e999999", "0"),
            ("1e-99", "0"),
        ] {
            assert_eq!(money(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "e5", "1e", "1e5.5", "nan", "inf", "0x10", "1,5", "--1", "1e30", "1 2", "- 1"] {
            assert_eq!(text.parse::<Money>(), Err(NotAnAmount), "{text}");
        }
    }

    #[test]
    fn the_last_digit_is_rounded_half_to_even() {
        assert_eq!(money("0.0000000000000000000005"), money("0"));
        assert_eq!(money("0.0000000000000000000015"), money("0.000000000000000000002"));
        assert_eq!(money("-0.0000000000000000000015"), money("-0.000000000000000000002"));
        assert_eq!(divided(7, 2), 4);
        assert_eq!(divided(5, 2), 2);
        assert_eq!(divided(-7, 2), -4);
        assert_eq!(divided(1, 0), 0);
    }

    #[test]
    fn sums_that_floating_point_gets_wrong_are_right() {
        let total: Money = std::iter::repeat_n(money("0.1"), 10).sum();
        assert_eq!(total, money("1"));
        assert_eq!(money("0.1") + money("0.2"), money("0.3"));
        assert_eq!(money("0.3") - money("0.1"), money("0.2"));
    }

    #[test]
    fn what_does_not_fit_stays_at_the_largest_amount() {
        let most = money("1e17").times(u64::MAX);
        assert_eq!(most, Money(i128::MAX));
        assert_eq!(most + most, most);
        assert!((-most - most).is_negative());
    }

    #[test]
    fn a_share_of_an_amount_is_exact_where_it_can_be() {
        let five: Share = "0.05".parse().unwrap();
        assert_eq!(money("0.000003").share(five), money("0.00000015"));
        assert_eq!(money("1e17").share(five), money("5e15"));
        assert_eq!(five.to_string(), "0.05");
        assert!(five.is_part() && !"1.1".parse::<Share>().unwrap().is_part());
    }

    #[test]
    fn the_number_for_json_is_the_nearest_one() {
        assert_eq!(money("3e-06").to_f64(), 3e-06);
        assert_eq!(money("1.58945719e-07").to_f64(), 1.58945719e-07);
        assert_eq!(serde_json::to_string(&money("3e-6")).unwrap(), r#""0.000003""#);
        assert_eq!(serde_json::from_str::<Money>(r#""3e-6""#).unwrap(), money("0.000003"));
    }
}
