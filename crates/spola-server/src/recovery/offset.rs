//! Offsets: by which event a client says how far it has come.

/// Digits of a number in an offset, in the official order.
const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

/// The offset of the event `number`, in the log of this name.
pub(super) fn encode(log: &str, number: u64) -> String {
    let mut digits: Vec<u8> = Vec::new();
    let mut rest = number;
    loop {
        digits.extend(DIGITS.get((rest & 63) as usize));
        rest >>= 6;
        if rest == 0 {
            break;
        }
    }
    log.chars().chain(digits.iter().rev().map(|digit| char::from(*digit))).collect()
}

/// The number of an event by its offset, if that is of this log.
pub(super) fn decode(log: &str, offset: &str) -> Option<u64> {
    let digits = offset.strip_prefix(log)?.as_bytes();
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with(b"0")) {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let value = DIGITS.iter().position(|at| at == digit)?;
        number.checked_mul(64)?.checked_add(value as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 9, 10, 63, 64, 4095, 4096, 1 << 40, u64::MAX] {
            let offset = encode("Q8-_", number);
            assert!(offset.len() <= 15, "{offset}");
            assert_eq!(decode("Q8-_", &offset), Some(number), "{offset}");
        }
        assert_eq!(encode("Q8-_", 64), "Q8-_10");
    }

    #[test]
    fn nothing_else_is_an_offset() {
        let long = format!("abcd{}", "1".repeat(1000));
        for offset in [
            "",
            "abcd",
            "abcd01",
            "abcd1.2",
            "abce1",
            "abc",
            "abcdé",
            "abcd________________",
            &long,
        ] {
            assert_eq!(decode("abcd", offset), None, "{offset}");
        }
    }
}
