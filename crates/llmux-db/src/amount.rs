//! Money in two columns: whole billionths of a dollar, and what is left of 10⁻²¹ dollars, always at least 0 and less
//! than a billionth. Both are whole numbers of 64 bits, which every engine adds up exactly.

use llmux_core::Money;

/// How many of the smaller parts make one of the larger.
pub(crate) const CARRY: i64 = 1_000_000_000_000;

pub(crate) fn split(amount: Money) -> (i64, i64) {
    let carry = i128::from(CARRY);
    let (nano, part) = (amount.parts().div_euclid(carry), amount.parts().rem_euclid(carry));
    let nano = i64::try_from(nano).unwrap_or(if nano < 0 { i64::MIN } else { i64::MAX });
    (nano, i64::try_from(part).unwrap_or_default())
}

pub(crate) fn join(nano: i64, part: i64) -> Money {
    Money::from_parts(i128::from(nano).saturating_mul(CARRY.into()).saturating_add(part.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_back_as_they_were() {
        for text in ["0", "0.1", "-0.1", "1.000000000000000000001", "-12345678.000000000000000000009"] {
            let amount: Money = text.parse().unwrap();
            let (nano, part) = split(amount);
            assert_eq!(join(nano, part), amount);
            assert!((0..CARRY).contains(&part));
        }
    }
}
